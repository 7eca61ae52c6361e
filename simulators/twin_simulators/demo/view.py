"""What a demonstration shows while it runs: a view that is drawn again and again, or plain lines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from twin_runtime.core import SECOND, Trust
from twin_simulators.demo.accounting import terms
from twin_simulators.demo.progress import Comparison, Progress, Stream

COLOURS = {Trust.TRUSTED: "green", Trust.DEGRADED: "yellow", Trust.UNTRUSTED: "red"}
GAUGE, EDGE = 19, 4
"""Characters of a gauge, and those on either side of the interval."""
IN_LINE = ("resistance", "compliance", "cardiac_output")
"""What a plain line has room for."""
BARS, LABEL = "▁▂▃▄▅▆▇█", "pressure "


def view(progress: Progress) -> RenderableType:
    """The whole view, for 80 columns and more."""
    return Group(
        _title(progress),
        "",
        _streams(progress.streams()),
        "",
        _estimates(progress.comparisons()),
        "",
        Waveform(progress.pressures),
        "",
        _counts(progress),
    )


def line(progress: Progress) -> str:
    """The same in one line."""
    if progress.newest is None:
        return "waiting for the first reading"
    shown = (c for c in progress.comparisons() if c.quantity in IN_LINE)
    found = (f"{c.quantity} {c.mean:.3g} ({c.interval}, truth {c.truth:.3g})" for c in shown)
    rates = (f"{stream.channel} {stream.rate:.0f}/s" for stream in progress.streams())
    return f"{progress.seconds:5.1f} s  {progress.verdict}; {'; '.join(found)}; {', '.join(rates)}"


def _title(progress: Progress) -> Text:
    title = Text.assemble(("twin demo", "bold"), f"  {progress.seconds:.1f} of {progress.case.length / SECOND:g} s  ")
    if progress.trust is not None:
        title.append(progress.verdict, style=f"bold {COLOURS[progress.trust]}")
    return title.append("  Ctrl-C ends it", style="dim")


def _streams(streams: Iterable[Stream]) -> Table:
    table = Table("sensor", "newest reading", "rate", box=None, pad_edge=False, header_style="dim")
    for channel, age, rate in streams:
        table.add_row(channel, "none yet" if age is None else f"{age:.2f} s old", f"{rate:.1f} /s")
    return table


def _estimates(comparisons: Iterable[Comparison]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("estimate", min_width=14)
    for title, width in (("mean", 5), ("90 % interval", 14), ("truth", 5)):
        table.add_column(title, min_width=width, justify="right", no_wrap=True)
    table.add_column("┼ mean  ◆ truth", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    for c in comparisons:
        table.add_row(c.quantity, f"{c.mean:.3g}", c.interval, f"{c.truth:.3g}", _gauge(c), c.unit)
    return table


def _gauge(c: Comparison) -> Text:
    """The interval as a beam with the mean on it, and the truth as a diamond, wherever it is."""
    outside = " " * EDGE
    beam = list(f"{outside}├{'─' * (GAUGE - 2 * EDGE - 2)}┤{outside}")
    beam[_place(c, c.mean)] = "┼"
    beam[_place(c, c.truth)] = "◆"
    return Text("".join(beam), style="green" if c.inside else "yellow")


def _place(c: Comparison, value: float) -> int:
    """Where on the gauge a value lies; far off is at the end."""
    width = c.high - c.low
    share = (value - c.low) / width if width > 0.0 else 0.5 + (value > c.high) - (value < c.low)
    return min(max(round(EDGE + share * (GAUGE - 1 - 2 * EDGE)), 0), GAUGE - 1)


@dataclass(frozen=True)
class Waveform:
    """The estimated pressure of the last seconds, one character a tick, as wide as there is room."""

    pressures: Sequence[float]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        shown = list(self.pressures)[-(options.max_width - len(LABEL)) :]
        low, high = min(shown, default=0.0), max(shown, default=0.0)
        scale = (len(BARS) - 1) / ((high - low) or 1.0)
        yield Text(LABEL).append("".join(BARS[round((p - low) * scale)] for p in shown), style="cyan")


def _counts(progress: Progress) -> Table:
    """The terms of the accounting side by side."""
    readings = {} if progress.fold is None else terms(progress.fold.accounting())
    table = Table(*readings, "revised estimates", box=None, pad_edge=False, header_style="dim")
    for column in table.columns:
        column.justify = "right"
    table.add_row(*map(str, readings.values()), str(progress.revised))
    return table
