"""The pipe against closed forms, against itself on finer grids, and against an independent simulation."""

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.models.pipes import NOMINAL, Signal, constant, nominal, run, step
from twin_models import pipe_transport as transport
from twin_models.pipe import Pipe
from twin_runtime.core import SECOND, FloatArray
from twin_runtime.errors import ModelError
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.physics import plain
from twin_runtime.modelling.variables import Prior
from twin_runtime.testing import ModelTests
from twin_simulators.pipe import Pipe as SimulatedPipe

LENGTH, BORE, OUTER, AMBIENT = 39.0, 0.05248, 0.0603, 18.0
WATER = transport.DENSITY * math.pi / 4.0 * BORE**2
"""Mass of water, kg/m."""
WALL = 7800.0 * 480.0 * math.pi / 4.0 * (OUTER**2 - BORE**2)
"""Heat capacity of the wall, J/m/K."""
HALF_A_CELL = WATER * LENGTH / 60 / 2
"""Water in half a cell, kg: a step is resolved no sharper."""
LOSS = 1.0 / (math.log(0.0863 / OUTER) / (2.0 * math.pi * 0.04) + 1.0 / (5.0 * math.pi * 0.0863))
"""From the wall to the surroundings, W/m/K: 13 mm of insulation and an air film."""


class TestPipe(ModelTests):
    inputs = MappingProxyType({"inlet_temperature": (20.0, 60.0), "mass_flow": (0.1, 1.5)})
    tolerance = 1e-3

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Pipe(priors=priors)


class TestPipeWithoutAWall(TestPipe):
    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Pipe(wall=False, cells=20, priors=priors)


def delayed_mass(pipe: Pipe, flow: float) -> float:
    """Water that flows in between half of a front at the inlet and half of it at the outlet, kg."""
    ran = run(pipe, step(20.0, 50.0), constant(flow), 10.0 + 250.0 / flow)
    return flow * (ran.crossing(35.0) - 10.0)


@pytest.mark.parametrize("flow", [0.25, 0.6, 1.6])
class TestFront:
    def test_without_a_wall_it_comes_when_the_water_in_the_pipe_has_left(self, flow: float) -> None:
        delay = delayed_mass(nominal(wall=False, loss_factor=0.0), flow)
        assert delay == pytest.approx(WATER * LENGTH, abs=HALF_A_CELL)
        assert delay == pytest.approx(84.4, rel=0.015)

    def test_a_wall_that_follows_at_once_delays_it_by_its_heat_capacity(self, flow: float) -> None:
        delay = delayed_mass(nominal(film_factor=50.0, loss_factor=0.0), flow)
        both = WATER * LENGTH * (1.0 + WALL / (WATER * transport.HEAT_CAPACITY))
        assert delay == pytest.approx(both, abs=HALF_A_CELL)
        assert delay == pytest.approx(108.7, rel=0.015)

    @pytest.mark.parametrize("wall", [True, False])
    def test_it_never_overshoots(self, flow: float, wall: bool) -> None:
        outlet = run(nominal(wall, loss_factor=0.0), step(20.0, 50.0), constant(flow), 10.0 + 250.0 / flow)
        temperatures = outlet.quantities["outlet_temperature"]
        assert np.diff(temperatures).min() > -1e-3
        assert temperatures.min() > 20.0 - 1e-3
        assert temperatures.max() < 50.0 + 1e-3


@pytest.mark.parametrize("wall", [True, False])
@pytest.mark.parametrize("flow", [0.05, 0.25, 1.2])
def test_the_outlet_settles_at_the_closed_form(wall: bool, flow: float) -> None:
    pipe = nominal(wall, loss_factor=3.0)
    ran = run(pipe, constant(60.0), constant(flow), 600.0 / flow, tick=5.0)
    film = plain(transport.film_coefficient)(
        flow, BORE, transport.VISCOSITY, transport.CONDUCTIVITY, transport.HEAT_CAPACITY
    )
    through = 1.0 / (1.0 / (film * math.pi * BORE) + 1.0 / (3.0 * LOSS))
    left = math.exp(-through * LENGTH / (flow * transport.HEAT_CAPACITY))
    assert ran.quantities["outlet_temperature"][-1] == pytest.approx(AMBIENT + (60.0 - AMBIENT) * left, abs=1e-3)
    carried = flow * transport.HEAT_CAPACITY * (60.0 - ran.quantities["outlet_temperature"][-1])
    assert ran.quantities["heat_loss"][-1] == pytest.approx(carried, rel=1e-3)
    assert ran.quantities["heat_transfer"][-1] == pytest.approx(carried, rel=1e-3)


