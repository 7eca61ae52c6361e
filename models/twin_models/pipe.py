"""A hot-water pipe: the water that flows through it, and the steel wall that delays and smears its fronts.

Per metre, with water T, wall W, ambient T_a, mass flow m, bore D of area A, wall heat capacity C and loss factor U:

    A rho c dT/dt + m c dT/dx = h pi D (W - T)
                      C dW/dt = h pi D (T - W) + U (T_a - W)

Without the heat capacity C (``wall=False``) this is plug flow with losses. The defaults are the test rig of the
University of Liege (van der Heijde et al. 2017, Energy Conversion and Management 151:158-169).

What is uncertain is physical, so that errors are as smooth along the pipe as the water makes them: factors on film,
loss and flow, an error of the inlet's temperature that the flow carries along, and the profile at the start. Noise of
every cell's own would be none of these, and would invite spurious corrections of distant cells.
"""

import hashlib
import inspect
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numba import njit

from twin_models import pipe_transport
from twin_models.pipe_transport import (
    Cell,
    Conditions,
    Inlet,
    Profiles,
    advance_cells,
    at_outlet,
    cell_of,
    conditions,
    stored,
)
from twin_runtime.core import FloatArray, IntArray, Quantity
from twin_runtime.errors import ModelError
from twin_runtime.modelling.model import Fingerprinted, physical, with_settings
from twin_runtime.modelling.positions import Positions, along
from twin_runtime.modelling.schedule import JUMPS, OBSERVE, SubSteps, TwinInputs, schedule, unfilled
from twin_runtime.modelling.signals import InputSignals, Points, interpolate
from twin_runtime.modelling.variables import (
    Bounded,
    Fixed,
    Input,
    Normal,
    Output,
    Parameter,
    Prior,
    Shape,
    State,
    Variable,
)

LONGEST_STEP, COURANT = 1.0, 0.9
"""A sub-step is at most this long, in seconds, and at most this share of the time in which a cell fills."""
INLET_MEMORY = 5.0
"""How long an error of the inlet's temperature lasts, in seconds: about from sample to sample."""

FILM, LOSS, FLOW, AMBIENT, RISE, ERROR, FILLED, CELLS = range(8)
"""Columns of the ensemble array; from ``CELLS`` on the water's temperatures, then the wall's."""
INLET_TEMPERATURE, MASS_FLOW = range(2)
OUTLET, WALL_OUTLET, MEAN_WALL, HEAT_LOSS, HEAT_TRANSFER, OUTPUTS = range(6)


class Pace(NamedTuple):
    """Seconds of a tick, of the longest sub-step of each twin, and of the shortest of these."""

    duration: float
    steps: FloatArray
    shortest: float


