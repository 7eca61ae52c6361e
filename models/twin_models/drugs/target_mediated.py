"""A drug that its target disposes of: it binds to receptors, which are made and lost, and is taken in with them.

Mager & Jusko 2001, General pharmacokinetic model for drugs exhibiting target-mediated drug disposition, J Pharmacokinet
Pharmacodyn 28:507-532, equations 1 to 3. The medians of the priors are those of Peletier & Gabrielsson 2012, Dynamics
of target-mediated drug disposition, Eur J Pharm Sci 46:375-394, of a monoclonal antibody in a patient of 70 kg.
Receptors and complexes count as the mass of the drug that they bind.
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

HOUR = 3600.0


@physics
def rate(  # the equations of three states
    concentration: float,
    receptors: float,
    complexes: float,
    volume: float,
    clearance: float,
    binding: float,
    unbinding: float,
    synthesis: float,
    degradation: float,
    internalisation: float,
    infusion: float,
) -> tuple[float, float, float]:
    """Change of free drug, free receptors and complexes."""
    bound = binding * concentration * receptors - unbinding * complexes
    return (
        (infusion - clearance * concentration) / volume - bound,
        synthesis - degradation * receptors - bound,
        bound - internalisation * complexes,
    )


@physics
def after_dose(
    concentration: float, receptors: float, complexes: float, volume: float, dose: float
) -> tuple[float, float, float]:
    """A dose that is given at once is free at first."""
    return concentration + dose / volume, receptors, complexes


@physics
def held(concentration: float, complexes: float, volume: float) -> float:
    """How much of the drug there is, free and bound."""
    return (concentration + complexes) * volume


@physics
def entering(
    concentration: float, complexes: float, volume: float, clearance: float, internalisation: float, infusion: float
) -> float:
    """What is infused, less what is eliminated and what is taken in with its receptors."""
    return infusion - clearance * concentration - internalisation * complexes * volume


@physics
def occupancy(receptors: float, complexes: float) -> float:
    """The share of the receptors that is bound."""
    return complexes / (receptors + complexes)


class TargetMediated(OdeModel):
    """Free drug, free receptors and their complexes in one volume, with a port to others."""

    name = "target_mediated"
    table = (
        State("concentration", "mg/L", Fixed(0.0)),
        State("receptors", "mg/L", LogNormal(12.0, 0.3)),
        State("complexes", "mg/L", Fixed(0.0)),
        Parameter("volume", "L", LogNormal(3.5, 0.2)),
        Parameter("clearance", "L/s", LogNormal(0.0015 * 3.5 / HOUR, 0.4)),
        Parameter("binding", "L/mg/s", LogNormal(0.091 / HOUR, 0.5)),
        Parameter("unbinding", "1/s", LogNormal(0.001 / HOUR, 0.5)),
        Parameter("synthesis", "mg/L/s", LogNormal(0.11 / HOUR, 0.3)),
        Parameter("degradation", "1/s", LogNormal(0.0089 / HOUR, 0.3)),
        Parameter("internalisation", "1/s", LogNormal(0.003 / HOUR, 0.5)),
    )
    inputs = (Input("infusion", "mg/s"), Input("dose", "mg", shape=Shape.EVENT))
    outputs = (
        Output("concentration", "mg/L"),
        Output("amount", "mg", held),
        Output("complexes", "mg/L"),
        Output("occupancy", "1", occupancy),
    )
    ports = (Port("surface", "concentration", "mg/s", shows=("concentration",), capacity="volume"),)
    rate = rate
    events = {"dose": after_dose}
    conserved = (Conserved("drug", "mg", held, entering),)
    step = 10.0
