"""Propofol in a patient: three compartments and the effect site, by age, weight, height and lean body mass.

Schnider, Minto, Gambus et al. 1998, The influence of method of administration and covariates on the pharmacokinetics of
propofol in adult volunteers, Anesthesiology 88:1170-1182, of 24 adults of 26 to 81 years; effect site: Schnider et al.
1999, Anesthesiology 90:1502-1516. How much individuals differ is from Eleveld, Colin, Absalom, Struys 2018, Br J
Anaesth 120:942-959, of 1033 individuals: 24 volunteers differ less than patients do.
"""

import math

from twin_models.drugs.compartments import after_dose, changes, doses, factors, left, states, total
from twin_models.drugs.covariates import COVARIATES, UNITS, lean_mass
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Conserved, Constant, Output, Port


@physics
def concentration(central: float, volume: float, litre: float) -> float:
    """Concentration in arterial plasma."""
    return central / (volume * 4.27 * litre)


@physics
def log_concentration(central: float, volume: float, litre: float, one: float) -> float:
    """Its natural logarithm, in mg/L: what an assay with an error of so many per cent is compared with."""
    return math.log(concentration(central, volume, litre) / one)


@physics
def metabolic_clearance(
    clearance: float,
    weight: float,
    height: float,
    male: float,
    kg: float,
    cm: float,
    litre: float,
    minute: float,
) -> float:
    """Cl1, by the liver."""
    kilograms, centimetres, lean = weight / kg, height / cm, lean_mass(weight, height, male, kg, cm)
    by_body = 0.0456 * (kilograms - 77.0) - 0.0681 * (lean - 59.0) + 0.0264 * (centimetres - 177.0)
    return clearance * (1.89 + by_body) * litre / minute


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
    years = age / yr - 53.0
    v1, v2, v3 = volume * 4.27 * litre, fast_volume * (18.9 - 0.391 * years) * litre, slow_volume * 238.0 * litre
    cl1 = metabolic_clearance(clearance, weight, height, male, kg, cm, litre, minute)
    cl2 = fast_clearance * (1.29 - 0.024 * years) * litre / minute
    cl3 = slow_clearance * 0.836 * litre / minute
    return changes(central, fast, slow, effect, v1, v2, v3, cl1, cl2, cl3, equilibration * 0.456 / minute, infusion)


@physics
def entering(
    infusion: float,
    central: float,
    volume: float,
    clearance: float,
    weight: float,
    height: float,
    male: float,
    kg: float,
    cm: float,
    litre: float,
    minute: float,
) -> float:
    """What is infused, less what is metabolised."""
    cleared = metabolic_clearance(clearance, weight, height, male, kg, cm, litre, minute)
    return infusion - cleared * concentration(central, volume, litre)


class Propofol(OdeModel):
    """Concentration of propofol in plasma and at the effect site, by infusion and doses."""

    name = "propofol"
    table = (
        *states("mg", "mg/L"),
        *factors([0.78, 0.75, 0.77, 0.51, 0.59, 0.46, 0.84]),
        *UNITS,
        Constant("one", "mg/L", 1.0),
    )
    inputs = (*doses("mg"), *COVARIATES)
    outputs = (
        Output("concentration", "mg/L", concentration),
        Output("log_concentration", "1", log_concentration),
        Output("effect", "mg/L"),
    )
    ports = (Port("blood", "central", "mg/s", shows=("concentration",)),)
    rate = rate
    events = {"dose": after_dose}
    jump = left
    conserved = (Conserved("drug", "mg", total, entering),)
    step = 5.0
