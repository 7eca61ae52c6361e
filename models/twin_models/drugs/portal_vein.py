"""The portal vein: the blood of stomach, intestines, pancreas and spleen, on its way to the liver."""

from twin_models.drugs.tissue import held
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Conserved, Fixed, Input, Output, Parameter, Port, State

ORGANS = ("stomach", "small_intestine", "large_intestine", "pancreas", "spleen")
"""Whose blood comes together here."""


@physics
def leaving_flow(
    stomach: float, small_intestine: float, large_intestine: float, pancreas: float, spleen: float
) -> float:
    """All that comes together, in a second."""
    return stomach + small_intestine + large_intestine + pancreas + spleen


@physics
def leaving(concentration: float) -> float:
    """Concentration in the blood that leaves."""
    return concentration


@physics
def rate(volume: float, absorption: float) -> float:
    """Change by what is absorbed; what the blood brings and takes is a matter of links."""
    return absorption / volume


@physics
def entering(absorption: float) -> float:
    """What is absorbed from the gut."""
    return absorption


class PortalVein(OdeModel):
    """A pool of blood, with an input for the flow of each organ; what is swallowed is absorbed into it."""

    name = "portal_vein"
    table = (State("concentration", "mg/L", Fixed(0.0)), Parameter("volume", "L", Fixed(0.1)))
    inputs = (*(Input(organ, "L/s") for organ in ORGANS), Input("absorption", "mg/s"))
    outputs = (
        Output("concentration", "mg/L"),
        Output("leaving", "mg/L", leaving),
        Output("leaving_flow", "L/s", leaving_flow),
        Output("amount", "mg", held),
    )
    ports = (
        Port("inlet", "concentration", "mg/s", capacity="volume"),
        Port("outlet", "concentration", "mg/s", shows=("leaving", "leaving_flow"), capacity="volume"),
    )
    rate = rate
    conserved = (Conserved("drug", "mg", held, entering),)
    step = 0.5
