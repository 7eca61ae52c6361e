"""The minimal model of glucose: how insulin, and glucose itself, make glucose disappear.

Bergman, Ider, Bowden, Cobelli 1979, Quantitative estimation of insulin sensitivity, Am J Physiol 236:E667-E677:
G' = -(SG + X) G + SG Gb and X' = -p2 (X - SI (I - Ib)), with the insulin I measured. The medians of the priors are
those of Pacini & Bergman 1986, MINMOD, Comput Methods Programs Biomed 23:113-122, for healthy adults.
"""

from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Fixed, Input, LogNormal, Output, Parameter, Shape, State

MINUTE = 60.0


@physics
def rate(
    glucose: float,
    action: float,
    effectiveness: float,
    sensitivity: float,
    action_rate: float,
    basal_glucose: float,
    basal_insulin: float,
    insulin: float,
) -> tuple[float, float]:
    """Change of the glucose and of the action of insulin on it."""
    return (
        effectiveness * (basal_glucose - glucose) - action * glucose,
        action_rate * (sensitivity * (insulin - basal_insulin) - action),
    )


@physics
def after_dose(glucose: float, action: float, volume: float, dose: float) -> tuple[float, float]:
    """Glucose that is injected."""
    return glucose + dose / volume, action


class Glucose(OdeModel):
    """Insulin sensitivity and glucose effectiveness from glucose and insulin, as in a tolerance test."""

    name = "glucose"
    table = (
        State("glucose", "mg/dL", LogNormal(90.0, 0.15)),
        State("action", "1/s", Fixed(0.0)),
        Parameter("effectiveness", "1/s", LogNormal(0.026 / MINUTE, 0.5)),
        Parameter("sensitivity", "mL/uU/s", LogNormal(5e-4 / MINUTE, 0.7)),
        Parameter("action_rate", "1/s", LogNormal(0.025 / MINUTE, 0.5)),
        Parameter("volume", "dL", LogNormal(110.0, 0.2)),
        Parameter("basal_glucose", "mg/dL", LogNormal(90.0, 0.1)),
        Parameter("basal_insulin", "uU/mL", LogNormal(10.0, 0.3)),
    )
    inputs = (
        Input("insulin", "uU/mL", 10.0, shape=Shape.LINEAR, gap=30.0 * MINUTE),
        Input("dose", "mg", shape=Shape.EVENT),
    )
    outputs = (Output("glucose", "mg/dL"),)
    rate = rate
    events = {"dose": after_dose}
    step = 30.0
