"""Standing: what is known of a quantity besides the verdict on its twin.

A quantity is *measured* while a sensor of its own is used. It is *inferred* where readings have taken at least half of
the variance that it has without them, and *assumed* where it keeps its prior. How much is taken is known from a replay
without readings (:mod:`twin_runtime.runs.validation`). Where there was none it is estimated: of a parameter, from its
variance and that of its prior and walk; of anything else, from its variance and that with which the twin began, or from
its correlation with what the sensors observe, whichever is more. As an ensemble loses spread by chance, too, a quantity
must besides have been correlated with what they observe. What is inferred is *unverified* unless readings that the twin
had not seen support it, and *contradicted* where they say otherwise.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

from twin_runtime.core import FloatArray, IntArray, Standing
from twin_runtime.vvuq.memory import INFORMED, LINKED, PRIOR, TAKEN, CheckMemory, RecordArray
from twin_runtime.vvuq.withheld import CONTRADICTS, SUPPORTS, BoolArray, Withheld, outcome_of, signal

ENOUGH = 0.5
"""The share of the variance that readings must have taken; and that a withheld reading would take of what it tests."""

ROUNDING = 1e-24
"""A sum of squares smaller than this, in terms of the mean's, is rounding."""

EARLY, EVERY, ESTIMATES, LINKS = 64, 8, 8.0, 128.0
"""How much is taken is estimated in each of the first ticks, then in every so many, and averaged over so many
estimates; links over more.
"""

LEAST, SAME = 0.25, 0.999
"""Of a squared correlation less what chance makes of it (1 / (members - 2)): a link takes more than a quarter of that.

Without a link, updates make it smaller than chance does, whatever the spread has become. From the other on, it is 1.
"""

MEASURED, INFERRED, UNVERIFIED, ASSUMED, CONTRADICTED = (int(standing) for standing in Standing)

BY_SENSOR = np.dtype((np.record, np.dtype([("output", "i8"), ("stale", "f8")], align=True)))
BY_QUANTITY = np.dtype(
    (
        np.record,
        np.dtype([("column", "i8"), ("prior", "f8"), ("walk", "f8"), ("taken", "f8"), ("said", "i8")], align=True),
    )
)


class KnownQuantities(NamedTuple):
    """What evidence says of every quantity: the share of variance ``taken``, NaN: nothing, and what was ``said``.

    That is one of CONTRADICTS, UNDECIDED and SUPPORTS.
    """

    taken: FloatArray
    said: IntArray

    @classmethod
    def none(cls, quantities: int) -> "KnownQuantities":
        """No evidence of any quantity."""
        return cls(np.full(quantities, np.nan), np.zeros(quantities, np.int64))


class StandingRules(NamedTuple):
    """What the standing goes by.

    Of ``sensors[sensor]``: the ``output`` that it observes, and after how many ticks it is ``stale``. Of
    ``quantities[quantity]``: the ``column`` of the state that it is, -1 if it is no parameter, the variances of that
    one's ``prior`` and of a tick of its ``walk``, and what evidence says (:class:`KnownQuantities`).
    """

    sensors: RecordArray
    quantities: RecordArray


def standing_rules(
    outputs: IntArray,
    stale: FloatArray,
    columns: Sequence[int],
    variances: Sequence[tuple[float, float]],
    known: KnownQuantities | None,
) -> StandingRules:
    """The rules, from what :class:`StandingRules` has of each sensor and quantity; ``variances``: of prior and walk."""
    known = known or KnownQuantities.none(len(columns))
    by_sensor = np.array(list(zip(outputs, stale, strict=True)), BY_SENSOR)
    rows = zip(columns, variances, known.taken, known.said, strict=True)
    return StandingRules(by_sensor, np.array([(j, *both, taken, said) for j, both, taken, said in rows], BY_QUANTITY))


@njit(cache=True, error_model="numpy")
def standings(  # the arrays of a tick
    values: FloatArray,
    x: FloatArray,
    memory: CheckMemory,
    remembered: FloatArray,
    tick: int,
    rules: StandingRules,
    withheld: Withheld | None,
) -> IntArray:
    """The :class:`twin_runtime.core.Standing` ``[twin, quantity]`` of ``values[twin, member, quantity]``.

    ``remembered[twin, which, quantity]`` is that of :meth:`twin_runtime.vvuq.memory.Layout.by_quantity`; it is changed
    in place.
    """
    twins, members, quantities = values.shape
    sensors = rules.sensors.size
    result, stop = np.empty((twins, quantities), np.int64), LINKED + sensors
    used, said = np.empty(sensors, np.bool_), np.zeros(sensors, np.int64)
    for i in range(twins):
        known, ticks = remembered[i], memory.twins[i].sum_verdicts.sum()
        whole = _find_used(memory.sensors[i], tick, rules, withheld, i, used)
        if tick % EVERY == 0 or ticks < EARLY or math.isnan(known[TAKEN, 0]):
            _remember(values[i], x[i], ticks, used, rules, known)
            _find_informed(known, stop, ticks, members)
            if withheld is not None:
                _remember_alike(values[i], memory.sensors[i], withheld.sensors[i], rules, known[stop:])
        if known.shape[0] > stop:
            for s in range(sensors):
                said[s] = outcome_of(memory.sensors[i, s])
        for q in range(quantities):
            evidence = rules.quantities[q]
            proven = whole and not math.isnan(evidence.taken)
            if _is_measured(known[LINKED:stop, q], used):
                result[i, q] = MEASURED
            elif (evidence.taken if proven else known[TAKEN, q] * known[INFORMED, q]) >= ENOUGH:
                result[i, q] = _inferred(evidence.said, said, known[stop:, q])
            else:
                result[i, q] = ASSUMED
    return result


