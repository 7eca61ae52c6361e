"""A method chosen by its name and its options, as a configuration gives them."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from twin_runtime.assimilation.denkf import Denkf
from twin_runtime.assimilation.enkf import Enkf
from twin_runtime.assimilation.enkf_n import EnkfN
from twin_runtime.assimilation.ensrf import Ensrf
from twin_runtime.assimilation.etkf import Etkf
from twin_runtime.assimilation.kalman import Kalman, Unscented
from twin_runtime.assimilation.letkf import Letkf
from twin_runtime.assimilation.localisation import Localisation
from twin_runtime.assimilation.particle import ParticleFilter
from twin_runtime.assimilation.protocol import Assimilator
from twin_runtime.modelling.positions import Positions

METHODS: Mapping[str, type[Assimilator]] = {
    "etkf": Etkf,
    "enkf": Enkf,
    "denkf": Denkf,
    "ensrf": Ensrf,
    "enkf-n": EnkfN,
    "letkf": Letkf,
    "particle": ParticleFilter,
    "kalman": Kalman,
    "unscented": Unscented,
}
"""The methods by the names they bear in a configuration."""


def options(method: str) -> Mapping[str, bool]:
    """The options of a method, and whether it needs them. A localisation is given by its ``radius``."""
    named: Any = METHODS[method]
    return {{"localisation": "radius"}.get(f.name, f.name): f.default is MISSING for f in fields(named)}


def chosen(method: str, given: Mapping[str, Any], positions: Positions | None) -> Assimilator:
    """The method of a name with the options ``given``; localised where they have a radius and there are positions."""
    named = {name: value for name, value in given.items() if name != "radius"}
    if "radius" in given and positions is not None:
        named["localisation"] = Localisation(positions, given["radius"])
    make: Any = METHODS[method]
    assimilator: Assimilator = make(**named)
    return assimilator
