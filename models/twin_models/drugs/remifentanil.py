"""Remifentanil in a patient: three compartments and the effect site, by age and lean body mass.

Minto, Schnider, Egan et al. 1997, Influence of age and gender on the pharmacokinetics and pharmacodynamics of
remifentanil I, Anesthesiology 86:10-23, of 65 adults of 20 to 85 years. Individuals differ by its coefficients of
variation, here the spreads of logarithms.
"""

import math

from twin_models.drugs.compartments import after_dose, changes, doses, factors, left, states, total
from twin_models.drugs.covariates import COVARIATES, UNITS, lean_mass
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Conserved, Constant, Output, Port


@physics
def central_volume(volume: float, years: float, lean: float, litre: float) -> float:
    """V1, which blood samples are taken from; ``lean`` in kg."""
    return volume * (5.1 - 0.0201 * (years - 40.0) + 0.072 * (lean - 55.0)) * litre


@physics
def metabolic_clearance(clearance: float, years: float, lean: float, litre: float, minute: float) -> float:
    """Cl1, by esterases of blood and tissue."""
    return clearance * (2.6 - 0.0162 * (years - 40.0) + 0.0191 * (lean - 55.0)) * litre / minute


@physics
def concentration(
    central: float,
    volume: float,
    age: float,
    weight: float,
    height: float,
    male: float,
    yr: float,
    kg: float,
    cm: float,
    litre: float,
) -> float:
    """Concentration in arterial blood."""
    return central / central_volume(volume, age / yr, lean_mass(weight, height, male, kg, cm), litre)


@physics
def log_concentration(
    central: float,
    volume: float,
    age: float,
    weight: float,
    height: float,
    male: float,
    yr: float,
    kg: float,
    cm: float,
    litre: float,
    one: float,
) -> float:
    """Its natural logarithm, in ng/mL: what an assay with an error of so many per cent is compared with."""
    return math.log(concentration(central, volume, age, weight, height, male, yr, kg, cm, litre) / one)


@physics
def rate(
    central: float,
    fast: float,
    slow: float,
    effect: float,
    volume: float,
    fast_volume: float,
    slow_volume: float,
    clearance: float,
    fast_clearance: float,
    slow_clearance: float,
    equilibration: float,
    infusion: float,
    age: float,
    weight: float,
    height: float,
    male: float,
    yr: float,
    kg: float,
    cm: float,
    litre: float,
    minute: float,
) -> tuple[float, float, float, float]:
    """Change of the three amounts, and of the concentration at the effect site."""
    lean, years = lean_mass(weight, height, male, kg, cm), age / yr - 40.0
    v1 = central_volume(volume, age / yr, lean, litre)
    v2 = fast_volume * (9.82 - 0.0811 * years + 0.108 * (lean - 55.0)) * litre
    v3 = slow_volume * 5.42 * litre
    cl1 = metabolic_clearance(clearance, age / yr, lean, litre, minute)
    cl2 = fast_clearance * (2.05 - 0.0301 * years) * litre / minute
    cl3 = slow_clearance * (0.076 - 0.00113 * years) * litre / minute
    ke0 = equilibration * (0.595 - 0.007 * years) / minute
    return changes(central, fast, slow, effect, v1, v2, v3, cl1, cl2, cl3, ke0, infusion)


@physics
def entering(
    infusion: float,
    central: float,
    volume: float,
    clearance: float,
    age: float,
    weight: float,
    height: float,
    male: float,
    yr: float,
    kg: float,
    cm: float,
    litre: float,
    minute: float,
) -> float:
    """What is infused, less what is metabolised."""
    lean = lean_mass(weight, height, male, kg, cm)
    cl1 = metabolic_clearance(clearance, age / yr, lean, litre, minute)
    return infusion - cl1 * central / central_volume(volume, age / yr, lean, litre)


class Remifentanil(OdeModel):
    """Concentration of remifentanil in blood and at the effect site, by infusion and doses."""

    name = "remifentanil"
    table = (
        *states("ug", "ng/mL"),
        *factors([0.26, 0.29, 0.66, 0.14, 0.36, 0.41, 0.68]),
        *UNITS,
        Constant("one", "ng/mL", 1.0),
    )
    inputs = (*doses("ug"), *COVARIATES)
    outputs = (
        Output("concentration", "ng/mL", concentration),
        Output("log_concentration", "1", log_concentration),
        Output("effect", "ng/mL"),
    )
    ports = (Port("blood", "central", "ug/s", shows=("concentration",)),)
    rate = rate
    events = {"dose": after_dose}
    jump = left
    conserved = (Conserved("drug", "ug", total, entering),)
    step = 5.0
