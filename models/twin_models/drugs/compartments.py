"""Three compartments that exchange a drug, and the effect site: the physics and the tables that drugs share.

A dose enters the central compartment, which is what blood samples are taken from, and leaves from there. The effect
site takes no drug that matters from the blood; it follows the concentration there (Sheiner, Stanski, Vozeh, Miller, Ham
1979, Clin Pharmacol Ther 25:358-371).
"""

from collections.abc import Sequence

from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Constant, Input, LogNormal, Parameter, Shape, State

FACTORS = ("volume", "fast_volume", "slow_volume", "clearance", "fast_clearance", "slow_clearance", "equilibration")
"""What individuals differ in: each multiplies what a population model says of a typical patient."""

NOTHING, TRACE = 1e-6, 1e-12
"""What there is of a drug before the first dose, and what is left at the least, in the units in which it is counted."""


@physics
def changes(
    central: float,
    fast: float,
    slow: float,
    effect: float,
    v1: float,
    v2: float,
    v3: float,
    cl1: float,
    cl2: float,
    cl3: float,
    ke0: float,
    infusion: float,
) -> tuple[float, float, float, float]:
    """Rates of change by volumes, clearances (elimination, to the fast, to the slow compartment) and effect site."""
    in_blood = central / v1
    to_fast, to_slow = cl2 * (in_blood - fast / v2), cl3 * (in_blood - slow / v3)
    return infusion - cl1 * in_blood - to_fast - to_slow, to_fast, to_slow, ke0 * (in_blood - effect)


@physics
def total(central: float, fast: float, slow: float) -> float:
    """All of the drug that is in the body."""
    return central + fast + slow


@physics
def after_dose(
    central: float, fast: float, slow: float, effect: float, dose: float
) -> tuple[float, float, float, float]:
    """A dose that is given at once is in the central compartment."""
    return central + dose, fast, slow, effect


@physics
def left(
    central: float, fast: float, slow: float, effect: float, trace: float, haze: float
) -> tuple[float, float, float, float]:
    """What is left weeks after the last dose: no less than traces."""
    return max(central, trace), max(fast, trace), max(slow, trace), max(effect, haze)


def states(amount: str, concentration: str) -> tuple[State | Constant, ...]:
    """Three amounts and the concentration at the effect site: next to nothing before the first dose.

    They are kept as logarithms: they stay above zero, and differ between individuals as their factors do.
    """
    return (
        *(State(name, amount, LogNormal(NOTHING, 0.1)) for name in ("central", "fast", "slow")),
        State("effect", concentration, LogNormal(NOTHING, 0.1)),
        Constant("trace", amount, TRACE),
        Constant("haze", concentration, TRACE),
    )


def factors(spreads: Sequence[float]) -> tuple[Parameter, ...]:
    """How much an individual differs from the typical patient; ``spreads`` are of the logarithms."""
    return tuple(Parameter(name, "1", LogNormal(1.0, sd)) for name, sd in zip(FACTORS, spreads, strict=True))


def doses(amount: str) -> tuple[Input, ...]:
    """An infusion, whose rate is held until the next is told, and doses that are given at once."""
    return Input("infusion", f"{amount}/s"), Input("dose", amount, shape=Shape.EVENT)
