"""Forecasts compared with what came: a fold over bulletins, readings and estimates in order of event time.

A forecast of a quantity is compared, at its valid time, with the readings of the first sensor that observes it, taken
to go straight between two of them. Beside it stand two forecasters without physics, with what was known when it was
issued: persistence (the last reading stays) and climatology (the mean and spread of all readings so far). That of a
limit is compared with the twin's own later estimates, as a limit may be one of a quantity that nobody measures.
"""

import logging
import math
import sqlite3
from collections.abc import Iterable, Sequence
from heapq import merge
from pathlib import Path
from typing import Any

import msgspec

from twin_runtime.core import SECOND, Bulletin, FloatArray, Reading, Record
from twin_runtime.engine.fleet import Fleet
from twin_runtime.errors import StoreError
from twin_runtime.runs.assembly import TypeAssembly
from twin_runtime.runs.outlook import Limit
from twin_runtime.runs.plans import limits
from twin_runtime.store.bulletins import Scored
from twin_runtime.store.identity import Identity
from twin_runtime.store.reader import Reader
from twin_runtime.vvuq.scores import QUANTILE_90, normal_crps

log = logging.getLogger(__name__)

FORECASTERS = ("twin", "persistence", "climatology")
GAP = 3.0
"""Readings are taken to go straight across a gap of so many of their mean intervals, not across a longer one."""
BINS = 10
"""Of probabilities, for their reliability."""


class Sums(msgspec.Struct):
    """Over the forecasts of one quantity at one lead time: squared errors and CRPS by forecaster."""

    count: int = 0
    squares: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(FORECASTERS))
    crps: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(FORECASTERS))
    covered: int = 0


class LimitSums(msgspec.Struct):
    """Over the forecasts of one limit: squared errors of probabilities, and by bin how many, their sum, how many came.

    ``timed`` of the limits that were passed had a predicted time; in ``covered`` the true one was in its 90 % interval.
    """

    count: int = 0
    passed: int = 0
    squares: float = 0.0
    bins: list[list[float]] = msgspec.field(default_factory=lambda: [[0.0, 0.0, 0.0] for _ in range(BINS)])
    timed: int = 0
    covered: int = 0
    already: int = 0
    """Forecasts that are not scored: the limit was passed when they were issued."""


class History(msgspec.Struct):
    """The readings of a quantity so far: their mean and sum of squared deviations (Welford), the first and the last."""

    count: int = 0
    mean: float = 0.0
    deviations: float = 0.0
    first: int = 0
    time: int = 0
    value: float = 0.0
    sd: float = 0.0


class Expected(msgspec.Struct):
    """A quantity at a valid time: what each forecaster says, and with which spread."""

    valid: int
    key: str
    means: list[float]
    sds: list[float]


class Watch(msgspec.Struct):
    """A limit from when its forecast was issued to the horizon."""

    key: str
    limit: str
    issued: int
    ends: int
    probability: float
    interval: list[float] | None


class Scores(msgspec.Struct):
    """All that is known of the forecasts of a type, by readings before event time ``reached`` (ns).

    Keys are texts: ``forecast|twin|quantity|lead`` (ns), ``forecast|twin|limit``, ``twin|quantity``.
    """

    reached: int = 0
    leads: dict[str, Sums] = msgspec.field(default_factory=dict)
    limits: dict[str, LimitSums] = msgspec.field(default_factory=dict)
    histories: dict[str, History] = msgspec.field(default_factory=dict)
    expected: dict[str, list[Expected]] = msgspec.field(default_factory=dict)
    watched: dict[str, list[Watch]] = msgspec.field(default_factory=dict)
    unverified: int = 0
    """Valid times without readings on both sides that are close enough."""


