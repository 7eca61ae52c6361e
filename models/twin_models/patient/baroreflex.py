"""The arterial baroreflex: carotid pressure to heart period, contractility, resistance and unstressed volume.

Ursino 1998, Interaction between carotid baroregulation and the pulsating heart, Am J Physiol 275:H1733-H1747, equations
20 to 40 and table 3. Effectors that share delay and time constant share one state, and differ by their gains. The
delays of 2 and 5 s stand in the state as chains of stages of 0.5 s, the vagal 0.2 s as two of 0.1 s: a signal arrives
after the delay on average, spread by the root of the delay times the length of a stage.
"""

import math

from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Constant, Input, LogNormal, Normal, Output, Parameter, State

LEAD_LAG = 6.37 / 2.076
"""tau_z / tau_p: how much stronger a change of pressure acts than the pressure."""
BASAL = 1.1755
"""ln(f_es - f_es,min + 1) at which the paper lists its basal values: R_sp = R_sp,0 + G 1.1755, and the others."""


@physics
def filtered(lagged: float, pressure: float) -> float:
    """Pressure as the receptors sense it: its rise counts more than its level (equation 20)."""
    return lagged + LEAD_LAG * (pressure - lagged)


@physics
def afferent(lagged: float, pressure: float, setpoint: float, slope: float, quietest: float, loudest: float) -> float:
    """Firing of the carotid sinus nerve, a sigmoid of the sensed pressure (equation 21)."""
    drive = math.exp(min((filtered(lagged, pressure) - setpoint) / slope, 50.0))
    return (quietest + loudest * drive) / (1.0 + drive)


@physics
def sympathetic(
    lagged: float, pressure: float, setpoint: float, slope: float, quietest: float, loudest: float, one_spike: float
) -> float:
    """Firing of the efferent sympathetic nerves, which falls with pressure (equation 23)."""
    firing = afferent(lagged, pressure, setpoint, slope, quietest, loudest) / one_spike
    return (2.10 + (16.11 - 2.10) * math.exp(-0.0675 * firing)) * one_spike


@physics
def vagal(
    lagged: float, pressure: float, setpoint: float, slope: float, quietest: float, loudest: float, one_spike: float
) -> float:
    """Firing of the efferent vagal fibres, which rises with pressure (equation 24)."""
    firing = afferent(lagged, pressure, setpoint, slope, quietest, loudest) / one_spike
    drive = math.exp((firing - 25.0) / 7.06)
    return (3.2 + 6.3 * drive) / (1.0 + drive) * one_spike


@physics
def aroused(firing: float, one_spike: float) -> float:
    """What sympathetic firing does to an effector, before its gain (equation 26)."""
    return math.log(max(firing / one_spike - 2.66, 0.0) + 1.0)


@physics
def rate(
    lagged: float,
    s1: float,
    s2: float,
    s3: float,
    s4: float,
    s5: float,
    s6: float,
    s7: float,
    s8: float,
    s9: float,
    s10: float,
    v1: float,
    v2: float,
    constriction: float,
    recruitment: float,
    inotropy: float,
    acceleration: float,
    slowing: float,
    setpoint: float,
    slope: float,
    quietest: float,
    loudest: float,
    one_spike: float,
    stage: float,
    vagal_stage: float,
    lag: float,
    pressure: float,
) -> tuple[float, ...]:
    """Of the lagged pressure, of the stages on the nerves, and of the effectors."""
    to_vessels = sympathetic(lagged, pressure, setpoint, slope, quietest, loudest, one_spike)
    to_heart = vagal(lagged, pressure, setpoint, slope, quietest, loudest, one_spike)
    early, late = aroused(s4, one_spike), aroused(s10, one_spike)
    return (
        (pressure - lagged) / lag,
        (to_vessels - s1) / stage,
        (s1 - s2) / stage,
        (s2 - s3) / stage,
        (s3 - s4) / stage,
        (s4 - s5) / stage,
        (s5 - s6) / stage,
        (s6 - s7) / stage,
        (s7 - s8) / stage,
        (s8 - s9) / stage,
        (s9 - s10) / stage,
        (to_heart - v1) / vagal_stage,
        (v1 - v2) / vagal_stage,
        (early - constriction) / (12.0 * stage),
        (late - recruitment) / (40.0 * stage),
        (early - inotropy) / (16.0 * stage),
        (early - acceleration) / (4.0 * stage),
        (v2 - slowing) / (15.0 * vagal_stage),
    )


