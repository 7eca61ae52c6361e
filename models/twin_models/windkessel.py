"""Three-element Windkessel of a systemic arterial tree, driven by a measured flow.

Westerhof, Lankhaar, Westerhof 2009, The arterial Windkessel, Med Biol Eng Comput 47:131-141, equations 1 and 2:
P = Z Q + P_c and C dP_c/dt = Q - (P_c - P_d) / R.
"""

from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Conserved, Fixed, Input, LogNormal, Normal, Output, Parameter, Shape, State


@physics
def rate(p_c: float, resistance: float, compliance: float, p_d: float, flow_scale: float, flow: float) -> float:
    """Rate of change of the pressure across the compliance."""
    return (flow_scale * flow - (p_c - p_d) / resistance) / compliance


@physics
def pressure(p_c: float, impedance: float, flow_scale: float, flow: float) -> float:
    """Pressure at the inlet of the tree."""
    return p_c + impedance * flow_scale * flow


@physics
def stored(p_c: float, compliance: float) -> float:
    """Blood that the compliance holds above no pressure."""
    return compliance * p_c


@physics
def inflow(p_c: float, resistance: float, p_d: float, flow_scale: float, flow: float) -> float:
    """Blood that comes from the heart, less what leaves through the resistance."""
    return flow_scale * flow - (p_c - p_d) / resistance


class Windkessel(OdeModel):
    """Resistance, compliance and impedance of an arterial tree whose inflow is measured.

    ``flow_scale`` multiplies the measured flow. It is fixed at 1: pressure alone does not separate it from the others.
    """

    name = "windkessel"
    table = (
        State("p_c", "mmHg", Normal(80.0, 15.0), walk=0.5),
        Parameter("resistance", "mmHg*s/mL", LogNormal(1.0, 0.3), walk=0.02),
        Parameter("compliance", "mL/mmHg", LogNormal(1.5, 0.3), walk=0.02),
        Parameter("impedance", "mmHg*s/mL", LogNormal(0.05, 0.5), walk=0.02),
        Parameter("p_d", "mmHg", Fixed(0.0)),
        Parameter("flow_scale", "1", Fixed(1.0)),
    )
    inputs = (Input("flow", "mL/s", shape=Shape.LINEAR, gap=0.1),)
    outputs = (Output("pressure", "mmHg", pressure),)
    rate = rate
    conserved = (Conserved("volume", "mL", stored, inflow),)
    step = 2e-3
