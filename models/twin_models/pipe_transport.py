"""Heat carried along a pipe, given to its wall and lost from it: one row of cells, conserving energy by construction.

A step is half an exchange, the flow, half an exchange (Strang 1968, SIAM J Numer Anal 5:506-517). The flow is a finite
volume scheme of second order with van Leer's limiter (1977, J Comput Phys 23:276-299), exact at a Courant number of 1:
a sharp front stays sharp and never overshoots. The exchange follows the implicit midpoint rule.
"""

import math
from typing import NamedTuple

from numba import njit

from twin_runtime.core import FloatArray
from twin_runtime.modelling.physics import physics

DENSITY, HEAT_CAPACITY, CONDUCTIVITY, VISCOSITY = 992.2, 4179.0, 0.631, 6.53e-4
"""Water at 40 degC and 1 bar (IAPWS-95): kg/m3, J/kg/K, W/m/K, Pa s."""
STEEL = 7800.0 * 480.0
"""Heat capacity of steel, J/m3/K."""
INSULATION_CONDUCTIVITY, OUTER_FILM = 0.04, 5.0
"""W/m/K of the insulation, W/m2/K from its surface to the air."""


@physics
def film_coefficient(
    mass_flow: float, bore: float, viscosity: float, conductivity: float, heat_capacity: float
) -> float:
    """Heat transfer from water to wall per area and kelvin.

    Gnielinski 1976 (Int Chem Eng 16:359-368); in laminar flow the Nusselt number is 3.66.
    """
    reynolds = max(4.0 * mass_flow / (math.pi * bore * viscosity), 1000.0)
    prandtl = viscosity * heat_capacity / conductivity
    friction = 1.0 / (8.0 * (0.790 * math.log(reynolds) - 1.64) ** 2)
    turbulent: float = (
        friction * (reynolds - 1000.0) * prandtl / (1.0 + 12.7 * friction**0.5 * (prandtl ** (2 / 3) - 1.0))
    )
    return max(turbulent, 3.66) * conductivity / bore


@physics
def loss_coefficient(outer_diameter: float, insulation: float, conductivity: float, film: float) -> float:
    """Heat loss through insulation and air film per length and kelvin."""
    surface = outer_diameter + 2.0 * insulation
    through_insulation = math.log(surface / outer_diameter) / (2.0 * math.pi * conductivity)
    return 1.0 / (through_insulation + 1.0 / (math.pi * surface * film))


class Cell(NamedTuple):
    """A piece of pipe: water in kg, heat capacities of both in J/K, loss in W/K, wetted area in m2, bore in m."""

    mass: float
    water: float
    wall: float
    loss: float
    area: float
    bore: float


def cell_of(length: float, bore: float, outer_diameter: float, insulation: float, *, wall: bool) -> Cell:
    """A piece of steel pipe, lengths in metres; ``wall``: whether the steel has a heat capacity."""
    mass = DENSITY * math.pi / 4.0 * bore**2 * length
    steel = STEEL * math.pi / 4.0 * (outer_diameter**2 - bore**2) * length if wall else 0.0
    loss = loss_coefficient(outer_diameter, insulation, INSULATION_CONDUCTIVITY, OUTER_FILM) * length
    return Cell(mass, HEAT_CAPACITY * mass, steel, loss, math.pi * bore * length, bore)


class Profiles(NamedTuple):
    """Temperatures of water and wall along the pipe, degC, one a cell."""

    water: FloatArray
    wall: FloatArray


class Inlet(NamedTuple):
    """The inlet's temperature at the start of a step and its mean over the step, degC."""

    before: float
    mean: float


class Conditions(NamedTuple):
    """What acts on the cells: mass flow in kg/s, conductances of a cell's film and loss in W/K, ambient in degC."""

    mass_flow: float
    film: float
    loss: float
    ambient: float


