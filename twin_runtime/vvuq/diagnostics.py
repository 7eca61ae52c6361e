"""What the sums of the readings that were used say: figures by twin and sensor, as JSON has them.

The estimates of Desroziers et al. share one piece of evidence, the variance of the innovations, which is that of the
forecast and the noise together: where they contradict what is stated, something is wrong, but not which of the two.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from twin_runtime.core import FloatArray
from twin_runtime.vvuq.memory import RANKED, SensorSlot, Slot

LEAST_VARIANCE = 1.0 / (12.0 * len(RANKED) ** 2)
"""That of ranks that are spread evenly over a single bin: how they follow each other there is of no account."""

Figures = Mapping[str, Any]


def diagnosed(memory: FloatArray, by_sensor: FloatArray, twins: Sequence[str], sensors: Sequence[str]) -> Figures:
    """What a summary says: how often each twin has diverged, and the figures of each of its sensors.

    ``memory[twin, Slot]``, ``by_sensor[twin, sensor, SensorSlot]``. Figures are by twin first in a fleet of more than
    one; twins that never diverged, and sensors without readings, are left out.
    """
    times = memory[:, Slot.SUM_DIVERGED]
    by_twin = {twin: _of_twin(by_sensor[row], memory[row], sensors) for row, twin in enumerate(twins)}
    return {
        "divergences": {twin: int(count) for twin, count in zip(twins, times, strict=True) if count},
        "diagnostics": by_twin if len(twins) > 1 else next(iter(by_twin.values())),
    }


def _of_twin(by_sensor: FloatArray, memory: FloatArray, sensors: Sequence[str]) -> dict[str, Figures]:
    named = zip(sensors, by_sensor, strict=True)
    updates = memory[Slot.SUM_UPDATES]
    return {name: of_sensor(sums, updates) for name, sums in named if sums[SensorSlot.SUM_READINGS] > 0.0}


def of_sensor(sums: FloatArray, updates: float) -> Figures:
    """The figures of one sensor, ``sums[SensorSlot]``; ``updates`` are those of its twin.

    - ``rmse``, ``spread``: what innovations are and what they should be, root mean squares in the model's unit; their
      ratio ``skill`` is 1 where the twin knows how good it is, more where it is too sure of itself.
    - ``crps``: mean continuous ranked probability score of the predictive distribution, in the model's unit.
    - ``noise_sd``, ``forecast_sd``: as ``stated``, and as ``found`` by Desroziers et al. 2005 (None: negative). With
      correlated noise, of what a reading says beyond those before it in its tick.
    - ``degrees_of_freedom``: for signal, in an update of the twin, on average; ``influence``: in a reading, 0 to 1.
    - ``rank_histogram``: readings by their rank among the members, in ten bins; ``rank_flatness`` see :func:`flatness`.
    """
    mean = {slot: float(sums[slot] / sums[SensorSlot.SUM_READINGS]) for slot in SensorSlot}
    rmse, spread = math.sqrt(mean[SensorSlot.SUM_SQUARE]), math.sqrt(mean[SensorSlot.SUM_VARIANCE])
    return {
        "readings": int(sums[SensorSlot.SUM_READINGS]),
        "rmse": rmse,
        "spread": spread,
        "skill": rmse / spread,
        "crps": mean[SensorSlot.SUM_CRPS],
        "noise_sd": _stated_and_found(mean[SensorSlot.SUM_NOISE], mean[SensorSlot.SUM_NOISE_FOUND]),
        "forecast_sd": _stated_and_found(mean[SensorSlot.SUM_FORECAST], mean[SensorSlot.SUM_FORECAST_FOUND]),
        "degrees_of_freedom": float(sums[SensorSlot.SUM_SIGNAL] / updates),
        "influence": mean[SensorSlot.SUM_SIGNAL],
        "rank_histogram": [int(count) for count in sums[RANKED]],
        "rank_flatness": flatness(sums),
    }


def flatness(sums: FloatArray) -> float:
    """Pearson's chi-squared of a rank histogram over its degrees of freedom: 1 by chance, more where it is not flat.

    Ranks that follow each other are alike, so they count for less: for n (1 - r) / (1 + r), with their correlation r
    (Bayley & Hammersley 1946, J R Stat Soc Suppl 8:184-197, of a first-order autoregression).
    """
    counts, readings = sums[RANKED], sums[SensorSlot.SUM_READINGS]
    square = (sums[SensorSlot.SUM_RANKS] / readings) ** 2
    variance = sums[SensorSlot.SUM_RANKS_2] / readings - square
    lagged = sums[SensorSlot.SUM_RANKS_LAGGED] / readings - square
    correlation = max(0.0, lagged / max(variance, LEAST_VARIANCE))
    worth = max(0.0, (1.0 - correlation) / (1.0 + correlation))
    expected = readings / len(RANKED)
    return float(worth * ((counts - expected) ** 2).sum() / expected / (len(RANKED) - 1))


def _stated_and_found(stated: float, found: float) -> dict[str, float | None]:
    return {"stated": math.sqrt(stated), "found": math.sqrt(found) if found >= 0.0 else None}
