"""How readings correct an ensemble: one file a method, and one table by which configurations find them."""

from collections.abc import Callable, Mapping

from twin_runtime.assimilation.denkf import Denkf
from twin_runtime.assimilation.enkf import Enkf
from twin_runtime.assimilation.enkf_n import EnkfN
from twin_runtime.assimilation.ensrf import Ensrf
from twin_runtime.assimilation.etkf import Etkf
from twin_runtime.assimilation.inflation import Inflation
from twin_runtime.assimilation.letkf import Letkf
from twin_runtime.assimilation.localisation import Localisation
from twin_runtime.assimilation.protocol import Assimilator, Occasion

__all__ = [
    "METHODS",
    "Assimilator",
    "Denkf",
    "Enkf",
    "EnkfN",
    "Ensrf",
    "Etkf",
    "Inflation",
    "Letkf",
    "Localisation",
    "Occasion",
]

METHODS: Mapping[str, Callable[..., Assimilator]] = {
    "etkf": Etkf,
    "enkf": Enkf,
    "denkf": Denkf,
    "enkf-n": EnkfN,
    "ensrf": Ensrf,
}
"""The methods by the names they bear in a configuration."""
