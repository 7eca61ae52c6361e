"""A compliant vessel, a part of circulations: what flows in and out raises and lowers its pressure.

C dP/dt = sum of the flows through its ports (Westerhof, Lankhaar, Westerhof 2009, Med Biol Eng Comput 47:131-141).
"""

from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Conserved, Input, LogNormal, Normal, Output, Parameter, Port, State


@physics
def rate(compliance: float, inflow: float) -> float:
    """Change of the pressure by the measured inflow."""
    return inflow / compliance


@physics
def volume(pressure: float, compliance: float) -> float:
    """What the vessel holds beyond its unstressed volume."""
    return pressure * compliance


@physics
def entering(inflow: float) -> float:
    """What enters the vessel, besides what links carry."""
    return inflow


class Vessel(OdeModel):
    """A compliant vessel with two ports and an inflow that may be measured."""

    name = "vessel"
    table = (
        State("pressure", "mmHg", Normal(50.0, 20.0), walk=0.1),
        Parameter("compliance", "mL/mmHg", LogNormal(1.5, 0.3), walk=0.01),
    )
    inputs = (Input("inflow", "mL/s"),)
    outputs = (Output("pressure", "mmHg"), Output("volume", "mL", volume))
    ports = (
        Port("inlet", "pressure", "mL/s", shows=("pressure",), capacity="compliance"),
        Port("outlet", "pressure", "mL/s", shows=("pressure",), capacity="compliance"),
    )
    rate = rate
    conserved = (Conserved("volume", "mL", volume, entering),)
    step = 2e-3
