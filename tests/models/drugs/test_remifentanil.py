"""Remifentanil against the published curves of Minto's model, and against a matrix exponential."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest
from scipy.linalg import expm

from tests.models.driven import driven
from twin_models.drugs.remifentanil import Remifentanil
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.variables import Prior
from twin_runtime.testing import ModelTests

MINUTE = 60.0
PATIENTS = {"age": (20.0, 85.0), "weight": (45.0, 110.0), "height": (150.0, 195.0), "male": (0.0, 1.0)}
"""Whom the two population models were made of."""


class TestRemifentanil(ModelTests):
    inputs = MappingProxyType({"infusion": (0.0, 5.0), "dose": (3.0, 9.0), **PATIENTS})
    tick = 2.0
    scale_free = ("trace", "haze")  # so little that no formula shows it

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Remifentanil(priors)


def test_the_effect_of_a_dose_peaks_when_and_where_minto_has_it() -> None:
    # A man of 40 years, 70 kg, 170 cm, 1 ug/kg: 4.094 ng/mL after 1.434 min, computed by PyTCI 1.2 as well.
    seconds = np.arange(1.0, 200.0)
    effect = driven(Remifentanil(), ["effect"], seconds, {"dose": [(0.0, 70.0)]})[:, 0]
    peak = int(effect.argmax())
    assert effect[peak] == pytest.approx(4.094, abs=5e-4)
    assert seconds[peak] / MINUTE == pytest.approx(1.434, abs=0.5 / MINUTE)


def test_an_infusion_into_an_old_woman_is_the_matrix_exponential_of_her_rates() -> None:
    # Age 80, 60 kg, 160 cm: James's lean mass 1.07 W - 148 (W/H)^2; Minto 1997, table 3. 20 min at 100 ug/min.
    lean, years = 1.07 * 60 - 148 * (60 / 160) ** 2, 40.0
    v1, v2, v3 = 5.1 - 0.0201 * years + 0.072 * (lean - 55), 9.82 - 0.0811 * years + 0.108 * (lean - 55), 5.42
    cl1, cl2, cl3 = 2.6 - 0.0162 * years + 0.0191 * (lean - 55), 2.05 - 0.0301 * years, 0.076 - 0.00113 * years
    ke0 = 0.595 - 0.007 * years
    rates = np.array(
        [
            [-(cl1 + cl2 + cl3) / v1, cl2 / v1, cl3 / v1, 0.0, 1.0 / v1],
            [cl2 / v2, -cl2 / v2, 0.0, 0.0, 0.0],
            [cl3 / v3, 0.0, -cl3 / v3, 0.0, 0.0],
            [ke0, 0.0, 0.0, -ke0, 0.0],
            [0.0] * 5,
        ]
    )
    infused = expm(20.0 * rates) @ [0, 0, 0, 0, 100.0]
    washed_out = expm(40.0 * rates) @ [*infused[:4], 0.0]
    woman = {"age": [(0.0, 80.0)], "weight": [(0.0, 60.0)], "height": [(0.0, 160.0)], "male": [(0.0, 0.0)]}
    given = {"infusion": [(0.0, 100.0 / MINUTE), (20 * MINUTE, 0.0)], **woman}
    found = driven(Remifentanil(), ["concentration", "effect"], [20 * MINUTE, 60 * MINUTE], given)
    assert found == pytest.approx(np.array([infused[[0, 3]], washed_out[[0, 3]]]), rel=1e-7)
