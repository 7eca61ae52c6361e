"""The minimal model of glucose, on the tolerance test that Pacini and Bergman published with it."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest
from scipy.optimize import least_squares

from tests.models.driven import driven
from twin_models.metabolism.glucose import MINUTE, Glucose
from twin_runtime.core import FloatArray
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.variables import Fixed, Prior
from twin_runtime.testing import ModelTests

TIMES = np.array([0, 2, 4, 6, 8, 10, 12, 14, 16, 19, 22, 27, 32, 42, 52, 62, 72, 82, 92, 102, 122, 142, 162, 182.0])
INSULIN = np.array([11, 26, 130, 85, 51, 49, 45, 41, 35, 30, 30, 27, 30, 22, 15, 15, 11, 10, 8, 11, 7, 8, 8, 7.0])
GLUCOSE = np.array(
    [92, 350, 287, 251, 240, 216, 211, 205, 196, 192, 172, 163, 142, 124, 105, 92, 84, 77, 82, 81, 82, 82, 85, 90.0]
)
"""Minutes, uU/mL and mg/dL: Pacini & Bergman 1986, Comput Methods Programs Biomed 23:113-122."""


class TestGlucose(ModelTests):
    inputs = MappingProxyType({"insulin": (5.0, 150.0), "dose": (3.0, 9.0)})
    tick = 2.0

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Glucose(priors)


def glucose(effectiveness: float, sensitivity: float, action_rate: float, at_start: float, **more: float) -> FloatArray:
    """Glucose at the times of the samples, by parameters per minute."""
    by_minute = {"effectiveness": effectiveness, "sensitivity": sensitivity, "action_rate": action_rate}
    known = {"basal_glucose": 92.0, "basal_insulin": 11.0, "glucose": at_start, "volume": 110.0, **more}
    priors = {name: Fixed(value / MINUTE) for name, value in by_minute.items()}
    model = Glucose(priors | {name: Fixed(value) for name, value in known.items()})
    samples = {"insulin": list(zip(TIMES * MINUTE, INSULIN, strict=True))}
    return driven(model, ["glucose"], TIMES * MINUTE, samples)[:, 0]


def test_the_published_parameters_give_the_checked_curve() -> None:
    # Recomputed independently with insulin linear between its samples.
    found = dict(zip(TIMES.tolist(), glucose(0.026, 5e-4, 0.025, 279.0).tolist(), strict=True))
    assert [found[8.0], found[27.0], found[182.0]] == pytest.approx([239.78, 161.31, 92.80], abs=5e-3)


def test_an_injection_raises_the_glucose_by_its_volume() -> None:
    model = Glucose({"glucose": Fixed(92.0), "volume": Fixed(110.0)})
    found = driven(model, ["glucose"], [0.5], {"dose": [(0.0, 21_000.0)]})
    assert found[0, 0] == pytest.approx(92.0 + 21_000.0 / 110.0, rel=1e-3)


def test_one_test_hardly_tells_effectiveness_and_the_rate_of_action() -> None:
    # From 8 min on, as is usual. Found before: SG 0.0189 (CV 42 %), p2 0.0214 (46 %).
    def off(parameters: FloatArray) -> FloatArray:
        return np.asarray(glucose(*parameters.tolist()) - GLUCOSE)[TIMES >= 8.0]

    fit = least_squares(off, [0.026, 5e-4, 0.025, 279.0], x_scale=[0.01, 1e-4, 0.01, 100.0], diff_step=1e-4)
    variance = 2.0 * fit.cost / (len(fit.fun) - 4)
    spread = np.sqrt(np.diag(variance * np.linalg.inv(fit.jac.T @ fit.jac))) / fit.x
    assert fit.x[[0, 2]] == pytest.approx([0.0189, 0.0214], abs=5e-5)
    assert spread[[0, 2]] == pytest.approx([0.42, 0.46], abs=0.01)