def smooth_front(seconds: FloatArray) -> FloatArray:
    return np.asarray(20.0 + 15.0 * (1.0 - np.cos(np.pi * np.clip((seconds - 10.0) / 60.0, 0.0, 1.0))))


@pytest.mark.parametrize("wall", [True, False])
def test_the_error_falls_with_the_square_of_the_cells(wall: bool) -> None:
    seconds = np.arange(0.0, 250.0, 0.5)
    inlet = Signal(seconds, smooth_front(seconds))

    def outlet(cells: int) -> FloatArray:
        return run(nominal(wall, cells), inlet, constant(0.8), 240.0).quantities["outlet_temperature"]

    finest = outlet(640)
    errors = [float(np.sqrt(np.mean((outlet(cells) - finest) ** 2))) for cells in (40, 80, 160)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders.min() > 1.6
    assert errors[0] < 0.05


class TestHeat:
    """Heat is neither made nor lost: what flows in leaves, is stored, or goes to the surroundings."""

    @settings(max_examples=30, deadline=None)
    @given(
        inlet=st.lists(st.floats(0.0, 100.0), min_size=5, max_size=5),
        flow=st.lists(st.floats(-0.5, 5.0), min_size=5, max_size=5),
        factors=st.tuples(st.floats(0.1, 10.0), st.floats(0.0, 20.0), st.floats(0.5, 2.0)),
        wall=st.booleans(),
    )
    def test_its_balance_closes_to_rounding(
        self, inlet: list[float], flow: list[float], factors: tuple[float, float, float], wall: bool
    ) -> None:
        pipe = nominal(wall, 12, **dict(zip(("film_factor", "loss_factor", "flow_factor"), factors, strict=True)))
        knots = np.linspace(0.0, 12.0, 5)
        ran = run(pipe, Signal(knots, np.array(inlet)), Signal(knots, np.array(flow)), 12.0)
        assert ran.residual < 1e-12
        assert np.isfinite(ran.quantities["outlet_temperature"]).all()

    def test_what_the_outlet_and_the_loss_leave_is_stored(self) -> None:
        """The balance once more from outside, from what the pipe publishes."""
        flow, entering = 0.6, 60.0
        ran = run(nominal(), step(20.0, entering), constant(flow), 400.0, tick=0.25)
        leaving, lost = ran.quantities["outlet_temperature"], ran.quantities["heat_loss"]
        inlet = np.where(ran.seconds > 10.0, entering, 20.0)
        gained = np.sum(flow * transport.HEAT_CAPACITY * (inlet - leaving) - lost) * 0.25
        per_kelvin = LENGTH * (WATER * transport.HEAT_CAPACITY + WALL)
        rise = ran.quantities["mean_wall_temperature"][-1] - 20.0
        assert gained == pytest.approx(per_kelvin * rise, rel=5e-3)

    @pytest.mark.parametrize("begin", [10.05, 10.31, 10.7])
    def test_an_interpolated_pulse_shorter_than_a_step_is_delivered_whole(self, begin: float) -> None:
        """Of 50 K for a fifth of a second, within a step of a second: it all comes out again."""
        pulse = Signal(np.array([0.0, begin, begin + 0.1, begin + 0.2]), np.array([20.0, 20.0, 70.0, 20.0]))
        pipe = nominal(wall=False, loss_factor=0.0)
        outlets = [
            run(pipe, inlet, constant(0.3), 500.0).quantities["outlet_temperature"] for inlet in (pulse, constant(20.0))
        ]
        assert np.sum(outlets[0] - outlets[1]) == pytest.approx(50.0 * 0.1, rel=1e-3)

    def test_water_that_stands_cools_down_to_its_surroundings(self) -> None:
        ran = run(nominal(), constant(60.0), constant(-1.0), 40_000.0, tick=40.0)
        wall = ran.quantities["mean_wall_temperature"]
        rate = LOSS / (WATER * transport.HEAT_CAPACITY + WALL)
        assert wall[500] == pytest.approx(AMBIENT + 42.0 * math.exp(-rate * ran.seconds[500]), abs=0.2)
        assert ran.residual < 1e-12


def test_it_agrees_with_a_simulation_by_characteristics() -> None:
    """The simulator's water is 0.5 % heavier: at the steepest of the front that is 0.4 K."""
    simulated = SimulatedPipe(flow_swing=0.0, sample_period=1.0, flow=0.8, front_time=5.0)
    simulation = simulated.simulate(300.0, seed=1)
    inlet, flow, _ = (Signal(sent.times / SECOND, sent.values) for sent in simulation.signals)
    nusselt_film = plain(transport.film_coefficient)(
        0.8, BORE, transport.VISCOSITY, transport.CONDUCTIVITY, transport.HEAT_CAPACITY
    )
    ran = run(nominal(film_factor=simulated.inner_film / nusselt_film), inlet, flow, 299.0)
    for ours, theirs, tolerance in (
        ("outlet_temperature", "outlet", 0.4),
        ("wall_outlet_temperature", "wall_outlet", 0.4),
        ("heat_loss", "heat_loss", 3.0),
    ):
        truth = np.interp(ran.seconds, simulation.truth.times, simulation.truth.values[theirs])
        np.testing.assert_allclose(ran.quantities[ours], truth, atol=tolerance)


def test_the_film_is_close_to_dittus_and_boelter() -> None:
    """Nu = 0.023 Re^0.8 Pr^0.4, an independent correlation, for turbulent water that is heated."""
    prandtl = transport.VISCOSITY * transport.HEAT_CAPACITY / transport.CONDUCTIVITY
    for flow in (0.4, 0.8, 1.6):
        reynolds = 4.0 * flow / (math.pi * BORE * transport.VISCOSITY)
        expected = 0.023 * reynolds**0.8 * prandtl**0.4 * transport.CONDUCTIVITY / BORE
        ours = transport.film_coefficient(
            flow, BORE, transport.VISCOSITY, transport.CONDUCTIVITY, transport.HEAT_CAPACITY
        )
        assert ours == pytest.approx(expected, rel=0.15)


def test_the_units_of_film_and_loss_check_out() -> None:
    from pint import UnitRegistry

    units: UnitRegistry[float] = UnitRegistry()
    amounts = (0.8, "kg/s"), (BORE, "m"), (transport.VISCOSITY, "Pa*s"), (transport.CONDUCTIVITY, "W/m/K")
    heat_capacity = transport.HEAT_CAPACITY * units("J/kg/K")
    given = [(size * units(unit)).to_base_units() for size, unit in amounts] + [heat_capacity.to_base_units()]
    film = plain(transport.film_coefficient)(*given)
    assert film.to("W/m^2/K").magnitude == pytest.approx(2064.0, rel=1e-3)
    loss = plain(transport.loss_coefficient)(
        OUTER * units("m"), 0.013 * units("m"), 0.04 * units("W/m/K"), 5.0 * units("W/m^2/K")
    )
    assert loss.to("W/m/K").magnitude == pytest.approx(LOSS)


def test_the_first_sample_of_the_inlet_fills_the_pipe() -> None:
    late = Signal(np.array([-np.inf, 0.4, 0.4]), np.array([20.0, 20.0, 45.0]))
    ran = run(nominal(loss_factor=0.0), late, constant(0.0), 3.0)
    np.testing.assert_allclose(ran.quantities["mean_wall_temperature"], 45.0)


def test_other_pipes_are_other_models() -> None:
    pipes = (Pipe(), Pipe(wall=False), Pipe(length=40.0), Pipe(cells=61), Pipe(insulation=0.0), Pipe(priors=NOMINAL))
    assert len({pipe.fingerprint for pipe in pipes}) == len(pipes)


@pytest.mark.parametrize(
    "wrong", [{"cells": 3}, {"length": 0.0}, {"diameters": (0.06, 0.05)}, {"insulation": -1e-3}], ids=str
)
def test_a_pipe_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="there is no pipe"):
        Pipe(**wrong)  # type: ignore[arg-type]
