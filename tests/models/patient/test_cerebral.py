"""Cerebral autoregulation against figures of Ursino and Lodi 1997 that were computed independently.

They stand in the project's oracles of a patient, line "Cerebral".
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest

from tests.models.patient.regular import constant, course, member
from twin_models.patient.cerebral import Cerebral, rate
from twin_runtime.core import FloatArray
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.physics import arguments
from twin_runtime.modelling.variables import Constant, Fixed, Prior
from twin_runtime.testing import ModelTests

SEEN = ("flow", "intracranial_pressure", "resistance")


class TestCerebral(ModelTests):
    inputs = MappingProxyType({"pressure": (70.0, 110.0), "injection": (0.0, 0.005)})
    tolerance = 1e-5  # above and below the basal flow autoregulation has two amplitudes: a kink, order 2

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Cerebral(priors)


def settled(pressure: float, gain: float = 1.5) -> tuple[Cerebral, FloatArray, dict[str, float]]:
    """The brain after two hours of one arterial pressure: its slowest mode has 464 s."""
    model = Cerebral({"gain": Fixed(gain)})
    x = member(model)
    signals = constant(model, {"pressure": pressure})
    seen = course(model, x, np.array([7200.0]), SEEN, signals)
    return model, x, {name: float(values[-1]) for name, values in seen.items()}


def test_it_settles_on_the_published_state() -> None:
    _, x, seen = settled(100.0)
    assert seen["intracranial_pressure"] == pytest.approx(9.42637, abs=5e-6)
    assert np.exp(x[0, 0, 1]) == pytest.approx(0.149748, abs=5e-7)
    assert seen["flow"] == pytest.approx(12.5021, abs=5e-5)


def test_flow_is_regulated_and_without_gain_it_is_not() -> None:
    assert settled(80.0)[2]["flow"] == pytest.approx(11.935, abs=5e-4)
    assert settled(120.0)[2]["flow"] == pytest.approx(13.252, abs=5e-4)
    assert settled(80.0, gain=1e-9)[2]["flow"] == pytest.approx(6.760, abs=5e-4)
    assert settled(120.0, gain=1e-9)[2]["flow"] == pytest.approx(20.056, abs=5e-4)


def test_its_modes_are_the_published_ones() -> None:
    model, x, _ = settled(100.0)
    values = {v.name: v.prior.physical(float(value)) for v, value in zip(model.variables, x[0, 0], strict=True)}
    values |= {entry.name: entry.value for entry in model.table if isinstance(entry, Constant)}
    values |= {"pressure": 100.0, "injection": 0.0}

    def rates(**changed: float) -> FloatArray:
        return np.array(rate(*[(values | changed)[name] for name in arguments(rate)]))

    columns = []
    for name, width in (("fluid", 1e-4), ("compliance", 1e-6)):
        above, below = (rates(**{name: values[name] + sign * width}) for sign in (1.0, -1.0))
        columns.append((above - below) / (2.0 * width))
    modes = np.sort(np.linalg.eigvals(np.stack(columns, axis=1)).real)
    assert modes == pytest.approx([-0.701211, -0.00215345], rel=1e-5)


def test_what_the_skull_holds_is_found_from_the_pressure_and_back() -> None:
    """ln(P_ic / 10) / k_E + C_a P_ic - C_a P_a is the fluid, from an empty to a very full skull."""
    model = Cerebral()
    for fluid in (-40.0, -20.0, -14.0, 0.0, 10.0):
        for pressure in (20.0, 100.0, 200.0):
            x = member(model, {"fluid": fluid})
            icp = model.observe(x, 0.0, constant(model, {"pressure": pressure}))[0, 0, 2]
            assert np.log(icp / 10.0) / 0.11 + 0.15 * (icp - pressure) == pytest.approx(fluid, abs=1e-9)


def test_stiff_and_hardly_drained_it_swings_by_itself() -> None:
    """Outflow resistance x 12 and stiffness x 2.1: waves every half hour that go on (Ursino and Lodi, figure 8)."""
    model = Cerebral({"outflow": Fixed(12.0 * 526.3), "stiffness": Fixed(2.1 * 0.11)})
    x = member(model, {"fluid": -8.0})
    signals = constant(model, {"pressure": 100.0})
    course(model, x, np.array([6000.0]), SEEN, signals)
    swings = [
        np.ptp(course(model, x, np.arange(1.0, 2001.0), SEEN, signals)["intracranial_pressure"]) for _ in range(2)
    ]
    assert min(swings) > 10.0
    assert swings[1] == pytest.approx(swings[0], rel=0.02)
