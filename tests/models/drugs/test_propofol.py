"""Propofol against the published curves of Schnider's model."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest

from tests.models.driven import driven
from tests.models.drugs.test_remifentanil import MINUTE, PATIENTS
from twin_models.drugs.propofol import Propofol
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.variables import Prior
from twin_runtime.testing import ModelTests


class TestPropofol(ModelTests):
    inputs = MappingProxyType({"infusion": (0.0, 0.2), "dose": (3.0, 9.0), **PATIENTS})
    tick = 2.0
    scale_free = ("trace", "haze")  # so little that no formula shows it

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Propofol(priors)


def test_an_infusion_of_four_hours_is_that_of_schnider() -> None:
    # A man of 40 years, 70 kg, 170 cm, 6 mg/kg/h: independently recomputed; PyTCI 1.2 rounds its rates and is 4e-4 off.
    infusion = {"infusion": [(0.0, 6.0 * 70.0 / 3600.0)]}
    seconds = np.array([10.0, 60.0, 240.0, 6000.0]) * MINUTE  # the last: 15 time constants of the slowest compartment
    found = driven(Propofol(), ["concentration"], seconds, infusion)[:, 0]
    assert found == pytest.approx([2.026, 2.842, 3.394, 4.273], abs=5e-4)
