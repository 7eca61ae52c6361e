"""A body with one temperature, a part of plants and rooms: heat that enters raises it.

C dT/dt = heating + sum of the heat flows through its port.
"""

from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import (
    Conserved,
    Constant,
    Input,
    LogNormal,
    Normal,
    Output,
    Parameter,
    Port,
    State,
)


@physics
def rate(heat_capacity: float, heating: float) -> float:
    """Change of the temperature by the heating."""
    return heating / heat_capacity


@physics
def heat(temperature: float, heat_capacity: float, absolute_zero: float) -> float:
    """What the body holds."""
    return heat_capacity * (temperature - absolute_zero)


@physics
def entering(heating: float) -> float:
    """What enters the body, besides what links carry."""
    return heating


class ThermalMass(OdeModel):
    """A body with one temperature, a heating and a surface."""

    name = "thermal_mass"
    table = (
        State("temperature", "degC", Normal(20.0, 5.0), walk=1e-3),
        Parameter("heat_capacity", "J/K", LogNormal(1e5, 0.5), walk=1e-3),
        Constant("absolute_zero", "degC", -273.15),
    )
    inputs = (Input("heating", "W"),)
    outputs = (Output("temperature", "degC"),)
    ports = (Port("surface", "temperature", "W", shows=("temperature",), capacity="heat_capacity"),)
    rate = rate
    conserved = (Conserved("energy", "J", heat, entering),)
    step = 1.0