class Verification:
    """The forecasts of a type compared with what came."""

    def __init__(self, fleet: Fleet, limits: Sequence[Limit], scores: Scores | None = None) -> None:
        self.scores = scores or Scores()
        self._fleet, self._limits = fleet, {limit.name: limit for limit in limits}
        names = [quantity.name for quantity in fleet.model.quantities]
        self._quantities = dict[int, str]()
        for channel, sensor in enumerate(fleet.sensors):
            if names[sensor.output] not in self._quantities.values():
                self._quantities[channel] = names[sensor.output]

    def take(
        self, readings: Iterable[Reading], forecasts: Iterable[Bulletin], records: Iterable[Record], until: int
    ) -> None:
        """Go on to event time ``until`` (ns): all of each kind from where it was left, in order of time."""
        tick = self._fleet.tick
        streams: tuple[Iterable[tuple[int, int, Any]], ...] = (
            (((record.tick + 1) * tick, 0, record) for record in records),
            ((bulletin.body["issued"], 1, bulletin) for bulletin in forecasts),
            ((reading.time, 2, reading) for reading in readings),
        )
        for time, kind, event in merge(*streams, key=lambda event: event[:2]):
            if time >= until:
                break
            (self._estimated, self._issued, self._read)[kind](event)
        self.scores.reached = max(self.scores.reached, until)

    def _issued(self, forecast: Bulletin) -> None:
        body, twin = forecast.body, forecast.twin
        for quantity, figures in body["quantities"].items():
            past = self.scores.histories.get(f"{twin}|{quantity}")
            if past is None or past.count < 2:  # no spread before
                continue
            waiting = self.scores.expected.setdefault(f"{twin}|{quantity}", [])
            usual = math.sqrt(past.deviations / (past.count - 1))
            for lead, mean, sd in zip(body["leads"], figures["mean"], figures["sd"], strict=True):
                if mean is not None:
                    key = f"{forecast.name}|{twin}|{quantity}|{lead}"
                    means, sds = [mean, past.value, past.mean], [sd, 0.0, usual]
                    waiting.append(Expected(body["issued"] + lead, key, means, sds))
            waiting.sort(key=lambda one: one.valid)
        for name, found in body.get("limits", {}).items():
            if name in self._limits and found["within"] is not None:
                self._watch(forecast, name, found)

    def _watch(self, forecast: Bulletin, name: str, found: dict[str, Any]) -> None:
        body, key = forecast.body, f"{forecast.name}|{forecast.twin}|{name}"
        if found["now"] >= 0.5:  # more likely than not it is passed already
            self.scores.limits.setdefault(key, LimitSums()).already += 1
            return
        interval = None if found["q05"] is None else [found["q05"], found["q95"]]
        watch = Watch(key, name, body["issued"], body["issued"] + body["leads"][-1], found["within"], interval)
        self.scores.watched.setdefault(forecast.twin, []).append(watch)

    def _estimated(self, record: Record) -> None:
        """Close the watches that have come to an end, with whether their limit was passed."""
        time = (record.tick + 1) * self._fleet.tick
        for place, row in enumerate(record.rows):
            twin = self._fleet.twins[int(row)]
            open_ = self.scores.watched.get(twin)
            if open_:
                means = record.figures[place, :, 0]
                self.scores.watched[twin] = [watch for watch in open_ if not self._closed(watch, time, means)]

    def _closed(self, watch: Watch, time: int, means: FloatArray) -> bool:
        limit = self._limits.get(watch.limit)
        if limit is None:
            return True
        passed = bool(limit.sign * (means[limit.quantity] - limit.value) > 0.0)
        if not passed and time < watch.ends:
            return False
        sums = self.scores.limits.setdefault(watch.key, LimitSums())
        sums.count += 1
        sums.passed += passed
        sums.squares += (watch.probability - passed) ** 2
        chosen = sums.bins[min(BINS - 1, int(BINS * watch.probability))]
        chosen[0] += 1.0
        chosen[1] += watch.probability
        chosen[2] += passed
        if passed and watch.interval is not None:
            low, high = watch.interval
            latest = (time - watch.issued) / SECOND
            sums.timed += 1
            sums.covered += latest - self._fleet.seconds <= high and latest >= low  # it was passed within this tick
        return True

    def _read(self, reading: Reading) -> None:
        quantity = self._quantities.get(reading.channel)
        if quantity is None or not math.isfinite(reading.value) or not math.isfinite(reading.sd):
            return
        key = f"{self._fleet.twins[reading.twin]}|{quantity}"
        past = self.scores.histories.setdefault(key, History())
        waiting = self.scores.expected.get(key)
        while waiting and waiting[0].valid <= reading.time:
            self._compare(waiting.pop(0), past, reading)
        past.first = past.first if past.count else reading.time
        past.count += 1
        change = reading.value - past.mean
        past.mean += change / past.count
        past.deviations += change * (reading.value - past.mean)
        past.time, past.value, past.sd = reading.time, reading.value, reading.sd

    def _compare(self, one: Expected, past: History, reading: Reading) -> None:
        """Compare what was expected between two readings with the straight line between them."""
        gap, usual = reading.time - past.time, (past.time - past.first) / max(1, past.count - 1)
        if gap > GAP * usual and reading.time != one.valid:
            self.scores.unverified += 1
            return
        share = (one.valid - past.time) / gap if gap else 1.0
        value = past.value + share * (reading.value - past.value)
        noise = ((1.0 - share) * past.sd) ** 2 + (share * reading.sd) ** 2
        sums = self.scores.leads.setdefault(one.key, Sums())
        sums.count += 1
        for k, (mean, sd) in enumerate(zip(one.means, one.sds, strict=True)):
            error, spread = value - mean, math.sqrt(sd * sd + noise) if k == 0 else sd
            sums.squares[k] += error * error
            sums.crps[k] += normal_crps(error, spread) if spread > 0.0 else abs(error)
            if k == 0:
                sums.covered += abs(error) <= QUANTILE_90 * spread


def verified(reader: Reader, of: TypeAssembly, until: int) -> Scored:
    """The scores of a type by what its store holds, with readings before event time ``until`` (ns)."""
    stored = reader.scores(of.place)
    scores = Scores() if stored is None else msgspec.json.decode(stored.body, type=Scores)
    if until > scores.reached:
        since, tick = scores.reached, of.fleet.tick
        readings = reader.accepted(since, of.place)
        forecasts = reader.bulletins_of("forecast", of.place, -(-since // tick))
        records = reader.latest(max(0, -(-since // tick) - 1), of.place) if of.config.limits else ()
        Verification(of.fleet, limits(of), scores).take(readings, forecasts, records, until)
    return Scored(of.place, scores.reached, msgspec.json.encode(scores).decode())


def all_verified(path: Path, identity: Identity, ends: Sequence[tuple[TypeAssembly, int]]) -> list[Scored]:
    """The scores of some types by what the store at ``path`` holds, each to an event time (ns).

    What cannot be compared is logged and waits for the next time: a run does not end for the sake of its scores.
    """
    try:
        with Reader.open(path, identity) as reader, reader.snapshot():
            return [verified(reader, of, until) for of, until in ends]
    except (StoreError, sqlite3.Error, msgspec.MsgspecError) as error:
        log.warning("forecasts are not compared with what came: %s", error)
        return []
