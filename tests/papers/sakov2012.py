"""Sakov, Oliver & Bertino 2012, An iterative EnKF for strongly nonlinear systems (Mon Wea Rev 140:1988-2004), table 1.

The numbers are those of DAPPER's ``mods/Lorenz63/sakov2012.py``: Lorenz-63, everything observed every 0.25 with a
variance of 2; 1000 cycles are scored after 64. They depend on the replicate, and so there are many.
"""

from tests.papers.experiment import Experiment
from tests.papers.not_offered import BASELINE, EXTENDED, PROPOSAL, WINDOW
from tests.papers.rows import NotRun, Published, Row
from twin_models.lorenz63 import Lorenz63
from twin_runtime.assimilation import Enkf, EnkfN, Etkf, Inflation, ParticleFilter

LORENZ63 = Experiment(Lorenz63(), interval=0.25, observed=(0, 1, 2), variance=2.0, cycles=1064, discarded=64, scored=3)

PUBLISHED: Published = (
    NotRun("climatology", 7.6, BASELINE),
    NotRun("optimal interpolation", 1.25, BASELINE),
    NotRun("3D-Var", 1.04, BASELINE),
    NotRun("ExtKF, inflation 180", 0.92, EXTENDED),
    Row("ETKF, N = 3, inflation 1.30", 0.80, LORENZ63, Etkf(), 3, Inflation(1.30), 32),
    Row("ETKF, N = 10, inflation 1.02, rotated", 0.60, LORENZ63, Etkf(rotate=True), 10, Inflation(1.02), 32),
    Row("EnKF, N = 10, inflation 1.04", 0.65, LORENZ63, Enkf(), 10, Inflation(1.04), 32),
    Row("EnKF, N = 100, inflation 1.01", 0.56, LORENZ63, Enkf(), 100, Inflation(1.01), 32),
    Row("EnKF-N, N = 3", 0.60, LORENZ63, EnkfN(), 3, replicates=32),
    Row("EnKF-N, N = 10, rotated", 0.54, LORENZ63, EnkfN(rotate=True), 10, replicates=32),
    NotRun("iEnKS, N = 10, inflation 1.02, rotated", 0.31, WINDOW),
    Row("particles, N = 100, jitter 2.4", 0.38, LORENZ63, ParticleFilter(2.4), 100, replicates=32),
    Row("particles, N = 800, jitter 1.3", 0.28, LORENZ63, ParticleFilter(1.3), 800, replicates=16),
    Row("particles, N = 4000, jitter 1.0", 0.27, LORENZ63, ParticleFilter(1.0), 4000),
    NotRun("PFxN, N = 30, 1000 duplicates", 0.56, PROPOSAL),
)
