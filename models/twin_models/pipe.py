"""A buried or insulated hot-water pipe: the water that flows through it, and the steel wall that delays and smears its fronts.

Per metre of pipe, with water T, wall W, ambient T_a, mass flow m, bore D of area A, wall heat capacity C and loss coefficient U:

    A rho c dT/dt + m c dT/dx = h pi D (W - T)
                      C dW/dt = h pi D (T - W) + U (T_a - W)

The film coefficient h follows Gnielinski 1976 (Int Chem Eng 16:359-368). Without the wall's heat capacity (``wall=False``) this is plug
flow with losses. The defaults are the test rig of the University of Liege (van der Heijde et al. 2017, Energy Conversion and
Management 151:158-169).

What is uncertain is physical, and so the errors it makes are smooth along the pipe: factors on film, loss and flow, the error of
the inlet's temperature, which the flow carries along, and the profile in the pipe at the start. Independent noise on every cell
would be none of these, would be smeared out by the flow, and would invite spurious correlations with distant cells.
"""

import hashlib
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numba import njit

from twin_runtime.core import FloatArray, IntArray, Quantity
from twin_runtime.errors import ModelError
from twin_runtime.modelling.drive import Drive, Watch, interpolate, schedule, schedule_length
from twin_runtime.modelling.model import Fingerprinted, physical, with_settings
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Bounded, Fixed, Input, Normal, Output, Parameter, Prior, Shape, State

DENSITY, HEAT_CAPACITY, CONDUCTIVITY, VISCOSITY = 992.2, 4179.0, 0.631, 6.53e-4
"""Water at 40 degC and 1 bar (IAPWS-95): kg/m3, J/kg/K, W/m/K, Pa s."""
STEEL = 7800.0 * 480.0
"""Heat capacity of steel, J/m3/K."""
INSULATION_CONDUCTIVITY, OUTER_FILM = 0.04, 5.0
"""W/m/K of the insulation, W/m2/K from its surface to the air."""
LONGEST_STEP, COURANT = 1.0, 0.9
"""A sub-step is never longer than this, in seconds, nor than this share of the time in which a cell is filled."""
INLET_MEMORY = 20.0
"""For how long the inlet's error lasts, in seconds."""

FILM, LOSS, FLOW, AMBIENT, RISE, ERROR, FILLED, CELLS = range(8)
"""Columns of the ensemble array; from ``CELLS`` on the water's temperatures, then the wall's."""
INLET_TEMPERATURE, MASS_FLOW = range(2)
OUTLET, WALL_OUTLET, MEAN_WALL, HEAT_LOSS, HEAT_TRANSFER = range(5)


@physics
def film_coefficient(mass_flow, bore, viscosity, conductivity, heat_capacity):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Heat transfer from water to wall per area and kelvin: Gnielinski 1976, and 3.66 in laminar flow."""
    reynolds = max(4.0 * mass_flow / (math.pi * bore * viscosity), 1000.0)
    prandtl = viscosity * heat_capacity / conductivity
    friction = (0.790 * math.log(reynolds) - 1.64) ** -2 / 8.0
    turbulent = friction * (reynolds - 1000.0) * prandtl / (1.0 + 12.7 * friction**0.5 * (prandtl ** (2 / 3) - 1.0))
    return max(turbulent, 3.66) * conductivity / bore


@physics
def loss_coefficient(outer_diameter, insulation, conductivity, film):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Heat loss through insulation and air film per length and kelvin."""
    surface = outer_diameter + 2.0 * insulation
    through_insulation = math.log(surface / outer_diameter) / (2.0 * math.pi * conductivity)
    return 1.0 / (through_insulation + 1.0 / (math.pi * surface * film))


class Cell(NamedTuple):
    """One cell of the pipe: water in kg, heat capacities of water and wall in J/K, loss in W/K, wetted area in m2, bore in m."""

    mass: float
    water: float
    wall: float
    loss: float
    area: float
    bore: float


