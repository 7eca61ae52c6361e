"""A volume with a drug in it, against the closed forms of a dose and of an infusion."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest

from tests.models.driven import driven
from twin_models.drugs.compartment import Compartment
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.variables import Fixed, Prior
from twin_runtime.testing import ModelTests

VOLUME, CLEARANCE, DOSE, INFUSION = 5.0, 1e-3, 20.0, 0.01
KNOWN = {"volume": Fixed(VOLUME), "clearance": Fixed(CLEARANCE)}


class TestCompartment(ModelTests):
    inputs = MappingProxyType({"infusion": (0.0, 0.2), "dose": (3.0, 9.0)})

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Compartment(priors)


def test_a_dose_decays_and_an_infusion_settles() -> None:
    seconds = np.array([60.0, 3600.0, 36000.0])
    share = np.exp(-CLEARANCE / VOLUME * seconds)
    dose = driven(Compartment(KNOWN), ["concentration"], seconds, {"dose": [(0.0, DOSE)]})[:, 0]
    assert dose == pytest.approx(DOSE / VOLUME * share, rel=1e-9)
    infusion = driven(Compartment(KNOWN), ["concentration"], seconds, {"infusion": [(0.0, INFUSION)]})[:, 0]
    assert infusion == pytest.approx(INFUSION / CLEARANCE * (1.0 - share), rel=1e-9)
