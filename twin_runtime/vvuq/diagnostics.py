"""Figures by twin and sensor from the sums of the readings that were used, as JSON has them.

The estimates of Desroziers et al. share one piece of evidence, the variance of the innovations, which is that of the
forecast and the noise together: where they contradict what is stated, something is wrong, but not which of the two.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from twin_runtime.core import FloatArray
from twin_runtime.vvuq.memory import BINS, CheckMemory, RecordArray, SensorMemory
from twin_runtime.vvuq.withheld import OUTCOMES, outcome_of

LEAST_VARIANCE = 1.0 / (12.0 * BINS**2)
"""That of ranks that are spread evenly over a single bin: their correlation is then not estimated."""

Figures = Mapping[str, Any]


def diagnosed(memory: CheckMemory, twins: Sequence[str], sensors: Sequence[str]) -> Figures:
    """What a summary reports: how often each twin has diverged, how many members it has lost, figures of its sensors.

    Figures are by twin first in a fleet of more than one; twins that never diverged or lost no member, and sensors
    without readings, or that were never withheld, are left out.
    """
    updates = memory.twins["sum_updates"]
    by_twin = {twin: _of_twin(memory.sensors[row], updates[row], sensors) for row, twin in enumerate(twins)}
    withheld = {twin: _withheld(memory.sensors[row], sensors) for row, twin in enumerate(twins)}
    return {
        "withheld": {twin: found for twin, found in withheld.items() if found},
        "divergences": _counted(twins, memory.twins["sum_diverged"]),
        "replaced": _counted(twins, memory.twins["sum_replaced"]),
        "diagnostics": by_twin if len(twins) > 1 else next(iter(by_twin.values())),
    }


def _counted(twins: Sequence[str], counts: FloatArray) -> dict[str, int]:
    return {twin: int(count) for twin, count in zip(twins, counts, strict=True) if count}


def _of_twin(memory: RecordArray, updates: float, sensors: Sequence[str]) -> dict[str, Figures]:
    named = zip(sensors, memory, strict=True)
    return {name: of_sensor(sums, updates) for name, sums in named if sums.sum_readings > 0.0}


def _withheld(memory: RecordArray, sensors: Sequence[str]) -> dict[str, Figures]:
    named = zip(sensors, memory, strict=True)
    return {name: of_withheld(sums) | {"outcome": OUTCOMES[outcome_of(sums)]} for name, sums in named if sums.sum_held}


def of_withheld(sums: RecordArray) -> dict[str, Any]:
    """How well readings of a sensor were predicted that were withheld, of one twin or of several ``sums[twin]``.

    ``nis`` is their mean normalised innovation squared; coverage that of the 50 and the 90 % intervals; ``crps`` as in
    :func:`of_sensor`.
    """
    readings = float(sums["sum_held"].sum())
    columns = {"nis": "square", "coverage_50": "covered_50", "coverage_90": "covered_90", "crps": "crps"}
    means = {name: float(sums[f"sum_held_{column}"].sum()) / readings for name, column in columns.items()}
    return {"readings": int(readings), **means}


def of_sensor(sums: SensorMemory, updates: float) -> Figures:
    """The figures of one sensor, ``updates`` are those of its twin.

    - ``rmse``, ``spread``: what innovations are and what they should be, root mean squares in the model's unit; their
      ratio ``skill`` is 1 where the twin's spread is right, more where it is too small.
    - ``crps``: mean continuous ranked probability score of the predictive distribution, in the model's unit.
    - ``noise_sd``, ``forecast_sd``: as ``stated``, and as ``found`` by Desroziers et al. 2005 (None: negative). With
      correlated noise, of what a reading adds to those before it in its tick.
    - ``degrees_of_freedom``: for signal, in an update of the twin, on average; ``influence``: in a reading, 0 to 1.
    - ``rank_histogram``: readings by their rank among the members, in ten bins; ``rank_flatness`` see :func:`flatness`.
    """
    readings = sums.sum_readings
    rmse, spread = math.sqrt(sums.sum_square / readings), math.sqrt(sums.sum_variance / readings)
    return {
        "readings": int(readings),
        "rmse": rmse,
        "spread": spread,
        "skill": rmse / spread,
        "crps": float(sums.sum_crps / readings),
        "noise_sd": _stated_and_found(sums.sum_noise / readings, sums.sum_noise_found / readings),
        "forecast_sd": _stated_and_found(sums.sum_forecast / readings, sums.sum_forecast_found / readings),
        "degrees_of_freedom": float(sums.sum_signal / updates),
        "influence": float(sums.sum_signal / readings),
        "rank_histogram": [int(count) for count in sums.ranked],
        "rank_flatness": flatness(sums),
    }


def flatness(sums: SensorMemory) -> float:
    """Pearson's chi-squared of a rank histogram over its degrees of freedom: 1 by chance, more where it is not flat.

    Ranks that follow each other are alike, so they count for less: for n (1 - r) / (1 + r), with their correlation r
    (Bayley & Hammersley 1946, J R Stat Soc Suppl 8:184-197, of a first-order autoregression).
    """
    counts, readings = sums.ranked, sums.sum_readings
    square = (sums.sum_ranks / readings) ** 2
    variance = sums.sum_ranks_2 / readings - square
    lagged = sums.sum_ranks_lagged / readings - square
    correlation = max(0.0, lagged / max(variance, LEAST_VARIANCE))
    worth = max(0.0, (1.0 - correlation) / (1.0 + correlation))
    expected = readings / BINS
    return float(worth * ((counts - expected) ** 2).sum() / expected / (BINS - 1))


def _stated_and_found(stated: float, found: float) -> dict[str, float | None]:
    return {"stated": math.sqrt(stated), "found": math.sqrt(found) if found >= 0.0 else None}
