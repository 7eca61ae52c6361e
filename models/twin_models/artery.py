"""An arterial tree and the ejection that fills it, from a pressure and the R peaks of the electrocardiogram.

The tree is the three-element Windkessel of Westerhof, Lankhaar, Westerhof 2009 (Med Biol Eng Comput 47:131-141); each R
peak is followed, after the time that the heart and the pulse wave take, by a half-sine ejection of one stroke volume.

Pressure alone fixes ratios only: the pulse SV/C, the decay time RC and the impedance time ZC. They are what is
corrected. The compliance is the scale that turns them into flow and resistance; nothing here measures it, so it is
*considered*: its prior spread goes into every quantity that needs it, and is never narrowed.
"""

import math

from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Fixed, Input, LogNormal, Normal, Output, Parameter, Shape, State


@physics
def ejection(age: float, delay: float, duration: float) -> float:
    """Share of a stroke ejected per second at ``age`` after the R peak: a half sine of unit area."""
    phase = (age - delay) / duration
    return math.pi / (2.0 * duration) * math.sin(math.pi * phase) if 0.0 < phase < 1.0 else 0.0 / duration


@physics
def rate(
    p_c: float, age: float, pulse: float, decay: float, p_d: float, delay: float, duration: float
) -> tuple[float, float, float, float]:
    """Of the pressure across the compliance, the times since beat and R peak, and the period (only beats change it)."""
    return pulse * ejection(age, delay, duration) - (p_c - p_d) / decay, 0.0, 1.0, 1.0


@physics
def beat(p_c: float, since_peak: float, period: float) -> tuple[float, float, float, float]:
    """An R peak: the clocks start again, the period follows the rhythm; in a long interval a peak may be missing."""
    rhythm = period + 0.3 * (min(since_peak, 1.5 * period) - period)
    return p_c, rhythm, 0.0 * since_peak, 0.0 * since_peak


@physics
def spontaneous(
    p_c: float, age: float, since_peak: float, period: float, delay: float, known: float
) -> tuple[float, float, float, float]:
    """The twin's own rhythm: it beats by itself in a forecast, and when an R peak is overdue by two delays."""
    return p_c, period, (age - period - known * delay if age > period + 2.0 * known * delay else age), since_peak


@physics
def pressure(p_c: float, age: float, pulse: float, impedance_time: float, delay: float, duration: float) -> float:
    """Pressure at the inlet of the tree."""
    return p_c + impedance_time * pulse * ejection(age, delay, duration)


@physics
def flow(age: float, pulse: float, compliance: float, delay: float, duration: float) -> float:
    """Flow out of the heart."""
    return compliance * pulse * ejection(age, delay, duration)


@physics
def stroke_volume(pulse: float, compliance: float) -> float:
    """Volume of one beat."""
    return compliance * pulse


@physics
def cardiac_output(pulse: float, compliance: float, period: float) -> float:
    """Volume of the heart's beats per unit of time."""
    return compliance * pulse / period


@physics
def resistance(decay: float, compliance: float) -> float:
    """Peripheral resistance."""
    return decay / compliance


@physics
def impedance(impedance_time: float, compliance: float) -> float:
    """Characteristic impedance."""
    return impedance_time / compliance


class Artery(OdeModel):
    """Flow, resistance and compliance of a patient from arterial pressure and R peaks."""

    name = "artery"
    table = (
        State("p_c", "mmHg", Normal(75.0, 15.0), walk=3.0),
        Parameter("pulse", "mmHg", LogNormal(40.0, 0.3), walk=0.05),
        Parameter("decay", "s", LogNormal(1.5, 0.3), walk=0.02),
        Parameter("impedance_time", "s", LogNormal(0.1, 0.4), walk=0.02),
        Parameter("delay", "s", LogNormal(0.15, 0.15), walk=0.01),
        Parameter("duration", "s", LogNormal(0.3, 0.1), walk=0.01),
        State("period", "s", LogNormal(0.8, 0.1), walk=0.05, corrected=False),
        State("age", "s", Normal(0.45, 0.3), corrected=False),
        State("since_peak", "s", Normal(0.45, 0.25), corrected=False),
        Parameter("p_d", "mmHg", Fixed(0.0)),
        Parameter("compliance", "mL/mmHg", LogNormal(1.5, 0.25), corrected=False),
    )
    inputs = (Input("r_peak", "1", shape=Shape.EVENT),)
    outputs = (
        Output("pressure", "mmHg", pressure),
        Output("flow", "mL/s", flow),
        Output("stroke_volume", "mL", stroke_volume),
        Output("cardiac_output", "mL/s", cardiac_output),
        Output("resistance", "mmHg*s/mL", resistance),
        Output("impedance", "mmHg*s/mL", impedance),
    )
    rate = rate
    events = {"r_peak": beat}
    jump = spontaneous
    step = 2e-3
