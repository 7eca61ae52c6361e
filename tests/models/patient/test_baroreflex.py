"""The baroreflex against figures of Ursino 1998 that were computed independently.

They stand in the project's oracles of a patient, line "Baroreflex"; parameters outside the reflex (offsets) likewise.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest

from tests.models.patient.regular import constant, course, member
from twin_models.patient.baroreflex import BASAL, Baroreflex
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.variables import Prior
from twin_runtime.testing import ModelTests

OFFSET_PERIOD, OFFSET_SPLANCHNIC, OFFSET_OTHER, OFFSET_VEINS, OFFSET_OTHER_VEINS = 0.58, 2.49, 0.78, 1435.4, 1537.0
SEEN = (
    "afferent",
    "sympathetic",
    "vagal",
    "filtered",
    "lengthening",
    "splanchnic_constriction",
    "other_constriction",
    "splanchnic_relaxed",
    "other_relaxed",
)


class TestBaroreflex(ModelTests):
    inputs = MappingProxyType({"pressure": (60.0, 120.0)})
    scale_free = ("one_spike",)

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Baroreflex(priors)


def settled(pressure: float) -> dict[str, float]:
    """What the reflex does after ten minutes of one pressure."""
    model = Baroreflex()
    seen = course(model, member(model), np.array([600.0]), SEEN, constant(model, {"pressure": pressure}))
    return {name: float(values[-1]) for name, values in seen.items()}


def test_it_settles_on_the_published_figures() -> None:
    at_92 = settled(92.0)
    assert at_92["afferent"] == pytest.approx(25.150, abs=5e-4)
    assert at_92["sympathetic"] == pytest.approx(4.6655, abs=5e-5)
    assert at_92["vagal"] == pytest.approx(4.7665, abs=5e-5)
    assert OFFSET_PERIOD + at_92["lengthening"] == pytest.approx(0.8659, abs=5e-5)
    assert 60.0 / (OFFSET_PERIOD + at_92["lengthening"]) == pytest.approx(69.29, abs=5e-3)
    assert OFFSET_SPLANCHNIC + at_92["splanchnic_constriction"] == pytest.approx(3.2548, abs=5e-5)
    assert 60.0 / (OFFSET_PERIOD + settled(100.0)["lengthening"]) == pytest.approx(60.85, abs=5e-3)


def test_gains_and_offsets_close_on_the_basal_values() -> None:
    """Resistances 3.307 and 1.403, unstressed volumes 1123 and 1381, at the basal arousal."""
    gains = {variable.name: variable.prior.physical(variable.prior.centre) for variable in Baroreflex().variables}
    assert OFFSET_SPLANCHNIC + gains["gain_splanchnic"] * BASAL == pytest.approx(3.307, abs=5e-4)
    assert OFFSET_OTHER + gains["gain_other"] * BASAL == pytest.approx(1.403, abs=5e-4)
    assert OFFSET_VEINS - gains["gain_splanchnic_veins"] * BASAL == pytest.approx(1123.4, abs=0.1)
    assert OFFSET_OTHER_VEINS - gains["gain_other_veins"] * BASAL == pytest.approx(1381.2, abs=0.1)


def test_a_step_of_pressure_is_sensed_at_once_and_more_than_it_is() -> None:
    model = Baroreflex()
    x = member(model)
    before = model.observe(x, 0.0, constant(model, {"pressure": 92.0}))[0, 0, 0]
    after = model.observe(x, 0.0, constant(model, {"pressure": 102.0}))[0, 0, 0]
    assert after - before == pytest.approx(10.0 * 6.37 / 2.076, rel=1e-12)


def test_what_a_step_does_comes_after_the_delays() -> None:
    """The mean time of a step response is delay and time constant: here of resistance, 2 + 6 s, and volume, 5 + 20 s.

    The receptors are left at their new level at once, so that only nerves and effectors are in the response.
    """
    model = Baroreflex()
    x, signals = member(model), constant(model, {"pressure": 70.0})
    course(model, x, np.array([600.0]), SEEN, signals)
    start = {name: values[0] for name, values in course(model, x, np.array([1e-6]), SEEN, signals).items()}
    x[0, 0, 0] = 80.0  # the lagged pressure
    times = np.linspace(0.0, 300.0, 6001)
    seen = course(model, x, times, SEEN, constant(model, {"pressure": 80.0}))
    for name, mean in (("splanchnic_constriction", 8.0), ("splanchnic_relaxed", 25.0)):
        left = 1.0 - (seen[name] - start[name]) / (seen[name][-1] - start[name])
        # The logarithm after the delay bends the response: for 10 mmHg by less than 5 % of the delay.
        assert np.trapezoid(left, times) == pytest.approx(mean, abs=0.3)
