"""Blood flow of the brain and its autoregulation, within a skull that gives little.

Ursino, Lodi 1997, A simple mathematical model of the interaction between intracranial pressure and cerebral
hemodynamics, J Appl Physiol 82:1256-1269, equations 1 to 14 with table 1. What the skull holds beside arterial blood is
the state, ln(P_ic / P_ref) / k_E - C_a (P_a - P_ic), so that no derivative of the arterial pressure is needed: only
cerebrospinal fluid changes it.
"""

import math

from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Constant, Input, LogNormal, Normal, Output, Parameter, Shape, State


@physics
def nearer(logarithm: float, held: float, stiffness: float, compliance: float, reference: float) -> float:
    """A step of Newton's method for ln(P_ic / P_ref), where ln(P / P_ref) / k_E + C_a P = ``held``."""
    arterial = compliance * reference * math.exp(logarithm)
    return logarithm - (logarithm / stiffness + arterial - held) / (1.0 / stiffness + arterial)


@physics
def intracranial_pressure(
    fluid: float, compliance: float, stiffness: float, reference: float, pressure: float
) -> float:
    """Pressure in the skull by what it holds (equations 1 and 9); Newton's method from above, which converges."""
    held = fluid + compliance * pressure
    first = nearer(stiffness * held, held, stiffness, compliance, reference)
    second = nearer(first, held, stiffness, compliance, reference)
    third = nearer(second, held, stiffness, compliance, reference)
    fourth = nearer(third, held, stiffness, compliance, reference)
    fifth = nearer(fourth, held, stiffness, compliance, reference)
    sixth = nearer(fifth, held, stiffness, compliance, reference)
    return reference * math.exp(nearer(sixth, held, stiffness, compliance, reference))


@physics
def resistance(
    fluid: float,
    compliance: float,
    stiffness: float,
    reference: float,
    tone: float,
    basal_compliance: float,
    pressure: float,
) -> float:
    """Resistance of the arterioles, by Poiseuille from the volume that they hold (equation 8)."""
    inside = pressure - intracranial_pressure(fluid, compliance, stiffness, reference, pressure)
    return tone * (basal_compliance / (compliance * inside)) ** 2


@physics
def beyond(venous: float, formation: float) -> float:
    """Resistance from the capillaries on: by the veins, and by the formation of fluid."""
    return venous * formation / (venous + formation)


@physics
def flow(
    fluid: float,
    compliance: float,
    stiffness: float,
    reference: float,
    tone: float,
    basal_compliance: float,
    venous: float,
    formation: float,
    pressure: float,
) -> float:
    """Blood flow of the brain: the veins collapse to the pressure around them (equations 6 and 7)."""
    icp = intracranial_pressure(fluid, compliance, stiffness, reference, pressure)
    arterioles = tone * (basal_compliance / (compliance * (pressure - icp))) ** 2
    return (pressure - icp) / (arterioles + beyond(venous, formation))


@physics
def velocity(
    fluid: float,
    compliance: float,
    stiffness: float,
    reference: float,
    tone: float,
    basal_compliance: float,
    venous: float,
    formation: float,
    section: float,
    pressure: float,
) -> float:
    """Velocity as transcranial Doppler sees it, if it were the whole flow through one ``section``."""
    return flow(fluid, compliance, stiffness, reference, tone, basal_compliance, venous, formation, pressure) / section


@physics
def sought(excess: float, gain: float, basal_compliance: float, dilation: float, contraction: float) -> float:
    """Compliance that autoregulation seeks: more where flow falls short, less where it exceeds (equation 13)."""
    amplitude = dilation if excess < 0.0 else contraction
    return basal_compliance - 0.5 * amplitude * math.tanh(2.0 * gain * excess / amplitude)


@physics
def rate(
    fluid: float,
    compliance: float,
    stiffness: float,
    reference: float,
    tone: float,
    basal_compliance: float,
    venous: float,
    gain: float,
    basal_flow: float,
    delay: float,
    dilation: float,
    contraction: float,
    formation: float,
    outflow: float,
    sinus: float,
    pressure: float,
    injection: float,
) -> tuple[float, float]:
    """Of the fluid (formed from capillaries, drained into the sinus) and of the arterial compliance."""
    icp = intracranial_pressure(fluid, compliance, stiffness, reference, pressure)
    now = flow(fluid, compliance, stiffness, reference, tone, basal_compliance, venous, formation, pressure)
    formed, drained = now * beyond(venous, formation) / formation, max(icp - sinus, 0.0 * icp) / outflow
    aim = sought(now / basal_flow - 1.0, gain, basal_compliance, dilation, contraction)
    return formed - drained + injection, (aim - compliance) / delay


class Cerebral(OdeModel):
    """Flow of the brain, pressure in the skull and autoregulation, from arterial pressure."""

    name = "cerebral"
    table = (
        State("fluid", "mL", Normal(-14.1, 1.5), walk=0.01),
        State("compliance", "mL/mmHg", LogNormal(0.15, 0.2), walk=5e-3),
        Parameter("gain", "mL/mmHg", LogNormal(1.5, 0.5), walk=5e-3),
        Parameter("delay", "s", LogNormal(20.0, 0.5)),
        Parameter("tone", "mmHg^3*s/mL", LogNormal(4.91e4, 0.2), walk=2e-3),
        Parameter("venous", "mmHg*s/mL", LogNormal(1.24, 0.2)),
        Parameter("stiffness", "1/mL", LogNormal(0.11, 0.2)),
        Parameter("outflow", "mmHg*s/mL", LogNormal(526.3, 0.3)),
        Parameter("formation", "mmHg*s/mL", LogNormal(2380.0, 0.2)),
        Parameter("basal_flow", "mL/s", LogNormal(12.5, 0.1)),
        Parameter("section", "cm^2", LogNormal(0.2, 0.2)),
        Constant("basal_compliance", "mL/mmHg", 0.15),
        Constant("dilation", "mL/mmHg", 0.75),
        Constant("contraction", "mL/mmHg", 0.075),
        Constant("sinus", "mmHg", 6.0),
        Constant("reference", "mmHg", 10.0),
    )
    inputs = (
        Input("pressure", "mmHg", default=100.0, shape=Shape.LINEAR, gap=0.5),
        Input("injection", "mL/s"),
    )
    outputs = (
        Output("velocity", "cm/s", velocity),
        Output("flow", "mL/s", flow),
        Output("intracranial_pressure", "mmHg", intracranial_pressure),
        Output("resistance", "mmHg*s/mL", resistance),
    )
    rate = rate
    step = 0.05
