"""One forecast: a posterior advanced without readings, a tick at a time, and what its members then say.

When a limit is passed is told as two things that are kept apart: the probability that it happens within the horizon, by
the share of the members that pass it, and the distribution of the time until then among those that do.
"""

import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from twin_runtime.core import FIGURES, SECOND, Bulletin, FleetState, FloatArray, IntArray, Reading, Trust
from twin_runtime.engine.fleet import Fleet, held
from twin_runtime.engine.forecast import forecast
from twin_runtime.engine.tick import laid_out
from twin_runtime.modelling.signals import InputSignals, no_points

TIME_QUANTILES = ("q05", "q50", "q95")


class Limit(NamedTuple):
    """A ``value`` that a quantity (by its place) should not go beyond; ``sign`` 1: beyond is above, -1: below.

    ``alarm`` and ``clear`` are probabilities; None: it is told and does not alarm.
    """

    name: str
    quantity: int
    value: float
    sign: float
    alarm: float | None = None
    clear: float = 0.0


class Plan(NamedTuple):
    """A forecast that is made in every so many ticks: ``leads`` in ticks, ``quantities`` by their places."""

    name: str
    every: int
    leads: tuple[int, ...]
    quantities: tuple[int, ...]
    limits: tuple[Limit, ...] = ()
    budget: float = 1.0


class Start(NamedTuple):
    """The posterior of some ``rows`` of a fleet at the start of tick ``number``, a copy, with its verdicts."""

    fleet: Fleet
    place: int
    number: int
    rows: IntArray
    state: FleetState
    trust: Sequence[Trust]

    @property
    def time(self) -> int:
        """The event time (ns) at which it is issued."""
        return self.number * self.fleet.tick


def advances(
    fleet: Fleet, state: FleetState, number: int, rows: IntArray, samples: Mapping[int, list[Reading]]
) -> Iterator[tuple[FloatArray, InputSignals]]:
    """The ensembles ``[twin, member, variable]`` at the ends of ticks from ``number`` on, for ever, and their inputs.

    No reading corrects them, and the parameters go on walking. Inputs without a sample stay as they were, and events go
    on in the model's own rhythm. ``samples`` are those of future inputs, by tick; ``Reading.twin`` is a place in
    ``rows``. Nothing given is changed.
    """
    x, memory, nothing = state.x, state.memory.copy(), no_points(rows.size)
    known = np.zeros(rows.size)
    while True:
        signals, _ = laid_out(fleet, memory, number, samples.get(number, ()), None)
        signals = signals._replace(known=known)
        x, _, _ = forecast(fleet, x, number, rows, signals, nothing)
        yield x, signals
        number += 1


def looked_ahead(plan: Plan, start: Start) -> Generator[None, None, list[Bulletin]]:
    """The forecast of every twin; gives way after each tick, so that it can be made in parts."""
    fleet, found = start.fleet, list[FloatArray]()
    passing = Passing(plan.limits, fleet.model.observe(start.state.x, fleet.seconds, held(fleet, start.state.memory)))
    leads, branch = set(plan.leads), advances(fleet, start.state, start.number, start.rows, {})
    for count in range(1, max(plan.leads) + 1):
        x, signals = next(branch)
        if plan.limits or count in leads:
            values = fleet.model.observe(x, fleet.seconds, signals)
            passing.look(count, values)
            if count in leads:
                found.append(values[:, :, list(plan.quantities)])
        yield
    return [_bulletin(plan, start, row, [values[row] for values in found], passing) for row in range(start.rows.size)]


class Passing:
    """When each member first passes each limit, in ticks ``[twin, member, limit]`` (inf: not yet)."""

    def __init__(self, limits: Sequence[Limit], values: FloatArray) -> None:
        self._limits = limits
        self._columns = [limit.quantity for limit in limits]
        self._sign = np.array([limit.sign for limit in limits])
        self._value = np.array([limit.value for limit in limits])
        self._before = self._beyond(values)
        self.ticks = np.where(self._before > 0.0, 0.0, np.inf)

    def _beyond(self, values: FloatArray) -> FloatArray:
        """How far the quantities are beyond their limits; not beyond: 0 or less."""
        beyond: FloatArray = self._sign * (values[:, :, self._columns] - self._value)
        return beyond

    def look(self, count: int, values: FloatArray) -> None:
        """Look at all quantities after ``count`` ticks; between two ticks they are taken to go straight."""
        if not self._limits:
            return
        now = self._beyond(values)
        share = np.divide(-self._before, now - self._before, out=np.ones_like(now), where=now > self._before)
        first = (now > 0.0) & np.isinf(self.ticks)
        self.ticks[first] = (count - 1 + share)[first]
        self._before = now

    def of(self, row: int, tick: int) -> dict[str, dict[str, float | None]]:
        """Of one twin, by limit: the probabilities, and the quantiles (s) of the time among members that pass it."""
        ended = np.isfinite(self._before[row])
        return {
            limit.name: _told(self.ticks[row, ended[:, k], k] * tick / SECOND) for k, limit in enumerate(self._limits)
        }


def _told(seconds: FloatArray) -> dict[str, float | None]:
    """Of times that are infinite where the limit is not passed; NaN for all where no member is left."""
    passed = seconds[np.isfinite(seconds)]
    quantiles = np.quantile(passed, (0.05, 0.5, 0.95)).tolist() if passed.size else [None] * 3
    if not seconds.size:
        return {"now": None, "within": None, **dict(zip(TIME_QUANTILES, quantiles, strict=True))}
    shares = {"now": float((seconds == 0.0).mean()), "within": passed.size / seconds.size}
    return {**shares, **dict(zip(TIME_QUANTILES, quantiles, strict=True))}


def figures_of(values: FloatArray) -> FloatArray:
    """Mean, sd and quantiles ``[quantity, figure]`` of the members ``[member, quantity]`` that are finite."""
    kept = values[np.isfinite(values).all(axis=1)]
    if len(kept) < 2:  # no spread can be told of fewer
        return np.full((values.shape[1], len(FIGURES)), np.nan)
    return np.array([kept.mean(axis=0), kept.std(axis=0, ddof=1), *np.quantile(kept, (0.05, 0.5, 0.95), axis=0)]).T


def basis(start: Start, row: int) -> str:
    """The hash of all that a forecast of one twin rests on: equal bases give equal forecasts, bit for bit."""
    last = start.fleet.layout.by_input(start.state.memory[row : row + 1])
    parts = (start.state.x[row], np.nan_to_num(last.time, nan=-1.0), last.value)
    digest = hashlib.blake2b(f"{start.number}".encode(), digest_size=16)
    for part in parts:
        digest.update(np.ascontiguousarray(part, "<f8").tobytes())
    return digest.hexdigest()


def _bulletin(plan: Plan, start: Start, row: int, found: Sequence[FloatArray], passing: Passing) -> Bulletin:
    fleet, figures = start.fleet, np.array([figures_of(values) for values in found])
    body: dict[str, Any] = {
        "issued": start.time,
        "leads": [count * fleet.tick for count in plan.leads],
        "trust": start.trust[row].name.lower(),
        "basis": basis(start, row),
        "quantities": {
            fleet.model.quantities[q].name: {
                "unit": fleet.model.quantities[q].unit,
                **{name: figures[:, k, f].tolist() for f, name in enumerate(FIGURES)},
            }
            for k, q in enumerate(plan.quantities)
        },
    }
    if plan.limits:
        body["limits"] = passing.of(row, fleet.tick)
    twin = fleet.twins[int(start.rows[row])]
    return Bulletin("forecast", plan.name, start.number, twin, body, start.place)
