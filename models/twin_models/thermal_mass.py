"""A body with one temperature, a part of plants and rooms: heat that enters raises it.

C dT/dt = heating + sum of the heat flows through its port.
"""

from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Input, LogNormal, Normal, Output, Parameter, Port, State


@physics
def rate(heat_capacity: float, heating: float) -> float:
    """Change of the temperature by the heating."""
    return heating / heat_capacity


class ThermalMass(OdeModel):
    """A body with one temperature, a heating and a surface."""

    name = "thermal_mass"
    table = (
        State("temperature", "degC", Normal(20.0, 5.0), walk=1e-3),
        Parameter("heat_capacity", "J/K", LogNormal(1e5, 0.5), walk=1e-3),
    )
    inputs = (Input("heating", "W"),)
    outputs = (Output("temperature", "degC"),)
    ports = (Port("surface", "temperature", "W", shows=("temperature",), capacity="heat_capacity"),)
    rate = rate
    step = 1.0
