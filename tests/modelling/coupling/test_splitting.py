"""Parts that advance by steps of their own, against closed forms, by their order, and as a model like any other."""

import math
from collections.abc import Mapping

import numpy as np
import pytest
from scipy.linalg import expm

from tests.modelling.coupling.parts import RESISTANCE, Chamber, Circuit, Pump, TwoVessels, Vessel, resistive
from twin_runtime.core import FloatArray
from twin_runtime.errors import ModelError
from twin_runtime.modelling.conformance import ModelTests, advanced
from twin_runtime.modelling.coupling import Coupled, Flux, coupled
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.signals import InputSignals, Points
from twin_runtime.modelling.splitting import turns
from twin_runtime.modelling.variables import Fixed, Prior

NO_INPUTS = InputSignals(np.empty((1, 0, 0)), np.empty((1, 0, 0)), np.ones(1))


class SlowVessel(Vessel):
    """A vessel that advances by longer steps."""

    step = 0.04


class SlowPump(Pump):
    """A pump that advances by longer steps than the chamber."""

    step = 0.04


class Strang(Coupled):
    """A slow vessel and a quick one, each with a leak of its own."""

    name = "strang"
    parts = {"left": SlowVessel, "right": Vessel}
    links = TwoVessels.links
    splitting = "strang"


class GaussSeidel(Strang):
    """The same in turns of order 1."""

    splitting = "gauss-seidel"


class SlowCircuit(Coupled):
    """A slow pump that fills a chamber."""

    name = "slow_circuit"
    parts = {"pump": SlowPump, "chamber": Chamber}
    links = Circuit.links
    splitting = "strang"


class Three(Coupled):
    """A whole of three steps, in which a part takes turns itself."""

    name = "three"
    parts = {"pair": Strang, "slowest": type("SlowestVessel", (Vessel,), {"step": 0.08, "__module__": __name__})}
    links = (Flux("tube", "pair.left.wall", "slowest.wall", resistive, unit="mL/s", table=(RESISTANCE,)),)
    splitting = "strang"


class TestStrang(ModelTests):
    tolerance = 2e-5
    scale_free = ("left.pressure", "right.pressure", "left.compliance", "right.compliance", "tube.resistance")

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Strang(priors)


class TestSlowCircuit(ModelTests):
    """A reading ends an exchange early, and changes the error of the splitting: (0.04 s / 0.5 s)^3 / 24 a step."""

    tolerance = 2e-5
    inputs = {"pump.drive": (0.5, 2.0), "pump.push": (0.3, 0.5)}

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return SlowCircuit(priors)


def leaking(model: type[OdeModel], leaks: tuple[float, float] = (0.3, 0.7)) -> OdeModel:
    """Two vessels of which everything is known."""
    values = {"left.pressure": 20.0, "right.pressure": 5.0, "left.compliance": 1.5, "right.compliance": 0.5}
    values |= {"tube.resistance": 2.0, "left.leak": leaks[0], "right.leak": leaks[1]}
    return model({name: Fixed(value) for name, value in values.items()})


def started(model: Model) -> FloatArray:
    return np.array([[[variable.prior.centre for variable in model.variables]]])


def exact(elapsed: float, leaks: tuple[float, float] = (0.3, 0.7)) -> FloatArray:
    """The pressures by the matrix exponential of dp/dt = A p."""
    left, right = 1.0 / (1.5 * 2.0), 1.0 / (0.5 * 2.0)
    rates = np.array([[-left - leaks[0], left], [right, -right - leaks[1]]])
    return np.asarray(expm(rates * elapsed) @ [20.0, 5.0])


def pressures(model: Model, x: FloatArray) -> FloatArray:
    names = [variable.name for variable in model.variables]
    return np.asarray(x[0, 0, [names.index("left.pressure"), names.index("right.pressure")]])


