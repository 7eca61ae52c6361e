"""A simulated district-heating pipe: water and steel wall under insulation, by the method of characteristics.

Water moves along its characteristics: the pipe is cut into cells of equal mass, and time into steps in each of which
exactly one cell of water flows in (Courant number 1), so a front travels without numerical diffusion at any flow. In
between, water and wall of a cell exchange heat and the wall loses some to the surroundings: a linear pair of equations,
solved exactly over the step. Half an exchange, the shift, half an exchange (Strang splitting) is of second order.

The default dimensions are those of the test rig of the University of Liege: van der Heijde et al., Dynamic
equation-based thermo-hydraulic pipe model for district heating and cooling systems. Energy Conversion and Management
151 (2017) 158-169.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from twin_runtime.core import SECOND, FloatArray
from twin_simulators.asset import Asset, Signal, Simulation, Truth, sample_times

WATER_DENSITY = 997.0
"""kg/m3 at 25 degC."""
WATER_HEAT_CAPACITY = 4180.0
"""J/kg/K."""
LONGEST_STEP = 60.0
"""Seconds. A flow so low that a cell takes longer to fill is outside of what this method is meant for."""


class Pipe(Asset):
    """A pipe that hot water enters. Signals, at the same times: ``inlet`` and ``outlet`` (degC) and ``flow`` (kg/s)."""

    length: float = Field(39.0, gt=0, description="length [m]")
    inner_diameter: float = Field(0.05248, gt=0, description="inner diameter of the wall [m]")
    outer_diameter: float = Field(0.0603, gt=0, description="outer diameter of the wall [m]")
    wall_density: float = Field(7800.0, gt=0, description="density of the wall [kg/m3]")
    wall_heat_capacity: float = Field(480.0, gt=0, description="heat capacity of the wall [J/kg/K]")
    insulation: float = Field(0.013, ge=0, description="thickness of the insulation [m]")
    insulation_conductivity: float = Field(0.04, gt=0, description="conductivity of the insulation [W/m/K]")
    outer_film: float = Field(5.0, gt=0, description="heat transfer from the insulation to the air [W/m2/K]")
    inner_film: float = Field(3000.0, gt=0, description="heat transfer from the water to the wall [W/m2/K]")
    ambient: float = Field(18.0, description="temperature of the surroundings [degC]")
    start: float = Field(18.0, description="temperature of water and wall at the start [degC]")
    inlet: float = Field(50.0, description="temperature of the hot water [degC]")
    front_at: float = Field(30.0, ge=0, description="when the hot water starts to come [s]")
    front_time: float = Field(3.0, ge=0, description="time constant of the change at the inlet, 0: a step [s]")
    flow: float = Field(1.2, gt=0, description="mean mass flow [kg/s]")
    flow_swing: float = Field(0.03, ge=0, le=0.5, description="slow swing of the flow, as a share of it")
    sample_period: float = Field(3.0, gt=0, description="time between two samples [s]")
    cells: int = Field(400, ge=2, description="cells along the pipe")

    @model_validator(mode="after")
    def _water_moves(self) -> Self:
        slowest = self.flow * (1 - self.flow_swing)
        if _cell_mass(self) > LONGEST_STEP * slowest:
            raise ValueError(
                f"at {slowest:.3g} kg/s a cell takes longer than {LONGEST_STEP} s to fill; take more cells"
            )
        return self

    def simulate(self, duration: float, seed: int) -> Simulation:
        """Run for ``duration`` seconds. The truth is given at each sample."""
        forcing = _Forcing(self, phase=np.random.default_rng([seed, 3]).uniform(0, 1))
        history = _march(self, forcing, duration)
        times = sample_times(duration, round(self.sample_period * SECOND))
        seconds = times / SECOND
        inlet, flow = forcing.inlet(seconds), forcing.flow(seconds)
        outlet, wall, loss = (np.interp(seconds, history.seconds, column) for column in history[1:])
        signals = (
            Signal("inlet", "degC", times, inlet),
            Signal("flow", "kg/s", times, flow),
            Signal("outlet", "degC", times, outlet),
        )
        units = {"inlet": "degC", "flow": "kg/s", "outlet": "degC", "wall_outlet": "degC", "heat_loss": "W"}
        columns = (inlet, flow, outlet, wall, loss)
        return Simulation(signals, Truth(seconds, dict(zip(units, columns, strict=True)), units))


class _History(NamedTuple):
    """What is recorded in the middle of each step.

    Time (s), temperatures (degC) of the water that leaves and of the wall there, heat that the whole pipe loses (W).
    """

    seconds: FloatArray
    outlet: FloatArray
    wall_outlet: FloatArray
    heat_loss: FloatArray


@dataclass(frozen=True, slots=True)
class _Forcing:
    """What acts on the pipe: a front at the inlet, and a flow that swings slowly."""

    pipe: Pipe
    phase: float

    def inlet(self, seconds: FloatArray) -> FloatArray:
        """Temperature of the water that enters, degC."""
        since = np.maximum(seconds - self.pipe.front_at, 0.0)
        shape = 1 - np.exp(-since / self.pipe.front_time) if self.pipe.front_time else seconds >= self.pipe.front_at
        return self.pipe.start + (self.pipe.inlet - self.pipe.start) * np.asarray(shape, float)

    def flow(self, seconds: FloatArray) -> FloatArray:
        """Mass flow, kg/s: two slow waves without a common period."""
        waves = np.sin(2 * np.pi * (seconds / 47 + self.phase)) + np.sin(2 * np.pi * (seconds / 173 + 2 * self.phase))
        return self.pipe.flow * (1 + self.pipe.flow_swing / 2 * waves)


def _march(pipe: Pipe, forcing: _Forcing, duration: float) -> _History:
    """Step through the run, one cell of water at a time."""
    moments = _moments(pipe, forcing, duration)
    entering = forcing.inlet((moments[1:] + moments[:-1]) / 2)
    water, wall = np.full((2, pipe.cells), pipe.start)
    rows = []
    for begin, step, incoming in zip(moments, np.diff(moments), entering, strict=False):
        exchange = _exchange(pipe, step / 2)
        water, wall = _apply(exchange, pipe.ambient, water, wall)
        rows.append((begin + step / 2, water[-1], wall[-1], _loss(pipe, wall)))
        water = np.concatenate([[incoming], water[:-1]])
        water, wall = _apply(exchange, pipe.ambient, water, wall)
    return _History(*np.array(rows).T)


def _moments(pipe: Pipe, forcing: _Forcing, duration: float) -> FloatArray:
    """When each next cell of water has come in: the cumulated flow, inverted."""
    cell_mass = _cell_mass(pipe)
    fine = np.arange(0.0, duration + LONGEST_STEP * 2, cell_mass / pipe.flow / 4)
    flow = forcing.flow(fine)
    mass = np.concatenate([[0.0], np.cumsum((flow[1:] + flow[:-1]) / 2 * np.diff(fine))])
    return np.asarray(np.interp(np.arange(0.0, mass[-1], cell_mass), mass, fine))


def _exchange(pipe: Pipe, step: float) -> FloatArray:
    """The exact map over ``step`` seconds of (water - ambient, wall - ambient) in a cell, a 2 x 2 matrix exponential.

    With the eigenvalues m + s and m - s of A, exp(A t) = exp(m t) (cosh(s t) I + sinh(s t) / s (A - m I)).
    """
    water_capacity, wall_capacity = _capacities(pipe)
    film = pipe.inner_film * np.pi * pipe.inner_diameter
    rate = np.array([[-film / water_capacity, film / water_capacity],
                     [film / wall_capacity, -(film + _loss_coefficient(pipe)) / wall_capacity]])  # fmt: skip
    middle = np.trace(rate) / 2
    split = np.sqrt(middle**2 - np.linalg.det(rate))
    slow, fast = np.exp((middle + split) * step), np.exp((middle - split) * step)
    return np.asarray((slow + fast) / 2 * np.eye(2) + (slow - fast) / 2 / split * (rate - middle * np.eye(2)))


def _apply(exchange: FloatArray, ambient: float, water: FloatArray, wall: FloatArray) -> tuple[FloatArray, FloatArray]:
    after = ambient + exchange @ np.stack([water - ambient, wall - ambient])
    return after[0], after[1]


def _loss(pipe: Pipe, wall: FloatArray) -> float:
    """Heat that the whole wall loses, W."""
    return float(_loss_coefficient(pipe) * pipe.length * np.mean(wall - pipe.ambient))


def _loss_coefficient(pipe: Pipe) -> float:
    """From the wall through insulation and air film, W/m/K of pipe."""
    outside = pipe.outer_diameter + 2 * pipe.insulation
    through_insulation = np.log(outside / pipe.outer_diameter) / (2 * np.pi * pipe.insulation_conductivity)
    return float(1 / (through_insulation + 1 / (pipe.outer_film * np.pi * outside)))


def _capacities(pipe: Pipe) -> tuple[float, float]:
    """Heat capacity of water and of wall, J/K/m of pipe."""
    wall_area = np.pi / 4 * (pipe.outer_diameter**2 - pipe.inner_diameter**2)
    water = WATER_DENSITY * WATER_HEAT_CAPACITY * _water_area(pipe)
    return water, float(pipe.wall_density * pipe.wall_heat_capacity * wall_area)


def _cell_mass(pipe: Pipe) -> float:
    """Water in one cell, kg."""
    return WATER_DENSITY * _water_area(pipe) * pipe.length / pipe.cells


def _water_area(pipe: Pipe) -> float:
    return float(np.pi / 4 * pipe.inner_diameter**2)
