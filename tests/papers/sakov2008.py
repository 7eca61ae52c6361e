"""Sakov & Oke 2008, A deterministic formulation of the ensemble Kalman filter (Tellus A 60:361-371), and others.

The numbers are those of DAPPER's ``mods/Lorenz96/sakov2008.py``: Lorenz-96, everything observed every 0.05 with a
variance of 1; 1100 cycles are scored after 400.
"""

from tests.papers.experiment import Experiment
from tests.papers.not_offered import BASELINE, EXTENDED, NO_NUMBER, VARIANT, WINDOW
from tests.papers.rows import NotRun, Published, Row
from twin_models.lorenz96 import Lorenz96
from twin_runtime.assimilation import Denkf, Enkf, EnkfN, Ensrf, Etkf, Inflation, Letkf, Localisation, ParticleFilter

LORENZ96 = Experiment(
    Lorenz96(), interval=0.05, observed=tuple(range(40)), variance=1.0, cycles=1500, discarded=400, scored=40
)

HALF_WIDTH = 1.82
"""Half-widths of the taper in one of DAPPER's radii."""
LETKF = Letkf(Localisation(Lorenz96().positions, 4 * HALF_WIDTH), rotate=True)
EAKF = Ensrf(Localisation(Lorenz96().positions, 6 * HALF_WIDTH), rotate=True)


def particles(trigger: float, width: float, published: float, jitter: float) -> Row:
    """Published particles keep their weights until ``trigger`` of them count; ours are resampled at every update."""
    name = f"particles, N = 3000, NER {trigger}, reg {width}; ours: jitter {jitter}"
    return Row(name, published, LORENZ96, ParticleFilter(jitter), 3000, replicates=4)


PUBLISHED: Published = (
    Row("EnKF, N = 40, inflation 1.06", 0.22, LORENZ96, Enkf(), 40, Inflation(1.06)),
    Row("DEnKF, N = 40, inflation 1.01", 0.18, LORENZ96, Denkf(), 40, Inflation(1.01)),
    Row("EnKF, N = 28, inflation 1.08", 0.24, LORENZ96, Enkf(), 28, Inflation(1.08)),
    Row("ETKF, N = 24, inflation 1.013, rotated", 0.18, LORENZ96, Etkf(rotate=True), 24, Inflation(1.013)),
    Row("serial EnSRF, N = 28, inflation 1.02, rotated", 0.18, LORENZ96, Ensrf(rotate=True), 28, Inflation(1.02)),
    NotRun("serial ESOPS, N = 28, inflation 1.02", 0.18, VARIANT),
    NotRun("serial stochastic, N = 28, inflation 1.08", 0.24, VARIANT),
    Row("EnKF-N, N = 24, rotated", 0.21, LORENZ96, EnkfN(rotate=True), 24),
    Row("EnKF-N, N = 24, rotated, certainty 2", 0.18, LORENZ96, EnkfN(rotate=True, certainty=2.0), 24),
    NotRun("climatology", 3.6, BASELINE),
    NotRun("optimal interpolation", 0.95, BASELINE),
    NotRun("3D-Var", 0.41, BASELINE),
    NotRun("ExtKF, inflation 10", 0.24, EXTENDED),
    NotRun("LETKF, N = 6, inflation 1.05, rotated, radius 4, step taper", None, NO_NUMBER),
    Row("LETKF, N = 7, inflation 1.04, rotated, radius 4", 0.22, LORENZ96, LETKF, 7, Inflation(1.04)),
    Row("EAKF, N = 7, inflation 1.07, rotated, radius 6", 0.23, LORENZ96, EAKF, 7, Inflation(1.07)),
    NotRun("iEnKS, every 0.6, N = 25, lag 1, inflation 1.2, rotated", 0.46, WINDOW),
    NotRun("iEnKS, every 0.6, N = 25, lag 1, certainty 2, rotated", 0.46, WINDOW),
    Row("ETKF, N = 20, inflation 1.04, rotated", 0.20, LORENZ96, Etkf(rotate=True), 20, Inflation(1.04)),
    NotRun("ETKF, every 0.15, N = 20, inflation 1.10, rotated", None, NO_NUMBER),
    NotRun("ETKF, every 0.25, N = 20, inflation 1.40, rotated", None, NO_NUMBER),
    Row("EnKF-N, N = 20", 0.24, LORENZ96, EnkfN(), 20),
    Row("EnKF-N, N = 20, certainty 2", 0.19, LORENZ96, EnkfN(certainty=2.0), 20),
    NotRun("iEnKS, every 0.2, N = 20, lag 4, certainty 2", 0.31, WINDOW),
    NotRun("4D-Var, every 0.2, lag 1", 0.46, WINDOW),
    NotRun("4D-Var, every 0.2, lag 2", 0.39, WINDOW),
    NotRun("4D-Var, every 0.2, lag 4", 0.37, WINDOW),
    NotRun("4D-Var, every 0.2, lag 6", 0.385, WINDOW),
    particles(0.05, 1.2, 0.35, 1.3),
    particles(0.05, 1.6, 0.41, 1.7),
    particles(0.5, 0.7, 0.26, 0.85),
    particles(0.5, 0.9, 0.30, 1.0),
    particles(0.5, 1.2, 0.36, 1.3),
)