@pytest.mark.parametrize(("kind", "order"), [(GaussSeidel, 1), (Strang, 2)])
def test_the_observed_order(kind: type[OdeModel], order: int) -> None:
    """On four grids, the exchange halved each time; Runge-Kutta 4 within the turns is exact beside it."""
    model, errors = leaking(kind), []
    for exchange in (0.04, 0.02, 0.01, 0.005):
        model.step = exchange  # type: ignore[misc]  # of this one model
        x, _, _ = advanced(model, started(model), 0.4, NO_INPUTS)
        errors.append(np.abs(pressures(model, x) - exact(0.4)).max())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders == pytest.approx(order, abs=0.1)


def test_time_scales_of_one_to_ten_thousand_are_their_eigenvalue_solution() -> None:
    """A vessel of 1e-4 of the other's capacity settles 1e4 times as fast, and is stepped 1e4 times as often."""
    quick = type("QuickVessel", (Vessel,), {"step": 1e-5, "__module__": __name__})
    slow = type("SluggishVessel", (Vessel,), {"step": 0.1, "__module__": __name__})
    whole = coupled("stiff", {"slow": slow, "quick": quick}, (_tube("slow.wall", "quick.wall"),), "strang")
    values = {"slow.pressure": 20.0, "quick.pressure": 5.0, "slow.compliance": 1.0, "quick.compliance": 1e-4}
    model = whole({n: Fixed(v) for n, v in (values | {"tube.resistance": 1.0, "slow.leak": 0.5}).items()})
    x, _, _ = advanced(model, started(model), 1.0, NO_INPUTS)
    names = [variable.name for variable in model.variables]
    rates = np.array([[-1.0 - 0.5, 1.0], [1e4, -1e4]])
    slowest = np.asarray(expm(rates * 1.0) @ [20.0, 5.0])
    found = [x[0, 0, names.index("slow.pressure")], x[0, 0, names.index("quick.pressure")]]
    np.testing.assert_allclose(found, slowest, rtol=1e-4)


def _tube(upstream: str, downstream: str) -> Flux:
    return Flux("tube", upstream, downstream, resistive, unit="mL/s", table=(RESISTANCE,))


