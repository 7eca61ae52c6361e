"""Wilks 2005, Effects of stochastic parametrizations in the Lorenz '96 system (Q J R Meteorol Soc 131:389-407).

The numbers are those of DAPPER's ``mods/LorenzUV/wilks05.py``: both levels of the model, of which the slow one is
observed every 0.05 with a variance of 0.1; both are scored, 1160 cycles after 120.
"""

from tests.papers.experiment import Experiment
from tests.papers.not_offered import BASELINE
from tests.papers.rows import NotRun, Published, Row
from twin_models.lorenz_uv import LorenzUV
from twin_runtime.assimilation import EnkfN

LORENZ_UV = Experiment(
    LorenzUV(), interval=0.05, observed=tuple(range(8)), variance=0.1, cycles=1280, discarded=120, scored=264
)
STALE = (
    "DAPPER 1.7.1 itself gives 0.290 and 0.291 (seeds 1 and 2); certainty 2, rotation, or the ETKF with any inflation \
from 1.01 to 1.2 give 0.288 to 0.292"
)

PUBLISHED: Published = (
    NotRun("climatology", 0.93, BASELINE),
    NotRun("3D-Var", 0.39, BASELINE),
    Row("EnKF-N, N = 20", 0.27, LORENZ_UV, EnkfN(), 20, reason=STALE),
)
