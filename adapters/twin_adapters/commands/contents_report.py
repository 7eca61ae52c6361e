"""The contents of a recording as text and as JSON."""

from collections.abc import Iterator

from rich.markup import escape
from rich.table import Table

from twin_adapters.commands.contents import Contents
from twin_adapters.recordings.describe import Channel, Steps, Words
from twin_runtime.cli.options import instant_text
from twin_runtime.cli.output import display
from twin_runtime.core import SECOND
from twin_runtime.durations import NANOSECONDS

COLUMNS = ("column", "unit", "values", "missing", "rate", "gaps", "lowest", "highest")


def show(contents: Contents) -> None:
    """Print it: what it is, its times, a row a column."""
    for line in _lines(contents):
        display(escape(line))
    if contents.channels:
        display(_table(contents))
    for words in contents.words:
        display(escape(_words_text(words)))
    for name, error in contents.unreadable.items():
        display(f"[yellow]{escape(name)}[/]: {escape(error)}")
    if not contents.is_mapping:
        display(escape(f"a mapping to paste: twin recording {contents.path} --toml"))


def as_json(contents: Contents) -> dict[str, object]:
    """All of it; times are nanoseconds since 1970, or since the start where the date is not known."""
    times = contents.times
    return {
        "file": str(contents.path),
        "rows": contents.rows,
        "first": contents.first,
        "last": contents.last,
        "time_column": None if times is None else contents.names[times.column] or times.column,
        "time_unit": None if times is None else times.unit,
        "time_reason": None if times is None else times.reason,
        "needs_zone": contents.local,
        "start": contents.start or None,
        "channels": [_channel_json(channel) for channel in contents.channels],
        "texts": {words.name: list(words.most) for words in contents.words},
        "unreadable": contents.unreadable,
    }


def rate_text(steps: Steps | None) -> str:
    """How often values come: as a rate above one a second, else as a step."""
    if steps is None:
        return ""
    if not steps.even:
        return f"{span_text(steps.shortest)} to {span_text(steps.longest)} apart"
    if steps.median < SECOND:
        return f"{SECOND / steps.median:.6g} Hz"
    return f"every {span_text(steps.median)}"


def span_text(nanoseconds: float) -> str:
    """A span of time in the largest unit of which it has at least one, to four digits."""
    unit = next((u for u, scale in reversed(NANOSECONDS.items()) if abs(nanoseconds) >= scale), "s")
    return f"{nanoseconds / NANOSECONDS[unit]:.4g} {unit}"


def _words_text(words: Words) -> str:
    if words.are_dates:
        return f"{words.name}: {words.total} date-times, {' to '.join(words.most)}"
    rest = f" and {words.different - len(words.most)} others" if words.different > len(words.most) else ""
    return f"{words.name}: {words.total} texts: {', '.join(map(repr, words.most))}{rest}"


def has_date(contents: Contents) -> bool:
    """Whether its times tell the date."""
    dated = contents.times is not None and contents.times.since_1970
    return contents.is_mapping or dated or "epoch" in contents.header.model_fields_set


def _lines(contents: Contents) -> Iterator[str]:
    kind = f"{contents.rows} readings" if contents.is_mapping else f"{contents.rows} rows"
    yield f"{contents.path}: {kind}"
    if contents.times is not None:
        name = contents.names[contents.times.column] or str(contents.times.column)
        yield f'times: column {name!r}, time_unit = "{contents.times.unit}": {contents.times.reason}'
    elif not contents.is_mapping and contents.header.period is None:
        yield "times: no column looks like one; say --set 'time=\"NAME\"', or --set 'period=\"1 s\"'"
    if contents.first is not None and contents.last is not None:
        yield f"from {_time(contents, contents.first)} to {_time(contents, contents.last)}" + (
            f", {span_text(contents.last - contents.first)} in all"
        )
    if contents.local:
        yield 'zone: these times have none; a mapping has to say it, as in zone = "Europe/Brussels" or "UTC"'
    if contents.start:
        yield f"start: the file says {contents.start}, which is where its times count from"
    if backwards := max((channel.backwards for channel in contents.channels), default=0):
        yield f"order: times run backwards in {backwards} places; a recording sorts them"


def _time(contents: Contents, time: int) -> str:
    if not has_date(contents):
        return f"{time / SECOND:.6g} s"
    text = instant_text(time)
    return text.removesuffix("Z") if contents.local else text


def _table(contents: Contents) -> Table:
    twins = any(channel.twin for channel in contents.channels)
    titles = any(channel.title for channel in contents.channels)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in (*(("twin",) if twins else ()), *COLUMNS, *(("what it is",) if titles else ())):
        table.add_column(name, justify="right" if name in COLUMNS[2:] else "left", overflow="fold")
    for channel in contents.channels:
        cells = [*([channel.twin] if twins else []), *_cells(channel), *([channel.title] if titles else [])]
        table.add_row(*map(escape, cells))
    return table


def _cells(channel: Channel) -> list[str]:
    steps, values = channel.steps, channel.values
    gaps = f"{steps.gaps}, to {span_text(steps.longest_gap)}" if steps and steps.gaps else ""
    limits = [f"{values.min():.6g}", f"{values.max():.6g}"] if len(values) else ["", ""]
    counts = [str(len(values)), str(channel.missing or "")]
    return [channel.name, channel.unit, *counts, rate_text(steps), gaps, *limits]


def _channel_json(channel: Channel) -> dict[str, object]:
    steps, values, times = channel.steps, channel.values, channel.times
    there = len(values) > 0
    return {
        "name": channel.name,
        "twin": channel.twin or None,
        "unit": channel.unit or None,
        "title": channel.title or None,
        "values": len(values),
        "missing": channel.missing,
        "backwards": channel.backwards,
        "median_step": steps.median if steps else None,
        "even": steps.even if steps else None,
        "gaps": steps.gaps if steps else 0,
        "longest_gap": steps.longest_gap if steps else 0,
        "lowest": float(values.min()) if there else None,
        "highest": float(values.max()) if there else None,
        "first": int(times[0]) if there and times is not None else None,
        "last": int(times[-1]) if there and times is not None else None,
    }
