"""How readings correct an ensemble: one file a method, and one table by which configurations find them."""

from twin_runtime.assimilation.adaptive import AdaptiveInflation
from twin_runtime.assimilation.choice import METHODS, chosen, options
from twin_runtime.assimilation.denkf import Denkf
from twin_runtime.assimilation.enkf import Enkf
from twin_runtime.assimilation.enkf_n import EnkfN
from twin_runtime.assimilation.ensrf import Ensrf
from twin_runtime.assimilation.etkf import Etkf
from twin_runtime.assimilation.inflation import Inflate, Inflation, InflationMemory
from twin_runtime.assimilation.kalman import Kalman, Unscented
from twin_runtime.assimilation.letkf import Letkf
from twin_runtime.assimilation.localisation import Localisation
from twin_runtime.assimilation.particle import ParticleFilter
from twin_runtime.assimilation.protocol import AnalysisInput, Assimilator

__all__ = [
    "METHODS",
    "AdaptiveInflation",
    "AnalysisInput",
    "Assimilator",
    "Denkf",
    "Enkf",
    "EnkfN",
    "Ensrf",
    "Etkf",
    "Inflate",
    "Inflation",
    "InflationMemory",
    "Kalman",
    "Letkf",
    "Localisation",
    "ParticleFilter",
    "Unscented",
    "chosen",
    "options",
]
