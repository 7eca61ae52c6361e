"""The chain from plasma to biomarker, against another integrator and its steady state."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from tests.models.driven import driven
from twin_models.drugs.indirect_response import IndirectResponse
from twin_models.drugs.receptor_chain import ReceptorChain
from twin_runtime.core import FloatArray
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.variables import Fixed, Prior
from twin_runtime.testing import ModelTests

HOUR = 3600.0
# Litres, hours, milligrams: no drug in particular, with a tissue that holds twice the concentration.
VP, CL, Q, K, VT = 3.0, 0.5, 2.0, 2.0, 10.0
KON, KOFF, KSYN, KDEG, KINT = 0.5, 0.2, 1.0, 0.25, 0.4
KS, KD, KIN, IMAX, KOUT = 0.5, 0.3, 0.2, 0.9, 0.2
OUTPUTS = ["plasma.concentration", "tissue.concentration", "tissue.complexes", "response.biomarker"]


class TestReceptorChain(ModelTests):
    inputs = MappingProxyType(
        {
            f"{part}.{name}": limits
            for part in ("plasma", "tissue")
            for name, limits in {"infusion": (0.0, 0.2), "dose": (3.0, 9.0)}.items()
        }
    )
    tick = 2.0

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return ReceptorChain(priors)


class TestIndirectResponse(ModelTests):
    inputs = MappingProxyType({"complexes": (0.0, 10.0)})
    tick = 2.0

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return IndirectResponse(priors)


def chain() -> ReceptorChain:
    hourly = {
        "plasma.clearance": CL, "uptake.exchange": Q, "tissue.clearance": 0.0, "tissue.binding": KON,
        "tissue.unbinding": KOFF, "tissue.synthesis": KSYN, "tissue.degradation": KDEG, "tissue.internalisation": KINT,
        "response.transduction": KS, "response.decay": KD, "response.production": KIN, "response.loss": KOUT,
    }  # fmt: skip
    others = {
        "plasma.volume": VP, "tissue.volume": VT, "uptake.partition": K, "tissue.receptors": KSYN / KDEG,
        "response.inhibition": IMAX, "response.biomarker": 1.0,
    }  # fmt: skip
    return ReceptorChain(
        {name: Fixed(value) for name, value in others.items()}
        | {name: Fixed(value / HOUR) for name, value in hourly.items()}
    )


def equations(_: float, y: FloatArray, infused: float) -> list[float]:
    """The chain as the literature writes it, in hours."""
    cp, ct, r, rc, s, b = y
    over = Q * (cp - ct / K)
    bound = KON * ct * r - KOFF * rc
    return [
        (infused - CL * cp - over) / VP,
        over / VT - bound,
        KSYN - KDEG * r - bound,
        bound - KINT * rc,
        KS * rc - KD * s,
        KIN * (1.0 - IMAX * s / (1.0 + s)) - KOUT * b,
    ]


def test_an_infusion_agrees_with_another_integrator() -> None:
    hours, infused = np.array([0.25, 1.0, 6.0, 24.0]), 4.0
    start = [0.0, 0.0, KSYN / KDEG, 0.0, 0.0, 1.0]
    solved = solve_ivp(equations, (0.0, 24.0), start, "Radau", hours, rtol=1e-11, atol=1e-13, args=(infused,)).y
    found = driven(chain(), OUTPUTS, hours * HOUR, {"plasma.infusion": [(0.0, infused / HOUR)]})
    assert found == pytest.approx(solved[[0, 1, 3, 5]].T, rel=1e-7)


def test_a_long_infusion_settles_where_the_equations_balance() -> None:
    infused = 4.0

    def excess(ct: float) -> float:
        """What an infusion leaves over, with all at rest but the tissue's concentration given."""
        # KSYN = KDEG R + KINT RC and KON Ct R = (KOFF + KINT) RC.
        rc = KSYN / (KINT + KDEG * (KOFF + KINT) / (KON * ct))
        cp = ct / K + KINT * rc * VT / Q
        return infused - CL * cp - KINT * rc * VT

    ct = brentq(excess, 1e-6, 1e3, xtol=1e-14)
    rc = KSYN / (KINT + KDEG * (KOFF + KINT) / (KON * ct))
    s = KS * rc / KD
    expected = [ct / K + KINT * rc * VT / Q, ct, rc, KIN / KOUT * (1.0 - IMAX * s / (1.0 + s))]
    found = driven(chain(), OUTPUTS, [400.0 * HOUR], {"plasma.infusion": [(0.0, infused / HOUR)]})[0]
    assert found == pytest.approx(expected, rel=1e-9)


def test_without_a_drug_the_biomarker_stays() -> None:
    assert driven(chain(), OUTPUTS, [100.0 * HOUR], {})[0] == pytest.approx([0.0, 0.0, 0.0, 1.0], abs=1e-12)
