"""How good a forecast of a reading was, and what the update made of it: sums by sensor, of the readings that were used.

Of the forecast: its error and its spread (Fortin et al. 2014, J Hydrometeorol 15:1708-1713), the continuous ranked
probability score (Gneiting & Raftery 2007, J Am Stat Assoc 102:359-378), and the reading's rank among the members
(Hamill 2001, Mon Wea Rev 129:550-560). Of the update, what Desroziers, Berre, Chapnik & Poli 2005 (Q J R Meteorol Soc
131:3385-3396) found: where the stated covariances are right, the mean of d_b d_a is the variance of the noise, and that
of d_b (d_b - d_a) that of the forecast, with innovations d_b and residuals of the analysis d_a = R S^-1 d_b.
"""

import math
from typing import NamedTuple

from numba import njit

from twin_runtime.core import FloatArray
from twin_runtime.vvuq.covariance import Update
from twin_runtime.vvuq.memory import BINS, SensorMemory

QUANTILE_50, QUANTILE_90 = 0.6744897501960817, 1.6448536269514722
"""Half the widths of the central 50 and 90 % intervals of a normal distribution, in standard deviations."""


class Innovation(NamedTuple):
    """Of one reading: its difference from the prediction in standard deviations (``score``), and that ``sd``.

    ``noise`` is the variance of the reading's own error; ``frozen``: the sensor has repeated it for too long.
    """

    score: float
    sd: float
    noise: float
    frozen: bool


@njit(cache=True, error_model="numpy")
def score_forecast(deviations: FloatArray, noise: float, sd: float, ranks: FloatArray, sensor: SensorMemory) -> None:
    """Add one reading to the sums of its sensor's forecasts.

    ``deviations`` hold the anomalies of N predictions, then the innovation, whose standard deviation is ``sd``;
    ``noise`` is the variance of the reading's own error. ``ranks[N]`` is an array to work in.
    """
    innovation = deviations[ranks.size]
    sensor.sum_square += innovation * innovation
    sensor.sum_variance += sd * sd
    sensor.sum_crps += normal_crps(innovation, sd)
    rank = expected_rank(deviations, math.sqrt(noise), ranks)
    sensor.sum_ranks_lagged += rank * (sensor.last_rank if sensor.sum_readings > 0.0 else rank)
    sensor.sum_ranks += rank
    sensor.sum_ranks_2 += rank * rank
    sensor.last_rank = rank
    sensor.ranked[max(0, min(int(BINS * rank), BINS - 1))] += 1.0
    sensor.sum_readings += 1.0


@njit(cache=True, error_model="numpy")
def score_update(update: Update, reading: int, sensor: SensorMemory) -> None:
    """Add one reading of a solved update to the sums of its sensor."""
    members = update.deviations.shape[1] - 1
    innovation, noise = update.deviations[reading, members], update.noise[reading]
    residual = noise * update.solved[reading]
    sensor.sum_forecast += sample_variance(update.deviations[reading], members) * (1.0 + 1.0 / members)
    sensor.sum_noise += noise
    sensor.sum_noise_found += innovation * residual
    sensor.sum_forecast_found += innovation * (innovation - residual)
    sensor.sum_signal += update.signal[reading]


@njit(cache=True, error_model="numpy")
def sample_variance(anomalies: FloatArray, members: int) -> float:
    """The variance of the first so many numbers, which are anomalies: divided by one less than there are."""
    total = 0.0
    for j in range(members):
        total += anomalies[j] * anomalies[j]
    return total / (members - 1)


@njit(cache=True, error_model="numpy")
def normal_crps(error: float, sd: float) -> float:
    """The continuous ranked probability score of a normal forecast that is off by ``error``; in its unit.

    Gneiting, Raftery, Westveld & Goldman 2005, Mon Wea Rev 133:1098-1118, equation 5.
    """
    z = error / sd
    density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    return sd * (z * math.erf(z / math.sqrt(2.0)) + 2.0 * density - 1.0 / math.sqrt(math.pi))


@njit(cache=True, error_model="numpy")
def expected_rank(deviations: FloatArray, noise_sd: float, ranks: FloatArray) -> float:
    """The rank of a reading among the members with noise added, from 0 to 1: its mean over all noise there could be.

    The anomalies are scaled so that members and noise have the variance of the innovation: 1 + 1/N times that of the
    members, and that of the noise. The normal distribution is that of Hastings 1955 (Abramowitz & Stegun, Handbook of
    Mathematical Functions, 7.1.28), to 3e-7: without an exponential, LLVM vectorises it over the members.
    """
    members = ranks.size
    scale, innovation = math.sqrt((members + 1.0) / (members - 1.0)), deviations[members]
    for j in range(members):
        z = (innovation - scale * deviations[j]) / (noise_sd * math.sqrt(2.0))
        t = abs(z)
        p = 1.0 + t * (
            0.0705230784
            + t * (0.0422820123 + t * (0.0092705272 + t * (0.0001520143 + t * (0.0002765672 + t * 0.0000430638))))
        )
        p *= p
        p *= p
        p *= p
        p *= p
        ranks[j] = math.copysign(1.0 - 1.0 / p, z)
    return 0.5 + 0.5 * float(ranks.sum()) / members
