"""A segment of vessels: compliant at its inlet, then a resistance and an inertance to the next segment.

V' = Q_in - Q, P = (V - V_u) / C + P_outside, L Q' = P - P_distal - R Q (Westerhof, Bosman, De Vries, Noordergraaf 1969,
J Biomech 2:121-143). Its state is the volume, so that no change of compliance makes or loses blood.
"""

from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Conserved, Fixed, Input, LogNormal, Normal, Output, Parameter, Port, State


@physics
def pressure(volume: float, compliance: float, unstressed: float, relaxed: float, outside: float) -> float:
    """Pressure at the inlet; ``relaxed`` is what a reflex adds to the volume without pressure."""
    return (volume - unstressed - relaxed) / compliance + outside


@physics
def rate(
    volume: float,
    flow: float,
    compliance: float,
    unstressed: float,
    resistance: float,
    inertance: float,
    inflow: float,
    distal_pressure: float,
    constriction: float,
    relaxed: float,
    outside: float,
) -> tuple[float, float]:
    """Of the volume, but for what links carry, and of the flow."""
    proximal = pressure(volume, compliance, unstressed, relaxed, outside)
    return inflow, (proximal - distal_pressure - (resistance + constriction) * flow) / inertance


@physics
def entering(inflow: float) -> float:
    """What enters the segment, besides what links carry."""
    return inflow


@physics
def stored(volume: float) -> float:
    """Blood inside."""
    return volume


def segment_table(
    stressed: float, compliance: float, resistance: float, inertance: float, unstressed: float = 0.0, flow: float = 90.0
) -> tuple[State | Parameter, ...]:
    """The table of a segment by the medians of what describes it.

    ``stressed`` (mL) is what it holds above its ``unstressed`` volume, of which no pressure tells.
    """
    return (
        State("volume", "mL", Normal(unstressed + stressed, 0.05 * stressed), walk=0.2),
        State("flow", "mL/s", Normal(flow, 0.1 * flow)),
        Parameter("compliance", "mL/mmHg", LogNormal(compliance, 0.2), walk=2e-3),
        Parameter("unstressed", "mL", Fixed(unstressed)),
        Parameter("resistance", "mmHg*s/mL", LogNormal(resistance, 0.2), walk=5e-3),
        Parameter("inertance", "mmHg*s^2/mL", LogNormal(inertance, 0.2)),
    )


class Segment(OdeModel):
    """A segment of vessels; a link carries its ``flow`` on to the next, whose pressure is ``distal_pressure``.

    A reflex may add a ``constriction`` to its resistance, and ``relaxed`` millilitres to its unstressed volume.
    """

    name = "vessel_segment"
    table = segment_table(stressed=75.0, compliance=0.925, resistance=0.677, inertance=0.005)
    inputs = (
        Input("inflow", "mL/s"),
        Input("distal_pressure", "mmHg"),
        Input("constriction", "mmHg*s/mL"),
        Input("relaxed", "mL"),
        Input("outside", "mmHg"),
    )
    outputs = (Output("pressure", "mmHg", pressure), Output("flow", "mL/s"), Output("volume", "mL"))
    ports = (
        Port("inlet", "volume", "mL/s", shows=("pressure",)),
        Port("outlet", "volume", "mL/s", shows=("pressure",)),
    )
    rate = rate
    conserved = (Conserved("blood", "mL", stored, entering),)
    step = 2e-3
