"""How readings correct an ensemble: one file a method, and one table by which configurations find them."""

from collections.abc import Callable, Mapping

from twin_runtime.assimilation.enkf import Enkf
from twin_runtime.assimilation.etkf import Etkf
from twin_runtime.assimilation.inflation import Inflation
from twin_runtime.assimilation.protocol import Assimilator, Draw

__all__ = ["METHODS", "Assimilator", "Draw", "Enkf", "Etkf", "Inflation"]

METHODS: Mapping[str, Callable[[], Assimilator]] = {"etkf": Etkf, "enkf": Enkf}
"""The methods by the names they bear in a configuration."""
