"""How good a forecast of a reading was, and what the update made of it: sums by sensor, of the readings that were used.

Of the forecast: its error beside its spread (Fortin et al. 2014, J Hydrometeorol 15:1708-1713), the continuous ranked
probability score (Gneiting & Raftery 2007, J Am Stat Assoc 102:359-378), and the reading's rank among the members
(Hamill 2001, Mon Wea Rev 129:550-560). Of the update, what Desroziers, Berre, Chapnik & Poli 2005 (Q J R Meteorol Soc
131:3385-3396) found: where the stated covariances are right, the mean of d_b d_a is the variance of the noise, and that
of d_b (d_b - d_a) that of the forecast, with innovations d_b and residuals of the analysis d_a = R S^-1 d_b.
"""

import math

from numba import njit

from twin_runtime.core import FloatArray
from twin_runtime.vvuq.memory import RANKED, SensorSlot

READINGS, SQUARE, VARIANCE = int(SensorSlot.SUM_READINGS), int(SensorSlot.SUM_SQUARE), int(SensorSlot.SUM_VARIANCE)
CRPS, SIGNAL = int(SensorSlot.SUM_CRPS), int(SensorSlot.SUM_SIGNAL)
NOISE, NOISE_FOUND = int(SensorSlot.SUM_NOISE), int(SensorSlot.SUM_NOISE_FOUND)
FORECAST, FORECAST_FOUND = int(SensorSlot.SUM_FORECAST), int(SensorSlot.SUM_FORECAST_FOUND)
LAST, FIRST_BIN = int(SensorSlot.LAST_RANK), int(SensorSlot.RANKED_0)
RANKS, RANKS_2, LAGGED = int(SensorSlot.SUM_RANKS), int(SensorSlot.SUM_RANKS_2), int(SensorSlot.SUM_RANKS_LAGGED)

BINS = len(RANKED)
"""Of a rank histogram."""


@njit(cache=True, error_model="numpy")
def score_forecast(deviations: FloatArray, noise: float, sd: float, room: FloatArray, sensor: FloatArray) -> None:
    """Add one reading to the sums of its sensor's forecasts: ``sensor[SensorSlot]``.

    ``deviations`` hold the anomalies of N predictions, then the innovation, whose standard deviation is ``sd``;
    ``noise`` is the variance of the reading's own error. ``room[N]`` is there to work in.
    """
    innovation = deviations[room.size]
    sensor[SQUARE] += innovation * innovation
    sensor[VARIANCE] += sd * sd
    sensor[CRPS] += normal_crps(innovation, sd)
    rank = expected_rank(deviations, math.sqrt(noise), room)
    sensor[LAGGED] += rank * (sensor[LAST] if sensor[READINGS] > 0.0 else rank)
    sensor[RANKS] += rank
    sensor[RANKS_2] += rank * rank
    sensor[LAST] = rank
    sensor[FIRST_BIN + max(0, min(int(BINS * rank), BINS - 1))] += 1.0
    sensor[READINGS] += 1.0


@njit(cache=True, error_model="numpy")
def score_update(
    innovation: float, forecast: float, noise: float, solved: float, signal: float, sensor: FloatArray
) -> None:
    """Add one reading to the sums of what updates made of its sensor.

    ``forecast`` and ``noise`` are the variances stated of the prediction and of the reading; ``solved`` and ``signal``
    see :func:`twin_runtime.vvuq.covariance.solve`.
    """
    residual = noise * solved
    sensor[FORECAST] += forecast
    sensor[NOISE] += noise
    sensor[NOISE_FOUND] += innovation * residual
    sensor[FORECAST_FOUND] += innovation * (innovation - residual)
    sensor[SIGNAL] += signal


@njit(cache=True, error_model="numpy")
def normal_crps(error: float, sd: float) -> float:
    """The continuous ranked probability score of a normal forecast that is off by ``error``; in its unit.

    Gneiting, Raftery, Westveld & Goldman 2005, Mon Wea Rev 133:1098-1118, equation 5.
    """
    z = error / sd
    density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    return sd * (z * math.erf(z / math.sqrt(2.0)) + 2.0 * density - 1.0 / math.sqrt(math.pi))


@njit(cache=True, error_model="numpy")
def expected_rank(deviations: FloatArray, noise_sd: float, room: FloatArray) -> float:
    """The rank of a reading among the members with noise added, from 0 to 1: its mean over all noise there could be.

    The anomalies are stretched so that members and noise have the variance of the innovation, 1 + 1/N times that of the
    members beside the noise. The normal distribution is that of Hastings 1955 (Abramowitz & Stegun, Handbook of
    Mathematical Functions, 7.1.28), to 3e-7: without an exponential, LLVM vectorises it over the members.
    """
    members = room.size
    stretched, innovation = math.sqrt((members + 1.0) / (members - 1.0)), deviations[members]
    for j in range(members):
        z = (innovation - stretched * deviations[j]) / (noise_sd * math.sqrt(2.0))
        t = abs(z)
        p = 1.0 + t * (
            0.0705230784
            + t * (0.0422820123 + t * (0.0092705272 + t * (0.0001520143 + t * (0.0002765672 + t * 0.0000430638))))
        )
        p *= p
        p *= p
        p *= p
        p *= p
        room[j] = math.copysign(1.0 - 1.0 / p, z)
    return 0.5 + 0.5 * float(room.sum()) / members
