"""Future inputs as a user writes them: ``flow=5 L/min@2 min``, ``patient-1/bolus=1@30 s``."""

import re
from collections.abc import Sequence

from twin_runtime.durations import parse_duration
from twin_runtime.errors import ConfigError, UnitError, did_you_mean
from twin_runtime.runs.assembly import TypeAssembly
from twin_runtime.runs.branch import FutureInput

_WRITTEN = re.compile(r"(?:(?P<twin>[^/=@]+)/)?(?P<channel>[^/=@]+)(?:=(?P<value>[^@]*))?(?:@(?P<after>.*))?")
_VALUE = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*")
REMEDY = 'write it like "flow=5", "flow=5 L/min@2 min" or, of one twin, "patient-1/bolus@30 s"'


def future_input(of: TypeAssembly, written: str) -> FutureInput:
    """One sample of an input; without a time at once, without a unit in that of its channel.

    Raises ConfigError that says what is not understood.
    """
    match = _WRITTEN.fullmatch(written.strip())
    if match is None:
        raise _wrong(written, "expected INPUT=VALUE")
    inputs = {channel.name: place for place, channel in enumerate(of.channels) if channel.kind == "input"}
    name = match["channel"].strip()
    if name not in inputs:
        raise ConfigError(f"expected an input, got '{name}'", where="--set", remedy=did_you_mean(name, inputs))
    return FutureInput(
        _rows(of, match["twin"]),
        inputs[name],
        _value(of, inputs[name], match["value"], written),
        _after(match["after"]),
    )


def _rows(of: TypeAssembly, twin: str | None) -> Sequence[int]:
    twins = of.fleet.twins
    if twin is None:
        return tuple(range(len(twins)))
    if twin.strip() not in twins:
        raise ConfigError(f"expected a twin, got '{twin}'", where="--set", remedy=did_you_mean(twin.strip(), twins))
    return (twins.index(twin.strip()),)


def _value(of: TypeAssembly, place: int, written: str | None, whole: str) -> float:
    """In the model's unit; an event has none."""
    channel = of.channels[place]
    given = of.fleet.model.inputs[of.fleet.inputs_of_channels[place]]
    if not given.has_value:
        if written not in (None, "1"):
            raise _wrong(whole, f"'{channel.name}' is an event, which has a time and no value")
        return 1.0
    match = _VALUE.fullmatch(written or "")
    if match is None:
        raise _wrong(whole, f"expected a number and a unit such as {channel.unit} for '{channel.name}'")
    value, unit = float(match[1]), match[2] or channel.unit
    try:
        scale, offset = channel.convert(unit)
    except UnitError as error:
        raise ConfigError(error.what, where=f"--set {whole!r}", remedy=error.remedy) from None
    value = value * scale + offset
    if not channel.low <= value <= channel.high:
        raise _wrong(whole, f"{value:g} {channel.unit} is not between {channel.low:g} and {channel.high:g}")
    return value * channel.scale + channel.offset


def _after(written: str | None) -> int:
    try:
        return 0 if written is None else parse_duration(written.strip())
    except ValueError as error:
        raise ConfigError(str(error), where="--set", remedy=REMEDY) from None


def _wrong(written: str, what: str) -> ConfigError:
    return ConfigError(f"{what}, got {written!r}", where="--set", remedy=REMEDY)