@pytest.mark.parametrize("ticks", [10_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", [GaussSeidel, Strang])
def test_what_leaves_one_part_enters_the_other(kind: type[OdeModel], ticks: int) -> None:
    """The total drifts by less than 1e-12 of what has passed: 1.5 mL/mmHg from 20 to 16.25 mmHg, 5.6 mL."""
    model = leaking(kind, (0.0, 0.0))
    x = started(model)
    for _ in range(ticks):
        x, _, residual = advanced(model, x, 0.04, NO_INPUTS)
    left, right = pressures(model, x)
    assert left == pytest.approx(16.25)
    assert abs(1.5 * left + 0.5 * right - 32.5) < 1e-12 * 5.6
    assert residual[0] < 1e-12


def test_the_balance_counts_what_each_part_loses_by_itself() -> None:
    model = leaking(Strang)
    _, _, residual = advanced(model, started(model), 1.0, NO_INPUTS)
    assert residual[0] < 1e-13


def test_a_reading_within_an_exchange_is_met_at_its_own_time() -> None:
    model = leaking(Strang)
    output = [output.name for output in model.outputs].index("right.pressure")
    points = Points(np.array([[0.013, 0.06]]), np.full((1, 2), output))
    _, predicted, _ = advanced(model, started(model), 0.1, NO_INPUTS, points)
    for k, moment in enumerate((0.013, 0.06)):
        assert predicted[0, 0, k] == pytest.approx(exact(moment)[1], rel=1e-4)
    alone, _, _ = advanced(model, started(model), 0.013, NO_INPUTS)
    assert predicted[0, 0, 0] == pressures(model, alone)[1]


def test_an_event_within_an_exchange_acts_at_its_own_time() -> None:
    """A push adds 1 to the force, which falls by exp(-t / time constant); Runge-Kutta 4 is right to 1e-7."""
    model = SlowCircuit({"pump.force": Fixed(1.0), "pump.time_constant": Fixed(0.5)})
    names = [given.name for given in model.inputs]
    times, values = np.full((1, 2, 1), np.inf), np.ones((1, 2, 1))
    times[0, names.index("pump.drive"), 0] = 0.0
    times[0, names.index("pump.push"), 0] = 0.023
    x, _, _ = advanced(model, started(model), 0.1, InputSignals(times, values, np.ones(1)))
    force = x[0, 0, [variable.name for variable in model.variables].index("pump.force")]
    assert force == pytest.approx(1.0 + math.exp(-(0.1 - 0.023) / 0.5), rel=1e-7)


def test_a_slope_of_an_input_is_met_within_an_exchange() -> None:
    """u = t drives f' = (u - f) / T: f = t - T + (1 + T) exp(-t / T) from f = 1; the pump needs no other part."""
    model = SlowCircuit({"pump.force": Fixed(1.0), "pump.time_constant": Fixed(0.5)})
    names = [given.name for given in model.inputs]
    times, values = np.full((1, 2, 2), np.inf), np.zeros((1, 2, 2))
    times[0, names.index("pump.drive")] = 0.0, 1.0
    values[0, names.index("pump.drive")] = 0.0, 1.0
    x, _, _ = advanced(model, started(model), 0.4, InputSignals(times, values, np.ones(1)))
    force = x[0, 0, [variable.name for variable in model.variables].index("pump.force")]
    assert force == pytest.approx(0.4 - 0.5 + 1.5 * math.exp(-0.8), rel=1e-6)


def test_parts_of_one_step_are_fused_whatever_the_splitting() -> None:
    whole = coupled("even", {"left": Vessel, "right": Vessel}, TwoVessels.links, "strang")
    assert whole.turns == ()


def test_a_whole_that_takes_turns_is_taken_apart_in_a_larger_one() -> None:
    """Three operators; what is conserved is so over all of them."""
    model = Three({"tube.resistance": Fixed(1.0), "pair.tube.resistance": Fixed(2.0)})
    assert [operator.step for operator in model.operators] == [0.08, 0.04, 0.01]
    assert [(turn.operator, turn.pieces) for turn in model.turns] == [(2, 4), (1, 1), (0, 1), (1, 1), (2, 4)]
    x = started(model)
    names = [q.name for q in model.quantities]
    before = dict(zip(names, model.observe(x, 0.0, NO_INPUTS)[0, 0], strict=True))
    x, _, residual = advanced(model, x, 10.0, NO_INPUTS)
    after = dict(zip(names, model.observe(x, 0.0, NO_INPUTS)[0, 0], strict=True))
    volumes = [name for name in names if name.endswith(".volume")]
    assert sum(after[v] for v in volumes) == pytest.approx(sum(before[v] for v in volumes), rel=1e-13)
    assert residual[0] < 1e-13


def test_both_splittings_end_with_the_shortest_step() -> None:
    assert [turn[:3] for turn in turns([1.0, 0.1], 1.0, "strang")] == [(1, 0.0, 0.5), (0, 0.0, 1.0), (1, 0.5, 1.0)]
    assert [turn[:3] for turn in turns([1.0, 0.1], 1.0, "gauss-seidel")] == [(0, 0.0, 1.0), (1, 0.0, 1.0)]


@pytest.mark.parametrize(
    ("splitting", "exchange", "says"),
    [
        ("strung", 0.0, "expected a splitting of gauss-seidel or strang, got 'strung'"),
        ("strang", 0.1, "part 'slow' advances by 0.04 s, of which an exchange interval of 0.1 s has 2.5"),
        ("", 0.1, "an exchange interval without a splitting"),
    ],
)
def test_what_does_not_fit_is_refused(splitting: str, exchange: float, says: str) -> None:
    with pytest.raises(ModelError, match=says.replace(".", r"\.")) as error:
        coupled("wrong", {"slow": SlowVessel, "quick": Vessel}, (), splitting, exchange)
    assert error.value.remedy


def test_the_steps_are_part_of_what_a_model_is() -> None:
    parts: dict[str, type[OdeModel]] = {"slow": SlowVessel, "quick": Vessel}
    kinds = [coupled("told", parts, (), *given) for given in (("strang",), ("gauss-seidel",), ("strang", 0.08), ())]
    assert len({kind().fingerprint for kind in kinds}) == len(kinds)
