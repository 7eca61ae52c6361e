"""An FMU, built from C, as a model: its own closed form, what every model must do, members that fail."""

import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from tests.adapters.fmu.building import NEEDS_COMPILER, Tank
from twin_adapters import fmu
from twin_adapters.fmu.model import FmuModel
from twin_runtime.core import FloatArray
from twin_runtime.modelling.files import Wanted
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.signals import InputSignals, Points, no_points
from twin_runtime.modelling.variables import Fixed, LogNormal, Normal, Prior
from twin_runtime.testing import ModelTests

pytestmark = NEEDS_COMPILER

AREA, LAG = 2.0, 3.0
WANTED = Wanted(frozenset({"conductance"}), frozenset({"inflow"}), frozenset({"volume"}))
PRIORS: Mapping[str, Prior] = MappingProxyType(
    {"level": LogNormal(1.0, 0.2), "filtered": Normal(1.0, 0.1), "conductance": LogNormal(0.5, 0.2)}
)


@cache
def built(tank: Tank) -> Path:
    return tank.build(Path(tempfile.mkdtemp()))


def modelled(tank: Tank, priors: Mapping[str, Prior] = PRIORS, **settings: Any) -> FmuModel:  # noqa: ANN401
    return fmu.model(built(tank), WANTED, **settings)(priors)


class TestFmi2(ModelTests):
    inputs = MappingProxyType({"inflow": (0.0, 1.0)})

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return modelled(Tank(2), {**PRIORS, **(priors or {})})


class TestFmi3(TestFmi2):
    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return modelled(Tank(3), {**PRIORS, **(priors or {})})


def exact(
    level: FloatArray, filtered: FloatArray, k: FloatArray, inflow: float, t: float
) -> tuple[FloatArray, FloatArray]:
    """A dh/dt = q - k h and tau df/dt = h - f, by the eigenvectors of the pair."""
    rest, a, b = inflow / k, k / AREA, 1.0 / LAG
    part = (level - rest) * b / (b - a)
    return (
        rest + (level - rest) * np.exp(-a * t),
        rest + part * np.exp(-a * t) + (filtered - rest - part) * np.exp(-b * t),
    )


@pytest.mark.parametrize("version", [2, 3])
def test_it_agrees_with_its_closed_form(version: int) -> None:
    """100 ticks of 1 s, of each of which the inflow changes at 0.3 s; a reading at 0, 0.25 and 0.9 s."""
    model, members = modelled(Tank(version)), 5
    rng = np.random.default_rng(1)
    level, filtered, k = rng.uniform(0.5, 1.5, (3, members))
    x = np.stack([np.log(level), filtered, np.log(k), np.zeros(members)], axis=1)[None].copy()
    points = Points(np.array([[0.0, 0.25, 0.9]]), np.array([[0, 1, 3]]))
    predicted, residual, before = np.empty((1, members, 3)), np.empty(1), 0.0
    for tick in range(100):
        after = 0.5 + 0.4 * np.sin(tick)
        signals = InputSignals(np.array([[[0.0, 0.3, 0.3]]]), np.array([[[before, before, after]]]), np.ones(1))
        expected = [level, exact(level, filtered, k, before, 0.25)[1]]
        model.advance(x, 1.0, signals, points, predicted, residual)
        middle = exact(level, filtered, k, before, 0.3)
        expected.append(AREA * exact(*middle, k, after, 0.6)[0])
        level, filtered = exact(*middle, k, after, 0.7)
        np.testing.assert_allclose(predicted[0].T, expected, rtol=1e-10)
        before = after
    np.testing.assert_allclose(np.exp(x[0, :, 0]), level, rtol=1e-10)
    np.testing.assert_allclose(x[0, :, 1], filtered, rtol=1e-10)
    np.testing.assert_array_equal(x[0, :, 3], 100.0)
    observed = dict(zip((q.name for q in model.quantities), model.observe(x, 1.0, signals)[0].T, strict=True))
    np.testing.assert_allclose(observed["outflow"], k * level, rtol=1e-10)
    np.testing.assert_allclose(observed["volume"], AREA * level, rtol=1e-10)
    np.testing.assert_allclose(observed["conductance"], k, rtol=1e-14)


def test_what_a_configuration_sets_is_set() -> None:
    model = modelled(Tank(2), {"level": Fixed(1.0)}, start={"area": 4.0, "mode": 3, "inflow": 0.25})
    assert model.inputs == ()
    x = np.array([[[1.0, 1.0, 0.5, 0.0]]])
    nothing = InputSignals(np.empty((1, 0, 0)), np.empty((1, 0, 0)), np.ones(1))
    model.advance(x, 8.0, nothing, no_points(1), np.empty((1, 1, 0)), np.empty(1))
    assert x[0, 0, 0] == pytest.approx(0.5 + 0.5 * np.exp(-1.0), rel=1e-12)  # at rest 0.25 / 0.5, time constant 4 / 0.5
    volume = [q.name for q in model.quantities].index("volume")
    assert model.observe(x, 8.0, nothing)[0, 0, volume] == pytest.approx(3 * 4.0 * x[0, 0, 0], rel=1e-12)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("fault", ["fails_at", "breaks_at"])
def test_a_member_that_fails_is_lost_and_the_others_go_on(
    version: int, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One member has a limit at 2.5 s, where its FMU refuses the step or gives no number."""
    wanted = Wanted(frozenset({fault}), frozenset({"inflow"}), frozenset())
    model = fmu.model(built(Tank(version)), wanted)({})
    x = np.tile([1.0, 1.0, 1e300, 0.0], (1, 3, 1))
    x[0, 1, 2] = 2.5
    signals = InputSignals(np.zeros((1, 1, 1)), np.zeros((1, 1, 1)), np.ones(1))
    for _ in range(4):
        model.advance(x, 1.0, signals, no_points(1), np.empty((1, 3, 0)), np.empty(1))
    assert np.isnan(x[0, 1, 0])
    np.testing.assert_allclose(x[0, [0, 2], 0], np.exp(-1.0), rtol=1e-12)
    if fault == "fails_at":
        assert "a member is lost" in caplog.text
        assert "no step beyond" in caplog.text


def test_another_file_is_another_model(tmp_path: Path) -> None:
    first = modelled(Tank(2))
    other = Tank(2, changes=[('start="0.5"', 'start="0.6"')]).build(tmp_path)
    assert first.fingerprint == modelled(Tank(2)).fingerprint
    assert fmu.model(other, WANTED)(PRIORS).fingerprint != first.fingerprint
    assert modelled(Tank(2), start={"area": 3.0}).fingerprint != first.fingerprint


def test_what_the_fmu_allows_bounds_its_priors() -> None:
    bounded = Tank(2, changes=(('<Real unit="m" start="1.0"/>', '<Real unit="m" start="1.0" min="0"/>'),))
    assert {v.name: v.prior.low for v in modelled(bounded, {}).variables}["level"] == 0.0
