"""A ward whose patients have a pressure and a flow: a small deployment of the Windkessel, made in code."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from twin_runtime.config import Config, TwinType
from twin_runtime.core import SECOND, Message, RawReading
from twin_runtime.runs.assembly import Assembly, assemble

TICK = 40_000_000
"""40 ms."""
EPOCH = 1_600_000_000 * SECOND
"""The moment with which stories begin; a tick begins there, too."""
NOTHING: Mapping[str, Any] = MappingProxyType({})
RATE = 25
"""Readings a second of each channel: one a tick."""


def ward(
    patients: int = 1,
    *,
    members: int = 8,
    priors: Mapping[str, Any] = NOTHING,
    walk: Mapping[str, float] = NOTHING,
    assimilation: Mapping[str, Any] = NOTHING,
    overload: Mapping[str, Any] = NOTHING,
    forecasts: Sequence[Mapping[str, Any]] = (),
    limits: Sequence[Mapping[str, Any]] = (),
    **changes: Any,  # noqa: ANN401  # whatever a file may contain
) -> Assembly:
    """A deployment; ``changes`` are settings of its table [twin]."""
    twin = {
        "name": "ward",
        "model": "windkessel",
        "twins": [f"patient-{row}" for row in range(patients)],
        "tick": "40 ms",
        "wait": "100 ms",
        "lateness": "1 s",
        "clock": "stream",
        "seed": 3,
        **changes,
    }
    sensors = {"abp": {"observes": "pressure", "unit": "mmHg", "noise": 2.0, "range": [-30, 300], "stale": "2 s"}}
    settings = {
        "twin": twin,
        "model": {"priors": dict(priors), "walk": dict(walk)},
        "sensors": sensors,
        "inputs": {"flow": {"unit": "mL/s"}},
        "ensemble": {"members": members},
        "assimilation": dict(assimilation),
        "overload": dict(overload),
        "forecasts": [dict(forecast) for forecast in forecasts],
        "limits": [dict(limit) for limit in limits],
    }
    return assemble(Config.of(TwinType.model_validate(settings)))


def at(number: float) -> int:
    """The event time ``number`` ticks after the story's beginning."""
    return EPOCH + round(number * TICK)


def pressure(number: float) -> float:
    """A pressure that goes up and down a little about what a flow of 80 mL/s and a usual resistance make."""
    return 80.0 + 2.0 * math.sin(2.0 * math.pi * number / RATE)


def message(number: float, value: float, channel: str = "abp", patient: int = 0, arrival: int | None = None) -> Message:
    """A stamped reading as a sensor sends it."""
    payload = json.dumps({"value": value, "time": at(number)}).encode()
    return Message(f"patient-{patient}/{channel}", payload, at(number) if arrival is None else arrival)


def messages(ticks: int, patients: int = 1, first: int = 0) -> list[Message]:
    """One reading of every channel in each tick, in order."""
    return [
        message(number + 0.5, value, channel, patient)
        for number in range(first, first + ticks)
        for patient in range(patients)
        for channel, value in (("abp", pressure(number)), ("flow", 80.0))
    ]


def recorded(ticks: int, patients: int = 1) -> Iterator[RawReading]:
    """The same as a recording has it."""
    for number in range(ticks):
        for patient in range(patients):
            for channel, value in (("abp", pressure(number)), ("flow", 80.0)):
                yield RawReading(f"patient-{patient}", channel, at(number + 0.5), value)
