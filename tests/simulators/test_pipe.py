"""The simulated pipe against closed forms: Schumann's front, the steady profile, the balance of heat."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.integrate import quad
from scipy.special import i0e

from twin_runtime.core import FloatArray
from twin_simulators.pipe import WATER_DENSITY, WATER_HEAT_CAPACITY, Pipe

RIG = Pipe(flow_swing=0.0, front_time=0.0, sample_period=0.5, cells=800)
NO_LOSS = 1e-12
"""W/m2/K of outer film: as good as perfectly insulated."""


def rig(**changes: float) -> Pipe:
    return RIG.model_copy(update=changes)


def outlet(pipe: Pipe, duration: float = 400) -> tuple[FloatArray, FloatArray]:
    truth = pipe.simulate(duration, seed=1).truth
    return truth.times, truth.values["outlet"]


def crossing_mass(pipe: Pipe, duration: float) -> float:
    """Water that has flowed in between the front at the inlet and half of the front at the outlet, kg."""
    times, temperature = outlet(pipe, duration)
    half = (pipe.start + temperature[-1]) / 2
    return float(pipe.flow * (np.interp(half, temperature, times) - pipe.front_at))


def schumann(pipe: Pipe, seconds: FloatArray) -> FloatArray:
    """Water that leaves after a step at the inlet, without loss: Schumann, J Franklin Inst 208 (1929) 405-416."""
    film = pipe.inner_film * np.pi * pipe.inner_diameter
    water = WATER_DENSITY * np.pi / 4 * pipe.inner_diameter**2
    wall = pipe.wall_density * pipe.wall_heat_capacity * np.pi / 4 * (pipe.outer_diameter**2 - pipe.inner_diameter**2)
    place = film * pipe.length / (pipe.flow * WATER_HEAT_CAPACITY)
    times = film / wall * (seconds - pipe.front_at - water * pipe.length / pipe.flow)

    def cold(time: float) -> float:
        def spread(s: float) -> float:
            return float(np.exp(-((np.sqrt(s) - np.sqrt(time)) ** 2)) * i0e(2 * np.sqrt(s * time)))

        return float(quad(spread, 0, place)[0]) if time > 0 else 1.0

    return np.array([pipe.inlet - (pipe.inlet - pipe.start) * cold(time) for time in times])


@pytest.mark.parametrize("film", [500.0, 3000.0])
def test_a_step_leaves_the_pipe_as_schumann_found(film: float) -> None:
    pipe = rig(inner_film=film, outer_film=NO_LOSS)
    times, temperature = outlet(pipe, 250)
    away_from_the_jump = np.abs(times - pipe.front_at - 70.1) > 1.0
    expected = schumann(pipe, times)
    np.testing.assert_allclose(temperature[away_from_the_jump], expected[away_from_the_jump], atol=0.05)


def test_the_wall_delays_the_front_by_its_heat_capacity() -> None:
    """Plug flow without the wall holds 84.4 kg of water; the wall's heat makes it 108.7 kg."""
    assert crossing_mass(rig(wall_heat_capacity=1e-3), 200) == pytest.approx(84.4, rel=0.01)
    assert crossing_mass(rig(inner_film=30_000.0), 200) == pytest.approx(108.7, rel=0.01)


def test_the_outlet_settles_at_the_steady_profile() -> None:
    pipe = rig(flow=0.25)
    _, temperature = outlet(pipe, 2500)
    resistance = np.log(0.0863 / 0.0603) / (2 * np.pi * 0.04) + 1 / (5 * np.pi * 0.0863)
    film = pipe.inner_film * np.pi * pipe.inner_diameter
    through = 1 / (resistance + 1 / film)
    expected = 18 + 32 * np.exp(-through * pipe.length / (pipe.flow * WATER_HEAT_CAPACITY))
    assert temperature[-1] == pytest.approx(expected, abs=1e-3)


def test_heat_that_enters_is_stored_lost_or_leaves() -> None:
    pipe = rig(inlet=70.0, outer_film=500.0, insulation_conductivity=5.0)
    truth = pipe.simulate(1500, seed=1).truth
    entered = pipe.flow * WATER_HEAT_CAPACITY * (truth.values["inlet"] - truth.values["outlet"])
    steady = truth.times > 1000
    assert truth.values["heat_loss"][-1] > 5000
    np.testing.assert_allclose(entered[steady], truth.values["heat_loss"][steady], rtol=1e-3)


def test_the_method_converges_with_the_cells() -> None:
    coarse, fine = (outlet(Pipe(cells=cells), 300)[1] for cells in (200, 800))
    np.testing.assert_allclose(coarse, fine, atol=0.05)


def test_the_same_seed_runs_the_same_and_another_swings_otherwise() -> None:
    first, again, other = (Pipe().simulate(100, seed).signals for seed in (1, 1, 2))
    np.testing.assert_array_equal(first[2].values, again[2].values)
    assert not np.array_equal(first[1].values, other[1].values)


def test_water_that_hardly_moves_is_refused() -> None:
    with pytest.raises(ValidationError, match="take more cells"):
        Pipe(flow=0.003)
