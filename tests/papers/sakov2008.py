"""Sakov & Oke 2008, A deterministic formulation of the ensemble Kalman filter (Tellus A 60:361-371), and others.

The numbers are those of DAPPER's ``mods/Lorenz96/sakov2008.py``: Lorenz-96, everything observed every 0.05 with a
variance of 1; 1100 cycles are scored after 400.
"""

from tests.papers.experiment import Experiment
from tests.papers.rows import NotRun, Row
from twin_models.lorenz96 import Lorenz96
from twin_runtime.assimilation import Denkf, Enkf, EnkfN, Ensrf, Etkf, Inflation, Letkf, Localisation

LORENZ96 = Experiment(
    Lorenz96(), interval=0.05, observed=tuple(range(40)), variance=1.0, cycles=1500, discarded=400, scored=40
)

HALF_WIDTH = 1.82
"""Half-widths of the taper in one of DAPPER's radii."""
LETKF = Letkf(Localisation(Lorenz96().positions, 4 * HALF_WIDTH), rotate=True)
EAKF = Ensrf(Localisation(Lorenz96().positions, 6 * HALF_WIDTH), rotate=True)

SERIAL = (("ESOPS, inflation 1.02", 0.18), ("stochastic, inflation 1.08", 0.24))
PARTICLES = ((0.05, 1.2, 0.35), (0.05, 1.6, 0.41), (0.5, 0.7, 0.26), (0.5, 0.9, 0.30), (0.5, 1.2, 0.36))
WEIGHTS = "they need weights that last from update to update; resampled at each, one of two replicates is lost"

ROWS = (
    Row("EnKF, N = 40, inflation 1.06", 0.22, LORENZ96, Enkf(), 40, Inflation(1.06)),
    Row("DEnKF, N = 40, inflation 1.01", 0.18, LORENZ96, Denkf(), 40, Inflation(1.01)),
    Row("EnKF, N = 28, inflation 1.08", 0.24, LORENZ96, Enkf(), 28, Inflation(1.08)),
    Row("ETKF, N = 24, inflation 1.013, rotated", 0.18, LORENZ96, Etkf(rotate=True), 24, Inflation(1.013)),
    Row("EnSRF, N = 28, inflation 1.02, rotated", 0.18, LORENZ96, Ensrf(rotate=True), 28, Inflation(1.02)),
    Row("EnKF-N, N = 24, rotated", 0.21, LORENZ96, EnkfN(rotate=True), 24),
    Row("EnKF-N, N = 24, rotated, certainty 2", 0.18, LORENZ96, EnkfN(rotate=True, certainty=2.0), 24),
    Row("LETKF, N = 7, inflation 1.04, rotated, radius 4", 0.22, LORENZ96, LETKF, 7, Inflation(1.04)),
    Row("EAKF, N = 7, inflation 1.07, rotated, radius 6", 0.23, LORENZ96, EAKF, 7, Inflation(1.07)),
    Row("ETKF, N = 20, inflation 1.04, rotated", 0.20, LORENZ96, Etkf(rotate=True), 20, Inflation(1.04)),
    Row("EnKF-N, N = 20", 0.24, LORENZ96, EnkfN(), 20),
    Row("EnKF-N, N = 20, certainty 2", 0.19, LORENZ96, EnkfN(certainty=2.0), 20),
)
NOT_RUN = (
    *(NotRun(f"serial {kind}, N = 28", error, "a variant of the EnKF that is not offered") for kind, error in SERIAL),
    *(NotRun(f"particles, N = 3000, NER {ner}, reg {reg}", error, WEIGHTS) for ner, reg, error in PARTICLES),
)
