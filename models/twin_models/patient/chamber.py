"""A chamber of the heart whose elastance varies in time: its pressure follows from its volume and its activation.

P = (E_passive + contractility E_active phi(t)) (V - V_0) + P_outside (Suga, Sagawa 1974, Circ Res 35:117-126; passive
and active elastance as in Regazzoni et al. 2022, J Comput Phys 457:111083, equation 5).
"""

from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Conserved, Input, LogNormal, Normal, Output, Parameter, Port, Prior, State


@physics
def pressure(
    volume: float,
    passive: float,
    active: float,
    unstressed: float,
    activation: float,
    contractility: float,
    outside: float,
) -> float:
    """Pressure of the blood inside."""
    return (passive + contractility * active * activation) * (volume - unstressed) + outside


@physics
def entering(inflow: float) -> float:
    """What enters the chamber, besides what links carry."""
    return inflow


@physics
def stored(volume: float) -> float:
    """Blood inside."""
    return volume


def chamber_table(
    volume: Prior, passive: float, active: float, unstressed: Prior
) -> tuple[State | Parameter, Parameter, Parameter, Parameter]:
    """The table of a chamber by its volume, its two elastances (mmHg/mL) and its volume without pressure (mL)."""
    return (
        State("volume", "mL", volume, walk=0.2),
        Parameter("passive", "mmHg/mL", LogNormal(passive, 0.2), walk=2e-3),
        Parameter("active", "mmHg/mL", LogNormal(active, 0.2), walk=2e-3),
        Parameter("unstressed", "mL", unstressed),
    )


class Chamber(OdeModel):
    """A chamber with a wall through which links carry blood; this one is a left ventricle."""

    name = "heart_chamber"
    table = chamber_table(Normal(110.0, 15.0), 0.0945, 2.5, LogNormal(2.0, 0.3))
    inputs = (
        Input("activation", "1"),
        Input("contractility", "1", default=1.0),
        Input("outside", "mmHg"),
        Input("inflow", "mL/s"),
    )
    outputs = (Output("pressure", "mmHg", pressure), Output("volume", "mL"))
    ports = (Port("wall", "volume", "mL/s", shows=("pressure",)),)
    rate = entering
    conserved = (Conserved("blood", "mL", stored, entering),)
    step = 1e-3
