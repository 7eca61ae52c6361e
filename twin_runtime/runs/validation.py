"""Validation by readings that were withheld: a recording replayed without one sensor at a time, and without any.

What the twin predicts of a sensor that it does not use is compared with what the sensor read. That speaks for the
quantities that the other sensors inform, and of whose variance a reading of the sensor would take at least half.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import msgspec
import numpy as np

from twin_runtime.core import Entry, FloatArray, RawReading, Recording
from twin_runtime.engine.beginning import is_running
from twin_runtime.engine.fleet import Fleet, held
from twin_runtime.runs.assembly import Assembly
from twin_runtime.runs.fleet_fold import FleetFold
from twin_runtime.runs.fold import Fold
from twin_runtime.runs.known_quantities import EvidenceFile, OfSensor, OfType
from twin_runtime.runs.replay import Progress, admitted, section_of, steps
from twin_runtime.vvuq.diagnostics import of_withheld
from twin_runtime.vvuq.evidence import chi_squared_band, highest_share, lowest_share
from twin_runtime.vvuq.memory import INFORMED, RecordArray
from twin_runtime.vvuq.standing import ENOUGH, squared_correlation
from twin_runtime.vvuq.withheld import CONTRADICTION_Z, OUTCOMES, Withholding, outcome, signal


class Observed:
    """What is to be known of a fold, tick by tick: spreads of quantities, and how far off one sensor was."""

    def __init__(self, fold: FleetFold, sensor: int | None) -> None:
        self._timeline, self._sensor = fold.timeline, sensor
        self._held = np.zeros((len(fold.assembly.fleet.twins), 2))
        self.informed = np.zeros(len(fold.assembly.fleet.model.quantities))
        self.variances: list[FloatArray] = []
        self.alike: list[FloatArray] = []
        self.offs: list[FloatArray] = []

    def score(self, _: Iterable[Entry]) -> None:
        """Look at the state; call it after every tick."""
        fleet, state = self._timeline.fleet, self._timeline.state
        running = is_running(state.memory)
        if self._timeline.frontier is None or not running.any():
            return
        self.informed = fleet.layout.by_quantity(state.memory)[running, INFORMED].max(axis=0)
        values = fleet.model.observe(state.x, fleet.seconds, held(fleet, state.memory))[running]
        self.variances.append(values.var(axis=1).mean(axis=0))
        if self._sensor is not None:
            sums = fleet.layout.records(state.memory).sensors[:, self._sensor]
            self._add(values, sums[running], int(fleet.outputs[self._sensor]))
            self._add_offs(sums)

    def _add(self, values: FloatArray, sums: RecordArray, output: int) -> None:
        pairs = [
            [squared_correlation(q, own[:, output]) * signal(record) for q in own.T]
            for own, record in zip(values, sums, strict=True)
        ]
        self.alike.append(np.mean(pairs, axis=0))

    def _add_offs(self, sums: RecordArray) -> None:
        """The mean innovation of each twin in this tick, in standard deviations; NaN: no reading."""
        now = np.stack([sums["sum_held"], sums["sum_held_score"]], axis=1)
        count, score = (now - self._held).T
        self._held = now
        self.offs.append(np.where(count > 0.0, score / np.maximum(count, 1.0), np.nan))


def validate(
    assembly: Assembly,
    recording: Recording,
    sensors: Sequence[str] = (),
    *,
    first: int = 0,
    begin: int | None = None,
    until: int | None = None,
    progress: Progress | None = None,
) -> EvidenceFile:
    """Evidence of every type, from one sensor after the other withheld: all, or those that are named.

    Each is withheld but for its ``first`` readings of each twin. Where there are any, a twin that had none of them
    predicts the rest as well, for comparison.
    """
    replays = _Replays(assembly, recording, begin, until, progress, first)
    types = {
        each.identity.name: _of_type(replays, place, each.fleet, sensors) for place, each in enumerate(assembly.types)
    }
    return EvidenceFile(types)


def _of_type(replays: "_Replays", place: int, fleet: Fleet, sensors: Sequence[str]) -> OfType:
    names = [sensor.name for sensor in fleet.sensors]
    wanted = [k for k, name in enumerate(names) if not sensors or name in sensors]
    _, free = replays.without(place, tuple(range(len(names))))
    _, whole = replays.without(place, ())
    found = {names[k]: _of_sensor(replays, place, fleet, k, free) for k in wanted}
    return OfType(fleet.model.fingerprint, tuple(names), _taken(fleet, whole, free), found)


def _of_sensor(replays: "_Replays", place: int, fleet: Fleet, sensor: int, free: Observed) -> OfSensor:
    sums, seen = replays.without(place, (sensor,), first=replays.first)
    taken = _taken(fleet, seen, free)
    alike = np.mean(seen.alike, axis=0) if seen.alike else np.zeros(len(fleet.model.quantities))
    speaks_for = {
        quantity.name: float(share)
        for quantity, share in zip(fleet.model.quantities, alike, strict=True)
        if share >= ENOUGH and taken.get(quantity.name, 0.0) >= ENOUGH
    }
    using = tuple(other.name for k, other in enumerate(fleet.sensors) if k != sensor)
    scored = _scored(sums[:, sensor], seen.offs, using, taken, speaks_for)
    if not replays.first or not scored.readings:
        return scored
    without, _ = replays.without(place, (sensor,), skipped=replays.first)
    *_, covered, crps = of_withheld(without[:, sensor]).values()
    return msgspec.structs.replace(scored, prior_coverage_90=covered, prior_crps=crps)


def _scored(
    sums: RecordArray,
    offs: Sequence[FloatArray],
    using: tuple[str, ...],
    taken: dict[str, float],
    speaks_for: dict[str, float],
) -> OfSensor:
    """The score of the readings of one sensor, of all twins together."""
    if not sums["sum_held"].any():
        return OfSensor(using, "undecided", 0, 0.0, None, None, None, None, None, taken, speaks_for)
    readings, nis, *shares, crps = of_withheld(sums).values()
    count = sum(map(independent, np.array(offs).T))
    covered_50, covered_90 = (
        (share, lowest_share(share, count, CONTRADICTION_Z), highest_share(share, count, CONTRADICTION_Z))
        for share in shares
    )
    band = chi_squared_band(count, -CONTRADICTION_Z), chi_squared_band(count, CONTRADICTION_Z)
    said = OUTCOMES[outcome(nis, shares[1], count)]
    return OfSensor(using, said, readings, count, nis, band, covered_50, covered_90, crps, taken, speaks_for)


def independent(offs: FloatArray) -> float:
    """How many independent readings a series of innovations is worth, in their standard deviations; NaN: none.

    Those of a right twin are 0 on average, so squares and what is covered are correlated with the squares of the
    innovations' own correlations, which are summed up to the first that is not positive.
    """
    known = offs[np.isfinite(offs)]
    if not known.any():
        return float(known.size)
    spectrum = np.abs(np.fft.rfft(known, 2 * known.size)) ** 2
    lagged = np.fft.irfft(spectrum)[: known.size]
    correlations = lagged[1:] / lagged[0]
    stop = int(np.argmax(correlations <= 0.0)) if (correlations <= 0.0).any() else correlations.size
    return float(known.size / (1.0 + 2.0 * (correlations[:stop] ** 2).sum()))


def _taken(fleet: Fleet, seen: Observed, free: Observed) -> dict[str, float]:
    """The share of the variance of every quantity that readings took: of those that they inform."""
    if not seen.variances:
        return {}
    left, without = (np.median(found.variances, axis=0) for found in (seen, free))
    names = [quantity.name for quantity in fleet.model.quantities]
    return {
        name: 1.0 - float(one / other) if informed and other > 0.0 else 0.0
        for name, one, other, informed in zip(names, left, without, seen.informed, strict=True)
    }


def _after_first(raw: Iterable[RawReading], channels: Sequence[str], skipped: int) -> Iterator[RawReading]:
    """Readings without so many that come first in each of some channels of each twin."""
    come = Counter[tuple[str, str]]()
    for reading in raw:
        come[reading.twin, reading.channel] += 1
        if reading.channel not in channels or come[reading.twin, reading.channel] > skipped:
            yield reading


class _Replays:
    """Replays of one section of a recording."""

    def __init__(
        self,
        assembly: Assembly,
        recording: Recording,
        begin: int | None,
        until: int | None,
        progress: Progress | None,
        first: int,
    ) -> None:
        self.first = first
        self._assembly, self._recording, self._until = assembly, recording, until
        self._begin, self._progress, self._done = begin, progress or (lambda _: None), 0

    def without(
        self, place: int, sensors: tuple[int, ...], first: int = 0, skipped: int = 0
    ) -> tuple[RecordArray, Observed]:
        """The sums ``[twin, sensor]`` of a type some of whose sensors are withheld, and what was observed of it.

        Their ``first`` readings are used; so many that are ``skipped`` do not come at all.
        """
        types = list(self._assembly.types)
        fleet = replace(types[place].fleet, withholding=Withholding(always=sensors, first=first))
        types[place] = replace(types[place], fleet=fleet)
        assembly = replace(self._assembly, types=tuple(types))
        fold = Fold(assembly, "stream", self._until)
        seen = Observed(fold.fleets[place], sensors[0] if len(sensors) == 1 else None)
        _, raw = section_of(assembly, self._recording, self._begin, self._until)
        raw = _after_first(raw, [fleet.sensors[k].name for k in sensors], skipped)
        done = 0
        for taken, _ in steps(fold, admitted(assembly, raw, self._recording.units), [seen], None):
            done += len(taken)
            self._progress(self._done + done)
        self._done += done
        return fleet.layout.records(fold.fleets[place].timeline.state.memory).sensors, seen