@njit(cache=True, error_model="numpy")
def conditions(cell: Cell, mass_flow: float, film_factor: float, loss_factor: float, ambient: float) -> Conditions:
    """The conditions at some flow, with factors on the nominal conductances."""
    film = film_coefficient(mass_flow, cell.bore, VISCOSITY, CONDUCTIVITY, HEAT_CAPACITY)
    return Conditions(mass_flow, film_factor * film * cell.area, loss_factor * cell.loss, ambient)


@njit(cache=True, error_model="numpy")
def stored(profiles: Profiles, cell: Cell) -> float:
    """Heat in water and wall above 0 degC, J."""
    return float(cell.water * profiles.water.sum() + cell.wall * profiles.wall.sum())


@njit(cache=True, error_model="numpy")
def advance_cells(
    profiles: Profiles, cell: Cell, acting: Conditions, inlet: Inlet, step: float, faces: FloatArray
) -> float:
    """Advance the temperatures by ``step`` seconds, in place, and return the heat gained, J.

    ``faces`` has one place more than there are cells.
    """
    lost = _exchange(profiles, cell, acting, 0.5 * step)
    _flow(profiles.water, acting.mass_flow * step / cell.mass, inlet, faces)
    lost += _exchange(profiles, cell, acting, 0.5 * step)
    return float(acting.mass_flow * HEAT_CAPACITY * step * (faces[0] - faces[-1]) - lost)


@njit(cache=True, error_model="numpy")
def _exchange(profiles: Profiles, cell: Cell, acting: Conditions, step: float) -> float:
    """Heat from water to wall to surroundings; returns what is lost, J.

    A wall without heat capacity passes on all its heat; its temperature is where the two flows balance.
    """
    water, wall = profiles
    half = 0.5 * step
    through = acting.film * cell.water / (cell.water + half * acting.film)
    weight = 1.0 / (cell.wall + half * (through + acting.loss))
    outside, lost = acting.loss * acting.ambient, 0.0
    for k in range(water.size):
        middle = weight * (cell.wall * wall[k] + half * (through * water[k] + outside))
        given, leaving = through * (water[k] - middle), acting.loss * middle - outside
        water[k] -= step / cell.water * given
        if cell.wall > 0.0:
            wall[k] += step / cell.wall * (given - leaving)
        else:
            wall[k] = (acting.film * water[k] + outside) / (acting.film + acting.loss)
        lost += leaving
    return lost * step


@njit(cache=True, error_model="numpy")
def _flow(water: FloatArray, courant: float, inlet: Inlet, faces: FloatArray) -> None:
    """Move the water on by ``courant`` cells; ``faces`` become the mean temperatures of what has crossed the faces."""
    last, reach = water.size - 1, 0.5 * (1.0 - courant)
    upstream = 2.0 * (water[0] - inlet.before)
    faces[0] = inlet.mean
    for k in range(last):
        downstream = water[k + 1] - water[k]
        faces[k + 1] = water[k] + reach * _slope(upstream, downstream)
        upstream = downstream
    faces[last + 1] = water[last] + 2.0 * reach * (at_outlet(water) - water[last])
    for k in range(last + 1):
        water[k] += courant * (faces[k] - faces[k + 1])


@njit(cache=True, error_model="numpy")
def _slope(upstream: float, downstream: float) -> float:
    """The difference across a cell from those to its neighbours: their harmonic mean, 0 at an extremum."""
    product = upstream * downstream
    return 2.0 * product / (upstream + downstream) if product > 0.0 else 0.0


@njit(cache=True, error_model="numpy")
def at_outlet(profile: FloatArray) -> float:
    """The temperature at the outlet, half a cell behind the last centre.

    The differences between cells are taken to go on as a geometric series where they shrink: the foot of a front that
    has not arrived yet is not undershot.
    """
    before, last = profile[-2] - profile[-3], profile[-1] - profile[-2]
    if before * last <= 0.0:
        return float(profile[-1])
    smaller = last if abs(last) < abs(before) else before
    return float(profile[-1] + last * smaller / (before + last))
