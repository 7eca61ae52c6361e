"""A mapping for a file, as far as the file tells it, for a person to complete."""

import json
import re
from collections.abc import Iterator
from datetime import datetime

from twin_adapters.commands.contents import Contents
from twin_adapters.recordings.describe import Channel
from twin_adapters.recordings.unit_spelling import runtime_unit
from twin_runtime.errors import ConfigError, UnitError
from twin_runtime.units import conversion, is_unit

TEMPERATURES = {"C": "degC", "F": "degF"}
"""Units of temperatures as some write them; by themselves they are coulomb and farad."""
UNIT_IN_NAME = re.compile(r"[\[(]([^\[\]()]+)[\])]\s*$")


def mapping_of(contents: Contents) -> str:
    """TOML that reads all columns of numbers. What a person has to settle is said in comments."""
    if contents.is_mapping:
        raise ConfigError("it is a mapping already", where=str(contents.path), remedy="name a file of recorded data")
    said = {"file": contents.path.name} | {name: value for name, value in contents.said.items() if name != "file"}
    lines = ["[recording]", *(f"{name} = {value_text(value)}" for name, value in said.items()), *_times(contents)]
    for words in (words for words in contents.words if not words.are_dates):
        lines.append(f"# where = {{ {value_text(words.name)} = {value_text(words.most[0])} }}  # takes only such rows")
    taken: set[str] = set()
    for channel in (channel for channel in contents.channels if len(channel.values)):
        lines += ["", "[[streams]]", *_stream(contents, channel, taken)]
    return "\n".join(lines) + "\n"


def value_text(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{value_text(key)} = {value_text(item)}' for key, item in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(value_text, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _times(contents: Contents) -> Iterator[str]:
    times, said = contents.times, contents.said
    if "period" in said:
        return
    if times is None:
        yield 'period = "1 s"  # no column looks like times: say what lies between two rows, or name one in `time`'
        return
    name = contents.names[times.column]
    if "time" not in said:
        yield f"time = {value_text(name if contents.names.count(name) == 1 and name else times.column)}"
    if "time_unit" not in said and "time_format" not in said:
        yield f"time_unit = {value_text(times.unit)}  # {times.reason}"
    if contents.local:
        yield 'zone = "UTC"  # these times have no offset from UTC: put their zone here'
    if not times.since_1970 and "epoch" not in said:
        yield _epoch(contents.start)


def _epoch(start: str) -> str:
    """The moment from which times count, as far as the file tells it."""
    if "T" not in start:
        told = f"; the file says {start}" if start else ""
        return f"# epoch = 2020-01-01T00:00:00Z  # the moment from which times count{told}"
    moment = datetime.fromisoformat(start)
    if moment.tzinfo is not None:
        return f"epoch = {start}  # as the file says"
    return f"epoch = {start}Z  # as the file says, but in which zone it does not say: put its offset for Z"


def _stream(contents: Contents, channel: Channel, taken: set[str]) -> Iterator[str]:
    if channel.title:
        yield f"# {' '.join(channel.title.split())}"
    yield f"channel = {value_text(_channel_name(channel.name, taken))}"
    unique = contents.names.count(channel.name) == 1
    yield f"value = {value_text(channel.name if unique else channel.place)}"
    if not channel.unit:
        yield _unit_by_name(channel.name)
    elif channel.unit in TEMPERATURES and "temp" in f"{channel.name} {channel.title}".lower():
        yield f"unit = {value_text(TEMPERATURES[channel.unit])}"
        yield f"file_unit = {value_text(channel.unit)}  # which would be another unit"
    elif is_unit(channel.unit):
        yield f"unit = {value_text(channel.unit)}"
    else:
        yield f'unit = "1"  # put here what the file means by {channel.unit}'
        yield f"file_unit = {value_text(channel.unit)}"


def _unit_by_name(name: str) -> str:
    """The unit that a name ends with in brackets, as in ``Current [A]``."""
    found = UNIT_IN_NAME.search(name)
    unit = runtime_unit(found[1]) if found else ""
    unit = TEMPERATURES.get(unit, unit) if "temp" in name.lower() else unit
    if unit and _is_known(unit):
        return f"unit = {value_text(unit)}  # as its name says"
    return 'unit = "1"  # the file gives none: put it here'


def _is_known(unit: str) -> bool:
    try:
        conversion(unit, "1")
    except UnitError as error:
        return "measures" in error.what or "differ" in error.what
    return True


def _channel_name(column: str, taken: set[str]) -> str:
    """A column's name as a channel may be called, another for each."""
    plain = re.sub(r"[^\w.-]+", "_", column.strip()).strip("_.-").lower() or "value"
    name, number = plain, 1
    while name in taken:
        name, number = f"{plain}_{number}", number + 1
    taken.add(name)
    return name
