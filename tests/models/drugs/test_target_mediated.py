"""Target-mediated disposition: what stays the same exactly, the binding equilibrium, and another integrator."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from tests.models.driven import driven
from twin_models.drugs.target_mediated import HOUR, TargetMediated
from twin_runtime.core import FloatArray
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.variables import Fixed, Prior
from twin_runtime.testing import ModelTests

VOLUME = 3.5
KEL, KON, KOFF, KIN, KOUT, KINT = 0.0015, 0.091, 0.001, 0.11, 0.0089, 0.003
"""Per hour, mg/L: Peletier & Gabrielsson 2012; receptors begin at KIN / KOUT."""
DOSE = 15.0 * 70.0
HOURS = np.array([0.5, 2.0, 12.0, 24.0])


class TestTargetMediated(ModelTests):
    inputs = MappingProxyType({"infusion": (0.0, 0.2), "dose": (3.0, 9.0)})
    tick = 2.0

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return TargetMediated(priors)


def found(rates: Mapping[str, float], outputs: Sequence[str], receptors: float = KIN / KOUT) -> FloatArray:
    """Outputs at some hours after a dose, with rates per hour as published but for some."""
    published = {"binding": KON, "unbinding": KOFF, "synthesis": KIN, "degradation": KOUT, "internalisation": KINT}
    hourly = {**published, "clearance": KEL * VOLUME, **rates}
    priors = {name: Fixed(rate / HOUR) for name, rate in hourly.items()}
    model = TargetMediated({**priors, "volume": Fixed(VOLUME), "receptors": Fixed(receptors)})
    return driven(model, outputs, HOURS * HOUR, {"dose": [(0.0, DOSE)]})


def receptors_in_all(values: FloatArray) -> FloatArray:
    """Free and bound, from complexes and the occupancy."""
    return np.asarray(values[:, 0] / values[:, 1])


def test_receptors_that_are_neither_made_nor_lost_stay_as_many() -> None:
    values = found({"synthesis": 0.0, "degradation": 0.0, "internalisation": 0.0}, ["complexes", "occupancy"])
    assert receptors_in_all(values) == pytest.approx(np.full(4, KIN / KOUT), rel=1e-10)


def test_receptors_that_are_lost_bound_as_fast_as_free_stay_as_many() -> None:
    values = found({"internalisation": KOUT}, ["complexes", "occupancy"])
    assert receptors_in_all(values) == pytest.approx(np.full(4, KIN / KOUT), rel=1e-10)


def test_a_drug_that_nothing_takes_stays_as_much() -> None:
    values = found({"clearance": 0.0, "internalisation": 0.0}, ["amount"])
    assert values[:, 0] == pytest.approx(np.full(4, DOSE), rel=1e-10)


def test_binding_alone_ends_in_the_equilibrium_of_mass_action() -> None:
    none = {"clearance": 0.0, "synthesis": 0.0, "degradation": 0.0, "internalisation": 0.0}
    free, bound = found({**none, "unbinding": 1.0}, ["concentration", "complexes"], receptors=200.0)[-1]
    drug, receptors, dissociation = DOSE / VOLUME, 200.0, 1.0 / KON
    half = 0.5 * (drug + receptors + dissociation)
    complexes = half - math.sqrt(half**2 - drug * receptors)
    assert bound == pytest.approx(complexes, rel=1e-9)
    assert free == pytest.approx(drug - complexes, rel=1e-9)


def test_the_published_case_agrees_with_another_integrator() -> None:
    def rates(_: float, y: FloatArray) -> list[float]:
        c, r, rc = y
        bound = KON * c * r - KOFF * rc
        return [-KEL * c - bound, KIN - KOUT * r - bound, bound - KINT * rc]

    start = [DOSE / VOLUME, KIN / KOUT, 0.0]
    theirs = solve_ivp(rates, (0.0, HOURS[-1]), start, "Radau", HOURS, rtol=1e-10, atol=1e-12).y[[0, 2]].T
    assert found({}, ["concentration", "complexes"]) == pytest.approx(theirs, rel=1e-7)
