"""The segment of a recording by which one twin is calibrated."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from twin_runtime.core import Code, Reading, Recording
from twin_runtime.engine.fleet import Fleet
from twin_runtime.engine.observations import Observations
from twin_runtime.errors import ConfigError, RecordingError, did_you_mean
from twin_runtime.modelling.random import MAX_VARIABLES
from twin_runtime.modelling.signals import InputSignals
from twin_runtime.runs.assembly import Assembly
from twin_runtime.runs.replay import admitted
from twin_runtime.timeline.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Segment:
    """What acts on one twin (``row`` of its fleet) and its readings, tick by tick, as often as it is iterated.

    ``readings`` counts those of sensors, ``refused`` what the recording has besides, by its code; ``begin`` and ``end``
    are the event times (ns) of the first and the last of all.
    """

    timeline: Timeline
    row: int
    begin: int
    end: int
    readings: int
    refused: dict[str, int]

    def __iter__(self) -> Iterator[tuple[InputSignals, Observations]]:
        return self.timeline.ahead(self.row)

    def __len__(self) -> int:
        """How many ticks there are."""
        return self.timeline.ticks_ahead(self.row)

    @property
    def fleet(self) -> Fleet:
        """The fleet of the twin."""
        return self.timeline.fleet

    @property
    def twin(self) -> str:
        """The name of the twin."""
        return self.fleet.twins[self.row]


def segment_of(
    assembly: Assembly,
    recording: Recording,
    twin: str | None = None,
    *,
    begin: int | None = None,
    until: int | None = None,
    every: int = 1,
) -> Segment:
    """The readings of one twin from event time ``begin`` to ``until`` (ns), and of each sensor one in ``every``.

    The name of the ``twin`` may be left out where there is only one. Inputs are never thinned.

    Raises:
        ConfigError: There is no such twin, or none was chosen.
        RecordingError: There is no reading of a sensor, or more than there are random numbers for.
    """
    name, refused = _chosen(assembly, twin), Counter[str]()
    fleet = next(each.fleet for each in assembly.types if name in each.fleet.twins)
    sensors, timeline = len(fleet.sensors), Timeline(fleet, 0)
    accepted = _accepted(assembly, recording, name, begin, until, refused)
    taken = []
    for reading in _thinned(accepted, sensors, every):
        code = timeline.offer(reading)
        if code is Code.ACCEPTED:
            taken.append((reading.time, reading.channel < sensors))
        else:
            refused[code] += 1
    readings = sum(sensed for _, sensed in taken)
    _check_count(readings, name)
    times = [time for time, _ in taken]
    return Segment(timeline, fleet.twins.index(name), min(times), max(times), readings, dict(refused))


def _chosen(assembly: Assembly, twin: str | None) -> str:
    """The name of the twin: the one asked for, or the only one."""
    twins = assembly.identity.twins
    if twin is None and len(twins) > 1:
        what = f"expected one twin, got {len(twins)}: a configuration holds one prior a variable"
        raise ConfigError(what, where=str(assembly.config.document.path), remedy=f"choose one: --twin {twins[0]}")
    if twin is not None and twin not in twins:
        raise ConfigError(f"there is no twin '{twin}'", remedy=did_you_mean(twin, twins))
    return twins[0] if twin is None else twin


def _accepted(
    assembly: Assembly, recording: Recording, twin: str, begin: int | None, until: int | None, refused: Counter[str]
) -> Iterator[Reading]:
    """The readings of a twin that the intake accepts, in order; ``refused`` counts the others."""
    names = (twin, "")
    raw = (r for r in recording.readings() if r.twin in names)
    if begin is not None:
        raw = (r for r in raw if r.time >= begin)
    if until is not None:
        raw = (r for r in raw if r.time < until)
    for entry in admitted(assembly, raw, recording.units):
        if entry.reading is None:
            refused[entry.code] += 1
        else:
            yield entry.reading


def _thinned(readings: Iterable[Reading], sensors: int, every: int) -> Iterator[Reading]:
    """All samples of inputs, and of each sensor the first of every so many readings."""
    passed = [0] * sensors
    for reading in readings:
        if reading.channel >= sensors:
            yield reading
        else:
            if passed[reading.channel] % every == 0:
                yield reading
            passed[reading.channel] += 1


def _check_count(readings: int, twin: str) -> None:
    if readings == 0:
        what = f"no reading of a sensor of twin '{twin}' lies in that segment"
        raise RecordingError(what, remedy="choose another segment, or the twin that was recorded")
    if readings > MAX_VARIABLES:
        what = f"{readings} readings; random numbers last for {MAX_VARIABLES}"
        raise RecordingError(what, remedy=f"give --every {-(-readings // MAX_VARIABLES)}, or a shorter segment")