@physics
def lengthening(acceleration: float, slowing: float, gain_acceleration: float, gain_slowing: float) -> float:
    """What is added to the period of the denervated heart."""
    return gain_slowing * slowing - gain_acceleration * acceleration


@physics
def left_contractility(inotropy: float, gain_left: float, left_offset: float) -> float:
    """Largest elastance of the left ventricle, as a multiple of the denervated one."""
    return 1.0 + gain_left * inotropy / left_offset


@physics
def right_contractility(inotropy: float, gain_right: float, right_offset: float) -> float:
    """The same of the right ventricle."""
    return 1.0 + gain_right * inotropy / right_offset


@physics
def splanchnic_constriction(constriction: float, gain_splanchnic: float) -> float:
    """Resistance added to the splanchnic arterioles."""
    return gain_splanchnic * constriction


@physics
def other_constriction(constriction: float, gain_other: float) -> float:
    """Resistance added to the other arterioles."""
    return gain_other * constriction


@physics
def splanchnic_relaxed(recruitment: float, gain_splanchnic_veins: float) -> float:
    """Unstressed volume added to the splanchnic veins: negative, for they contract."""
    return -gain_splanchnic_veins * recruitment


@physics
def other_relaxed(recruitment: float, gain_other_veins: float) -> float:
    """The same of the other veins."""
    return -gain_other_veins * recruitment


def gain(name: str, unit: str, value: float) -> Parameter:
    """A gain of the reflex; people differ by some 30 %."""
    return Parameter(name, unit, LogNormal(value, 0.3))


class Baroreflex(OdeModel):
    """What the nervous system does about the arterial pressure."""

    name = "baroreflex"
    table = (
        State("lagged", "mmHg", Normal(92.0, 5.0)),
        *(State(f"s{k}", "1/s", LogNormal(4.67, 0.1)) for k in range(1, 11)),
        *(State(f"v{k}", "1/s", LogNormal(4.77, 0.1)) for k in range(1, 3)),
        *(State(n, "1", LogNormal(1.1, 0.1)) for n in ("constriction", "recruitment", "inotropy", "acceleration")),
        State("slowing", "1/s", LogNormal(4.77, 0.1)),
        Parameter("setpoint", "mmHg", Normal(92.0, 5.0)),
        gain("gain_splanchnic", "mmHg*s/mL", 0.695),
        gain("gain_other", "mmHg*s/mL", 0.53),
        gain("gain_splanchnic_veins", "mL", 265.4),
        gain("gain_other_veins", "mL", 132.5),
        gain("gain_left", "mmHg/mL", 0.475),
        gain("gain_right", "mmHg/mL", 0.282),
        gain("gain_acceleration", "s", 0.13),
        gain("gain_slowing", "s^2", 0.09),
        Constant("left_offset", "mmHg/mL", 2.392),
        Constant("right_offset", "mmHg/mL", 1.412),
        Constant("slope", "mmHg", 11.758),
        Constant("quietest", "1/s", 2.52),
        Constant("loudest", "1/s", 47.78),
        Constant("lag", "s", 2.076),
        Constant("stage", "s", 0.5),
        Constant("vagal_stage", "s", 0.1),
        Constant("one_spike", "1/s", 1.0),
    )
    inputs = (Input("pressure", "mmHg", default=92.0),)
    outputs = (
        Output("filtered", "mmHg", filtered),
        Output("afferent", "1/s", afferent),
        Output("sympathetic", "1/s", sympathetic),
        Output("vagal", "1/s", vagal),
        Output("lengthening", "s", lengthening),
        Output("left_contractility", "1", left_contractility),
        Output("right_contractility", "1", right_contractility),
        Output("splanchnic_constriction", "mmHg*s/mL", splanchnic_constriction),
        Output("other_constriction", "mmHg*s/mL", other_constriction),
        Output("splanchnic_relaxed", "mL", splanchnic_relaxed),
        Output("other_relaxed", "mL", other_relaxed),
    )
    rate = rate
    step = 0.05
