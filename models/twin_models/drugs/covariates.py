"""What population models ask of a patient: age, weight, height and sex.

They are inputs that are held, so that each patient of a fleet brings its own; before the first message they are those
of a man of 40 years, 70 kg and 170 cm. The units that published formulas leave out stand beside them as constants.
"""

from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Constant, Input

COVARIATES = (
    Input("age", "yr", 40.0),
    Input("weight", "kg", 70.0),
    Input("height", "cm", 170.0),
    Input("male", "1", 1.0),
)
UNITS = (
    Constant("yr", "yr", 1.0),
    Constant("kg", "kg", 1.0),
    Constant("cm", "cm", 1.0),
    Constant("litre", "L", 1.0),
    Constant("minute", "s", 60.0),
)


@physics
def lean_mass(weight: float, height: float, male: float, kg: float, cm: float) -> float:
    """Lean body mass in kg, a plain number (James 1976, Research on obesity, HMSO); ``male`` is 1 or 0."""
    w, h = weight / kg, height / cm
    return (1.07 + 0.03 * male) * w - (148.0 - 20.0 * male) * (w / h) ** 2
