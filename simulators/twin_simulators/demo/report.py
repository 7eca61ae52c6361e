"""The report of a demonstration: estimates and truth, the accounting, and how to replay it."""

import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from twin_runtime.errors import TwinError
from twin_simulators.demo.accounting import equation, unaccounted
from twin_simulators.demo.live import Outcome
from twin_simulators.demo.progress import SETTLING, Comparison, Progress


def check(outcome: Outcome) -> None:
    """Raise :class:`TwinError` unless there are estimates and every reading is accounted for."""
    readings = outcome.summary["readings"]
    if not (outcome.summary["estimates"] or outcome.interrupted):
        raise TwinError("the twin made no estimate", where="demo", remedy='let it run for longer, as in --for "30 s"')
    if unaccounted(readings):
        raise TwinError(f"not true: {equation(readings)}", where="demo", remedy="this is a bug of ours: report it")


def report(outcome: Outcome, config: Path, store: Path) -> Iterator[RenderableType]:
    """The parts of the report, in order. What is to be copied is a text that the terminal alone wraps."""
    progress = outcome.progress
    yield Text(
        f"\nAfter {progress.seconds:.1f} s: what the twin estimates, and what is true of the patient", style="bold"
    )
    yield _comparisons(progress.comparisons())
    yield Text(_caveat(progress), style="dim")
    yield ""
    yield _facts(outcome, store)
    yield "\n[bold]Replay it from the store; the state will be the same, bit for bit:[/]"
    yield escape(f"  {command('replay', config, store)}")
    yield f"  state hash {outcome.summary['state_hash']}"


def command(name: str, *paths: Path) -> str:
    """A command line that works from here, however this program was called."""
    called = sys.argv[0]
    program = called if Path(called).name == "twin" and shutil.which("twin") is None else "twin"
    return shlex.join([program, name, *map(str, paths)])


def _comparisons(comparisons: Iterable[Comparison]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("quantity", "mean", "90 % interval", "truth", "inside", "unit"):
        table.add_column(title, justify="left" if title in ("quantity", "unit") else "right")
    for c in comparisons:
        inside = Text("yes", "green") if c.inside else Text("no", "yellow")
        if c.share is not None:
            inside.append(f", {c.share:4.0%} of the time", style="dim")
        table.add_row(c.quantity, f"{c.mean:.3g}", c.interval, f"{c.truth:.3g}", inside, c.unit)
    return table


def _caveat(progress: Progress) -> str:
    compliance = next(v for v in progress.assembly.types[0].fleet.model.variables if v.name == "compliance")
    return (
        "Pressure alone cannot tell the scale of flow: compliance keeps its prior spread of "
        f"{compliance.prior.sd:.0%}, and resistance and the flows inherit it. The time counts from {SETTLING:g} s on, "
        "with the estimates as they were first made."
    )


def _facts(outcome: Outcome, store: Path) -> Table:
    summary, progress = outcome.summary, outcome.progress
    verdicts = ", ".join(f"{count} {name}" for name, count in summary["verdicts"].items())
    missing = progress.sent - summary["readings"]["accepted"]
    rejected = ", ".join(f"{count} {code}" for code, count in summary["readings"]["rejected"].items())
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row(
        "patient", f"{progress.sent} readings sent" + (f", {missing} still on their way" if missing > 0 else "")
    )
    table.add_row("readings", equation(summary["readings"]) + (f" (rejected: {rejected})" if rejected else ""))
    table.add_row("estimates", f"{summary['ticks']}, {progress.revised} times revised by readings that came late")
    table.add_row("verdict", f"{progress.verdict} in the end; over all {verdicts}")
    table.add_row("store", f"{escape(str(store))} ({store.stat().st_size / 1e6:.1f} MB)")
    return table