class Pipe(Fingerprinted):
    """Temperatures along a pipe and the heat it loses, from inlet temperature, mass flow and outlet temperature.

    Lengths in metres. ``wall=False`` leaves out the heat capacity of the wall.
    """

    name = "pipe"
    conserves = "energy"
    table = (
        Parameter("film_factor", "1", Bounded(0.1, 3.0, median=1.0, sd=0.6), walk=2e-3),
        Parameter("loss_factor", "1", Bounded(0.1, 5.0, median=1.0, sd=0.7), walk=2e-3),
        Parameter("flow_factor", "1", Bounded(0.9, 1.1, sd=0.5)),
        Parameter("ambient", "degC", Fixed(18.0)),
        Parameter("initial_rise", "K", Normal(0.0, 5.0), corrected=False),
        State("inlet_error", "K", Normal(0.0, 0.2), walk=0.06, corrected=False),
    )
    inputs = (
        Input("inlet_temperature", "degC", default=20.0, shape=Shape.LINEAR, gap=12.0),
        Input("mass_flow", "kg/s", shape=Shape.LINEAR, gap=12.0),
    )
    outputs = (
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
        if cells < 4:
            raise ModelError(f"a pipe of {cells} cells has no profile", where="model pipe", remedy="take at least 4 cells")
        self._settings = (wall, cells, length, diameters, insulation)
        self.cell = _cell(length / cells, *diameters, insulation, wall)
        table = with_settings(self.table, priors or {}, walk or {}, "model pipe")
        unfilled = State("filled", "1", Fixed(0.0), corrected=False)
        places = [f"{part}_{i}" for part in ("water", "wall") for i in range(1, cells + 1)]
        self.variables = (*table, unfilled, *(State(place, "degC", Fixed(0.0)) for place in places))

    @property
    def fingerprint(self) -> str:
        """A hash of the source, the variables and the settings."""
        return hashlib.sha256((super().fingerprint + repr(self._settings)).encode()).hexdigest()

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The outputs, then the uncertain quantities; not the cells."""
        return tuple(Quantity(q.name, q.unit) for q in (*self.outputs, *self.table))

    def advance(
        self, x: FloatArray, duration: float, drive: Drive, watch: Watch, predicted: FloatArray, residual: FloatArray
    ) -> None:
        """Advance the ensemble in place; see :class:`twin_runtime.modelling.model.Model`."""
        given = self._given(x)
        steps = np.empty(x.shape[0])
        _steps(given, self.cell, drive.values, steps)
        size = schedule_length(duration, float(steps.min(initial=LONGEST_STEP)), drive, watch)
        _advance(x, given, self.cell, duration, steps, size, drive.times, drive.values, *watch, predicted, residual)
        x[:, :, ERROR] *= math.exp(-duration / INLET_MEMORY)

    def observe(self, x: FloatArray, duration: float, drive: Drive) -> FloatArray:
        """All quantities at the end of the tick, ``[twin, member, quantity]``."""
        values = np.empty((*x.shape[:2], len(self.outputs) + FILLED))
        given = self._given(x)
        values[:, :, len(self.outputs) :] = given
        _observe(x, given, self.cell, duration, drive.times, drive.values, values)
        return values

    def _given(self, x: FloatArray) -> FloatArray:
        """The uncertain quantities in their own units."""
        return physical(x[:, :, :FILLED], self.variables[:FILLED])


def _cell(length: float, bore: float, outer_diameter: float, insulation: float, wall: bool) -> Cell:
    mass = DENSITY * math.pi / 4.0 * bore**2 * length
    steel = STEEL * math.pi / 4.0 * (outer_diameter**2 - bore**2) * length if wall else 0.0
    loss = loss_coefficient(outer_diameter, insulation, INSULATION_CONDUCTIVITY, OUTER_FILM) * length
    return Cell(mass, HEAT_CAPACITY * mass, steel, loss, math.pi * bore * length, bore)


@njit(cache=True, error_model="numpy")
def _steps(given: FloatArray, cell: Cell, values: FloatArray, steps: FloatArray) -> None:
    """The longest sub-step of each twin, from the largest flow of all its members."""
    for i in range(steps.size):
        largest = 0.0
        for flow in values[i, MASS_FLOW]:
            if flow < np.inf:
                largest = max(largest, flow)
        largest *= given[i, :, FLOW].max()
        steps[i] = min(LONGEST_STEP, COURANT * cell.mass / largest) if largest > 0.0 else LONGEST_STEP


@njit(cache=True, error_model="numpy")
def _advance(
    x: FloatArray,
    given: FloatArray,
    cell: Cell,
    duration: float,
    steps: FloatArray,
    size: int,
    times: FloatArray,
    values: FloatArray,
    watch_times: FloatArray,
    watch_outputs: IntArray,
    predicted: FloatArray,
    residual: FloatArray,
) -> None:
    cells = (x.shape[2] - CELLS) // 2
    lengths, actions, nodes = np.empty(size), np.empty(size, np.int64), np.empty((size, 2, 3))
    continuous, faces, outputs = np.zeros(2, np.int64), np.empty(cells + 1), np.empty(5)
    for i in range(x.shape[0]):
        count = schedule(
            steps[i], duration, times[i], values[i], continuous, watch_times[i], lengths, actions, nodes
        )
        residual[i] = 0.0
        for j in range(x.shape[1]):
            member = given[i, j]
            if x[i, j, FILLED] == 0.0:
                _fill(x[i, j], member, _first(times[i, INLET_TEMPERATURE], values[i, INLET_TEMPERATURE]))
            water, wall = x[i, j, CELLS : CELLS + cells], x[i, j, CELLS + cells :]
            before, gained = _stored(water, wall, cell), 0.0
            for s in range(count):
                if lengths[s] > 0.0:
                    gained += _sub_step(water, wall, cell, member, nodes[s], lengths[s], faces)
                if actions[s] >= 0:
                    _outputs(water, wall, cell, member, nodes[s, MASS_FLOW, 2], outputs)
                    predicted[i, j, actions[s]] = outputs[watch_outputs[i, actions[s]]]
            after = _stored(water, wall, cell)
            imbalance = abs(after - before - gained) / max(abs(after), cells * (cell.water + cell.wall))
            residual[i] = max(residual[i], imbalance)


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
def _fill(row: FloatArray, member: FloatArray, inlet: float) -> None:
    """The profile at the start: from the inlet's temperature, linearly to the outlet's; the wall is as warm as its water."""
    cells = (row.size - CELLS) // 2
    for k in range(cells):
        row[CELLS + k] = inlet + member[RISE] * (k + 0.5) / cells
        row[CELLS + cells + k] = row[CELLS + k]
    row[FILLED] = 1.0


@njit(cache=True, error_model="numpy")
def _stored(water: FloatArray, wall: FloatArray, cell: Cell) -> float:
    """Heat in water and wall above 0 degC, J."""
    return cell.water * water.sum() + cell.wall * wall.sum()


@njit(cache=True, error_model="numpy")
def _film(cell: Cell, member: FloatArray, mass_flow: float) -> float:
    """Conductance between the water and the wall of a cell, W/K."""
    nominal = film_coefficient(mass_flow, cell.bore, VISCOSITY, CONDUCTIVITY, HEAT_CAPACITY)
    return member[FILM] * nominal * cell.area


@njit(cache=True, error_model="numpy")
def _sub_step(
    water: FloatArray, wall: FloatArray, cell: Cell, member: FloatArray, node: FloatArray, step: float, faces: FloatArray
) -> float:
    """Half an exchange, the flow, half an exchange (Strang 1968); returns the heat gained, J."""
    mass_flow = max(node[MASS_FLOW, 1], 0.0) * member[FLOW]
    film, loss = _film(cell, member, mass_flow), member[LOSS] * cell.loss
    lost = _exchange(water, wall, cell, film, loss, member[AMBIENT], 0.5 * step)
    before, entering = node[INLET_TEMPERATURE, 0] + member[ERROR], node[INLET_TEMPERATURE, 1] + member[ERROR]
    _flow(water, mass_flow * step / cell.mass, before, entering, faces)
    carried = mass_flow * HEAT_CAPACITY * step * (faces[0] - faces[-1])
    lost += _exchange(water, wall, cell, film, loss, member[AMBIENT], 0.5 * step)
    return carried - lost


@njit(cache=True, error_model="numpy")
def _exchange(
    water: FloatArray, wall: FloatArray, cell: Cell, film: float, loss: float, ambient: float, step: float
) -> float:
    """Heat from water to wall to surroundings by the implicit midpoint rule; returns what is lost, J.

    A wall without heat capacity passes on what it gets: the same formula, with the wall's temperature in between.
    """
    half = 0.5 * step
    through = film * cell.water / (cell.water + half * film)
    weight = 1.0 / (cell.wall + half * (through + loss))
    lost = 0.0
    for k in range(water.size):
        middle = weight * (cell.wall * wall[k] + half * (through * water[k] + loss * ambient))
        given, leaving = through * (water[k] - middle), loss * (middle - ambient)
        water[k] -= step / cell.water * given
        wall[k] = wall[k] + step / cell.wall * (given - leaving) if cell.wall > 0.0 else middle
        lost += leaving
    return lost * step


@njit(cache=True, error_model="numpy")
def _slope(upstream: float, downstream: float) -> float:
    """The limited difference across a cell (van Leer 1974): second order where the profile is smooth, without overshoot."""
    product = upstream * downstream
    return 2.0 * product / (upstream + downstream) if product > 0.0 else 0.0


@njit(cache=True, error_model="numpy")
def _flow(water: FloatArray, courant: float, before: float, entering: float, faces: FloatArray) -> None:
    """Move the water on by ``courant`` cells; ``faces`` become the temperatures that have crossed the faces (van Leer 1977).

    ``before`` is the inlet's temperature at the start of the sub-step, ``entering`` its mean over it.
    """
    last = water.size - 1
    reach = 0.5 * (1.0 - courant)
    faces[0] = entering
    upstream = 2.0 * (water[0] - before)
    for k in range(last):
        downstream = water[k + 1] - water[k]
        faces[k + 1] = water[k] + reach * _slope(upstream, downstream)
        upstream = downstream
    faces[last + 1] = water[last] + 2.0 * reach * (_end(water) - water[last])
    for k in range(last + 1):
        water[k] += courant * (faces[k] - faces[k + 1])


@njit(cache=True, error_model="numpy")
def _end(profile: FloatArray) -> float:
    """The temperature at the outlet, half a cell behind the last centre."""
    return profile[-1] + 0.5 * _slope(profile[-1] - profile[-2], profile[-2] - profile[-3])


@njit(cache=True, error_model="numpy")
def _outputs(
    water: FloatArray, wall: FloatArray, cell: Cell, member: FloatArray, mass_flow: float, out: FloatArray
) -> None:
    """All outputs, in their order."""
    film = _film(cell, member, max(mass_flow, 0.0) * member[FLOW])
    out[OUTLET] = _end(water)
    out[WALL_OUTLET] = _end(wall)
    out[MEAN_WALL] = wall.sum() / wall.size
    out[HEAT_LOSS] = member[LOSS] * cell.loss * (wall.sum() - wall.size * member[AMBIENT])
    out[HEAT_TRANSFER] = film * (water.sum() - wall.sum())


@njit(cache=True, error_model="numpy")
def _observe(
    x: FloatArray, given: FloatArray, cell: Cell, moment: float, times: FloatArray, values: FloatArray, out: FloatArray
) -> None:
    cells = (x.shape[2] - CELLS) // 2
    for i in range(x.shape[0]):
        mass_flow = interpolate(times[i, MASS_FLOW], values[i, MASS_FLOW], moment)
        for j in range(x.shape[1]):
            water, wall = x[i, j, CELLS : CELLS + cells], x[i, j, CELLS + cells :]
            _outputs(water, wall, cell, given[i, j], mass_flow, out[i, j])
