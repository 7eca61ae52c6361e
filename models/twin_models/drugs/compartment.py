"""A volume in which a drug is evenly mixed, such as plasma: what enters and leaves through its port, and is eliminated.

V dC/dt = infusion - CL C + sum of the fluxes through the port.
"""

from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import (
    Conserved,
    Fixed,
    Input,
    LogNormal,
    Output,
    Parameter,
    Port,
    Shape,
    State,
)


@physics
def rate(concentration: float, volume: float, clearance: float, infusion: float) -> float:
    """Change of the concentration by what is infused and eliminated."""
    return (infusion - clearance * concentration) / volume


@physics
def after_dose(concentration: float, volume: float, dose: float) -> float:
    """A dose that is given at once."""
    return concentration + dose / volume


@physics
def held(concentration: float, volume: float) -> float:
    """How much of the drug is in the volume."""
    return concentration * volume


@physics
def entering(concentration: float, clearance: float, infusion: float) -> float:
    """What is infused, less what is eliminated."""
    return infusion - clearance * concentration


class Compartment(OdeModel):
    """A volume with a drug in it; the priors are those of a small molecule in the plasma of an adult, and wide."""

    name = "drug_compartment"
    table = (
        State("concentration", "mg/L", Fixed(0.0)),
        Parameter("volume", "L", LogNormal(3.0, 0.2)),
        Parameter("clearance", "L/s", LogNormal(10.0 / 3600.0, 1.0)),
    )
    inputs = (Input("infusion", "mg/s"), Input("dose", "mg", shape=Shape.EVENT))
    outputs = (Output("concentration", "mg/L"), Output("amount", "mg", held))
    ports = (Port("surface", "concentration", "mg/s", shows=("concentration",), capacity="volume"),)
    rate = rate
    events = {"dose": after_dose}
    conserved = (Conserved("drug", "mg", held, entering),)
    step = 10.0