class Pipe(Fingerprinted):
    """Temperatures along a pipe and the heat it loses, from inlet temperature, mass flow and outlet temperature.

    Lengths are in metres. ``wall=False`` leaves out the heat capacity of the wall. Water never flows back: a negative
    flow is taken as none.
    """

    name = "pipe"
    conserves = "energy"
    table: tuple[Variable, ...] = (
        Parameter("film_factor", "1", Bounded(0.1, 3.0, median=1.0, sd=0.6), walk=2e-3),
        Parameter("loss_factor", "1", Bounded(0.1, 5.0, median=1.0, sd=0.7), walk=2e-3),
        Parameter("flow_factor", "1", Bounded(0.9, 1.1, sd=0.5), walk=5e-3),
        Parameter("ambient", "degC", Fixed(18.0)),
        Parameter("initial_rise", "K", Normal(0.0, 5.0), corrected=False),
        State("inlet_error", "K", Normal(0.0, 0.05), walk=0.03, corrected=False),
    )
    inputs: tuple[Input, ...] = (
        Input("inlet_temperature", "degC", default=20.0, shape=Shape.LINEAR, gap=12.0),
        Input("mass_flow", "kg/s", shape=Shape.LINEAR, gap=12.0),
    )
    outputs: tuple[Output, ...] = (
        Output("outlet_temperature", "degC"),
        Output("wall_outlet_temperature", "degC"),
        Output("mean_wall_temperature", "degC"),
        Output("heat_loss", "W"),
        Output("heat_transfer", "W"),
    )

    def __init__(
        self,
        wall: bool = True,
        cells: int = 60,
        length: float = 39.0,
        diameters: tuple[float, float] = (0.05248, 0.0603),
        insulation: float = 0.013,
        *,
        priors: Mapping[str, Prior] | None = None,
        walk: Mapping[str, float] | None = None,
    ) -> None:
        if cells < 4 or not 0.0 < diameters[0] < diameters[1] or not length > 0.0 or not insulation >= 0.0:
            raise ModelError(
                f"there is no pipe {length} m long in {cells} cells, {diameters} m wide, {insulation} m of insulation",
                where="model pipe",
                remedy="give a length above 0, at least 4 cells, the inner and then the outer diameter",
            )
        self.length, self.cells = length, cells
        self.cell = cell_of(length / cells, *diameters, insulation, wall=wall)
        self.table = with_settings(self.table, priors or {}, walk or {}, "model pipe")
        filled = State("filled", "1", Fixed(0.0), corrected=False)
        places = [f"{part}_{i}" for part in ("water", "wall") for i in range(1, cells + 1)]
        self.variables = (*self.table, filled, *(State(place, "degC", Fixed(0.0)) for place in places))

    @property
    def fingerprint(self) -> str:
        """A hash of the source, the variables and the geometry."""
        parts = super().fingerprint, inspect.getsource(pipe_transport), repr(self.cell)
        return hashlib.sha256("".join(parts).encode()).hexdigest()

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The outputs, then what is uncertain, without the cells."""
        named: list[Output | Variable] = [*self.outputs, *self.table]
        return tuple(Quantity(q.name, q.unit) for q in named)

    @property
    def positions(self) -> Positions:
        """Metres from the inlet; factors, the ambient and what is summed over the pipe are nowhere."""
        middles = (np.arange(self.cells) + 0.5) * self.length / self.cells
        variables = np.concatenate([np.full(CELLS, np.nan), middles, middles])
        variables[ERROR] = 0.0
        outputs = np.full(OUTPUTS, np.nan)
        outputs[[OUTLET, WALL_OUTLET]] = self.length
        return Positions(along(variables), along(outputs))

    def advance(
        self,
        x: FloatArray,
        duration: float,
        signals: InputSignals,
        points: Points,
        predicted: FloatArray,
        residual: FloatArray,
    ) -> None:
        """Advance the ensemble in place; see :class:`twin_runtime.modelling.model.Model`."""
        given = self._given(x)
        steps = _longest_steps(given, self.cell, signals)
        pace = Pace(duration, steps, float(steps.min(initial=LONGEST_STEP)))
        _advance(x, given, self.cell, pace, signals, points, predicted, residual)

    def observe(self, x: FloatArray, duration: float, signals: InputSignals) -> FloatArray:
        """All quantities at the end of the tick, ``[twin, member, quantity]``."""
        given = self._given(x)
        values = np.empty((*x.shape[:2], OUTPUTS + FILLED))
        values[:, :, OUTPUTS:] = given
        _observe(x, given, self.cell, duration, signals, values)
        return values

    def _given(self, x: FloatArray) -> FloatArray:
        """What is uncertain, ``[twin, member, column]`` up to ``FILLED``, in its own units."""
        return physical(x[:, :, :FILLED], self.table)


@njit(cache=True, error_model="numpy")
def _longest_steps(given: FloatArray, cell: Cell, signals: InputSignals) -> FloatArray:
    """The longest sub-step of each twin, for the largest flow of any of its members."""
    steps = np.full(given.shape[0], LONGEST_STEP)
    for i in range(steps.size):
        for flow in signals.values[i, MASS_FLOW]:
            if 0.0 < flow < np.inf:
                steps[i] = min(steps[i], COURANT * cell.mass / (flow * given[i, :, FLOW].max()))
    return steps


@njit(cache=True, error_model="numpy")
def _advance(
    x: FloatArray,
    given: FloatArray,
    cell: Cell,
    pace: Pace,
    signals: InputSignals,
    points: Points,
    predicted: FloatArray,
    residual: FloatArray,
) -> None:
    # Shorter steps would smear fronts: the flow is sharpest near a Courant number of 1.
    room = unfilled(pace.shortest, pace.duration, signals, points)
    at_jumps = np.full(2, JUMPS)
    for i in range(x.shape[0]):
        inputs = TwinInputs(signals.times[i], signals.values[i], at_jumps)
        steps = schedule(pace.steps[i], pace.duration, inputs, points.times[i], room)
        first = _first(inputs.times[INLET_TEMPERATURE], inputs.values[INLET_TEMPERATURE])
        residual[i] = 0.0
        for j in range(x.shape[1]):
            if x[i, j, FILLED] == 0.0:
                _fill(x[i, j], first, given[i, j, RISE])
            imbalance = _march(x[i, j], given[i, j], cell, steps, points.outputs[i], predicted[i, j])
            residual[i] = max(residual[i], imbalance)


@njit(cache=True, error_model="numpy")
def _march(
    row: FloatArray, member: FloatArray, cell: Cell, steps: SubSteps, observed: IntArray, predicted: FloatArray
) -> float:
    """Advance one member through a tick; returns the heat that is unaccounted for, as a share of what is stored."""
    profiles = _profiles(row)
    faces, outputs = np.empty(profiles.water.size + 1), np.empty(OUTPUTS)
    before, gained = stored(profiles, cell), 0.0
    for s, length in enumerate(steps.lengths):
        if length > 0.0:
            acting = _acting(cell, member, steps.nodes[s, MASS_FLOW, 1])
            inlet = steps.nodes[s, INLET_TEMPERATURE] + member[ERROR]
            gained += advance_cells(profiles, cell, acting, Inlet(inlet[0], inlet[1]), length, faces)
            member[ERROR] *= math.exp(-length / INLET_MEMORY)
        if steps.actions[s] >= OBSERVE:
            reading = steps.actions[s] - OBSERVE
            _outputs(profiles, cell, _acting(cell, member, steps.nodes[s, MASS_FLOW, 2]), outputs)
            predicted[reading] = outputs[observed[reading]]
    row[ERROR] = member[ERROR]
    after = stored(profiles, cell)
    return abs(after - before - gained) / max(abs(after), profiles.water.size * (cell.water + cell.wall))


@njit(cache=True, error_model="numpy")
def _profiles(row: FloatArray) -> Profiles:
    """Views of the temperatures of water and wall."""
    cells = (row.size - CELLS) // 2
    return Profiles(row[CELLS : CELLS + cells], row[CELLS + cells :])


@njit(cache=True, error_model="numpy")
def _acting(cell: Cell, member: FloatArray, mass_flow: float) -> Conditions:
    return conditions(cell, max(mass_flow, 0.0) * member[FLOW], member[FILM], member[LOSS], member[AMBIENT])


@njit(cache=True, error_model="numpy")
def _first(times: FloatArray, values: FloatArray) -> float:
    """What a signal is at the start of the tick, or at its first sample if that comes later."""
    moment = 0.0
    for time in times:
        if 0.0 < time < np.inf:
            moment = time
        if time > -np.inf:
            break
    return interpolate(times, values, moment)


@njit(cache=True, error_model="numpy")
def _fill(row: FloatArray, inlet: float, rise: float) -> None:
    """The profile at the start: from the inlet's temperature it rises evenly to the outlet's; the wall is as warm."""
    water, wall = _profiles(row)
    for k in range(water.size):
        water[k] = wall[k] = inlet + rise * (k + 0.5) / water.size
    row[FILLED] = 1.0


@njit(cache=True, error_model="numpy")
def _outputs(profiles: Profiles, cell: Cell, acting: Conditions, out: FloatArray) -> None:
    water, wall = profiles
    out[OUTLET] = at_outlet(water)
    out[WALL_OUTLET] = at_outlet(wall)
    out[MEAN_WALL] = wall.sum() / wall.size
    out[HEAT_LOSS] = acting.loss * (wall.sum() - wall.size * acting.ambient)
    out[HEAT_TRANSFER] = acting.film * (water.sum() - wall.sum()) if cell.wall > 0.0 else out[HEAT_LOSS]


@njit(cache=True, error_model="numpy")
def _observe(
    x: FloatArray, given: FloatArray, cell: Cell, moment: float, signals: InputSignals, out: FloatArray
) -> None:
    for i in range(x.shape[0]):
        mass_flow = interpolate(signals.times[i, MASS_FLOW], signals.values[i, MASS_FLOW], moment)
        for j in range(x.shape[1]):
            _outputs(_profiles(x[i, j]), cell, _acting(cell, given[i, j], mass_flow), out[i, j])
