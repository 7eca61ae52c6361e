"""The heart's clock: when its atria and ventricles contract, by R peaks of the electrocardiogram or by its own rhythm.

A contraction is the double Hill function of Mynard, Davidson, Penny, Smolich 2012 (Int J Numer Methods Biomed Eng
28:626-641, equation 6 and table 1): rise and fall at 0.269 and 0.452 of the period in ventricles, 0.110 and 0.180 in
atria, exponents 1.32 and 27.4, or 13.1 in atria. Its length follows the root of the period (Bazett 1920, Heart 7:353).
"""

import math

from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import (
    Constant,
    Input,
    LogNormal,
    Normal,
    Output,
    Parameter,
    Shape,
    State,
)

RISE_VENTRICLES, RISE_ATRIA = 0.269 / 0.452, 0.110 / 0.180
"""Time of half rise, as a share of that of half fall."""
ATRIA = 0.180 / 0.452
"""Length of an atrial contraction, as a share of a ventricular one."""
OVERDUE = 0.25
"""How long an R peak is waited for, as a share of the period, until the heart beats without it."""
PEAK_VENTRICLES, PEAK_ATRIA = 0.6094958006827851, 0.5584821002324520
"""The largest values of the double Hill function before it is divided by them."""


@physics
def double_hill(share: float, rise: float, fall_exponent: float) -> float:
    """A contraction, not yet divided by its peak; ``share`` is the time since it began by the time of half fall."""
    if not share > 0.0:
        return 0.0 * share
    risen = math.pow(share / rise, 1.32)
    return risen / (1.0 + risen) / (1.0 + math.pow(share, fall_exponent))


@physics
def contraction(relaxation: float, cycle: float, one_second: float) -> float:
    """Time from the beginning of a ventricular contraction to its half fall, by the length of the cycle."""
    return relaxation * math.sqrt(cycle / one_second)


@physics
def ventricular(
    age: float, period: float, lengthening: float, delay: float, relaxation: float, one_second: float
) -> float:
    """Activation of the ventricles, 0 to 1, ``age`` seconds after the R peak."""
    share = (age - delay) / contraction(relaxation, period + lengthening, one_second)
    return double_hill(share, RISE_VENTRICLES, 27.4) / PEAK_VENTRICLES


@physics
def atrial(age: float, period: float, lengthening: float, lead: float, relaxation: float, one_second: float) -> float:
    """Activation of the atria, 0 to 1: they contract ``lead`` seconds before the next R peak."""
    ahead = age + lead
    since = ahead - period - lengthening if ahead > period + lengthening else ahead
    share = since / (ATRIA * contraction(relaxation, period + lengthening, one_second))
    return double_hill(share, RISE_ATRIA, 13.1) / PEAK_ATRIA


@physics
def rate(age: float) -> tuple[float, float, float]:
    """Of the period and of the times since beat and R peak: only beats change the first."""
    return 0.0, 1.0, 1.0


@physics
def beat(period: float, since_peak: float, lengthening: float) -> tuple[float, float, float]:
    """An R peak: the clocks start again, the period follows the rhythm; in a long interval a peak may be missing."""
    cycle = period + lengthening
    return period + 0.3 * (min(since_peak, 1.5 * cycle) - cycle), 0.0 * since_peak, 0.0 * since_peak


@physics
def spontaneous(
    period: float, age: float, since_peak: float, lengthening: float, lead: float, known: float
) -> tuple[float, float, float]:
    """The heart's own rhythm: it beats by itself in a forecast; where an R peak is overdue, with its atria first."""
    cycle = period + lengthening
    if known > 0.0 and since_peak < age + 0.5 * cycle:  # the last beat was an R peak
        late = (1.0 + OVERDUE) * cycle
        return period, (age - late - lead if age > late else age), since_peak
    return period, (age - cycle if age > cycle else age), since_peak


@physics
def heart_rate(period: float, lengthening: float) -> float:
    """Beats per unit of time."""
    return 1.0 / (period + lengthening)


class Rhythm(OdeModel):
    """When atria and ventricles contract; ``lengthening`` is what a reflex adds to the period."""

    name = "heart_rhythm"
    table = (
        State("period", "s", LogNormal(0.8, 0.1), walk=0.02, corrected=False),
        State("age", "s", Normal(0.4, 0.2), corrected=False),
        State("since_peak", "s", Normal(0.4, 0.2), corrected=False),
        Parameter("delay", "s", LogNormal(0.05, 0.1)),
        Parameter("lead", "s", LogNormal(0.13, 0.1)),
        Parameter("relaxation", "s", LogNormal(0.39, 0.08)),
        Constant("one_second", "s", 1.0),
    )
    inputs = (Input("r_peak", "1", shape=Shape.EVENT), Input("lengthening", "s"))
    outputs = (
        Output("atrial", "1", atrial),
        Output("ventricular", "1", ventricular),
        Output("heart_rate", "1/s", heart_rate),
    )
    rate = rate
    events = {"r_peak": beat}
    jump = spontaneous
    step = 2e-3