@njit(cache=True, error_model="numpy")
def _find_used(
    sensors: RecordArray, tick: int, rules: StandingRules, withheld: Withheld | None, twin: int, used: BoolArray
) -> bool:
    """Which sensors are used: they speak, and are not withheld. Returns whether all speak."""
    whole = True
    for s in range(used.size):
        used[s] = tick - sensors[s].newest <= rules.sensors[s].stale
        whole = whole and used[s]
        if withheld is not None:
            used[s] = used[s] and not withheld.sensors[twin, s]
    return whole


@njit(cache=True, error_model="numpy")
def _is_measured(linked: FloatArray, used: BoolArray) -> bool:
    """Whether a sensor that is used observes the quantity itself, or what it is a linear function of."""
    found = False
    for s in range(used.size):
        found = found or (used[s] and linked[s] >= SAME)
    return found


@njit(cache=True, error_model="numpy")
def _find_informed(known: FloatArray, stop: int, ticks: float, members: int) -> None:
    """Find which quantities have to do with what any sensor observes, beyond chance; after a while it is for good."""
    count = _estimates(ticks)
    least = LEAST / (members - 2.0) * max(1.0, math.sqrt(LINKS / count))
    for q in range(known.shape[1]):
        if count < LINKS or not known[INFORMED, q] > 0.0:
            known[INFORMED, q] = 1.0 if (known[LINKED:stop, q] > least).any() else 0.0


@njit(cache=True, error_model="numpy")
def _estimates(ticks: float) -> float:
    """How many estimates there have been."""
    return 1.0 + min(ticks, EARLY) + max(0.0, ticks - EARLY) / EVERY


@njit(cache=True, error_model="numpy")
def _inferred(evidence: int, said: IntArray, alike: FloatArray) -> int:
    """The standing of a quantity that sensors inform: ``said[sensor]`` counts where it is ``alike[sensor]``."""
    contradicted, supported = evidence == CONTRADICTS, evidence == SUPPORTS
    for s in range(alike.size):
        if alike[s] >= ENOUGH:
            contradicted = contradicted or said[s] == CONTRADICTS
            supported = supported or said[s] == SUPPORTS
    if contradicted:
        return CONTRADICTED
    return INFERRED if supported else UNVERIFIED


@njit(cache=True, error_model="numpy")
def _remember(
    values: FloatArray, x: FloatArray, ticks: float, used: BoolArray, rules: StandingRules, known: FloatArray
) -> None:
    """Estimate what readings have taken of the variance of every quantity, and its link to what sensors observe."""
    weight = 1.0 / min(_estimates(ticks), LINKS)
    for q in range(values.shape[1]):
        quantity = rules.quantities[q]
        if quantity.column >= 0:
            share = _share(x[:, quantity.column].var(), quantity.prior + ticks * quantity.walk)
        else:
            share = _share(values[:, q].var(), known[PRIOR, q])
        spoken = quantity.column >= 0
        for s in range(used.size):
            if used[s]:
                squared = squared_correlation(values[:, q], values[:, rules.sensors[s].output])
                _average(known[LINKED + s], q, squared, weight)
                share, spoken = max(share, squared), True
        _average(known[TAKEN], q, share if spoken else 0.0, 1.0 / ESTIMATES)


@njit(cache=True, error_model="numpy")
def _share(left: float, prior: float) -> float:
    """What has been taken of a variance, of which so much is left; nothing, where there was none."""
    return 1.0 - left / prior if prior > 0.0 else 0.0


@njit(cache=True, error_model="numpy")
def _remember_alike(
    values: FloatArray, sensors: RecordArray, withheld: BoolArray, rules: StandingRules, alike: FloatArray
) -> None:
    """Estimate what each sensor that is withheld would take of the variance of every quantity."""
    for s in range(alike.shape[0]):
        if withheld[s]:
            for q in range(alike.shape[1]):
                squared = squared_correlation(values[:, q], values[:, rules.sensors[s].output])
                _average(alike[s], q, squared * signal(sensors[s]), 1.0 / ESTIMATES)


@njit(cache=True, error_model="numpy")
def _average(figures: FloatArray, place: int, figure: float, weight: float) -> None:
    last = figures[place]
    figures[place] = figure if math.isnan(last) else last + (figure - last) * weight


@njit(cache=True, error_model="numpy")
def squared_correlation(one: FloatArray, other: FloatArray) -> float:
    """Of two quantities over the members, less what chance makes of it; 0 where one varies by rounding only."""
    members = one.size
    a, b = one.mean(), other.mean()
    aa = ab = bb = 0.0
    for j in range(members):
        aa += (one[j] - a) ** 2
        ab += (one[j] - a) * (other[j] - b)
        bb += (other[j] - b) ** 2
    if not (aa > ROUNDING * a * a and bb > ROUNDING * b * b and members > 2):
        return 0.0
    squared = ab * ab / (aa * bb)
    return squared - (1.0 - squared) / (members - 2.0)
