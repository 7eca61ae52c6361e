"""The parts of a circulation by themselves: the heart's clock, a chamber, a segment of vessels."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from tests.models.patient.regular import constant, course, events, member
from twin_models.patient.chamber import Chamber
from twin_models.patient.rhythm import (
    PEAK_ATRIA,
    PEAK_VENTRICLES,
    RISE_ATRIA,
    RISE_VENTRICLES,
    Rhythm,
    double_hill,
)
from twin_models.patient.segment import Segment
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.variables import Fixed, Prior
from twin_runtime.testing import ModelTests


class TestRhythm(ModelTests):
    inputs = MappingProxyType({"r_peak": (0.6, 1.0), "lengthening": (-0.1, 0.1)})
    tolerance = 1e-5  # a beat of its own comes at the end of a sub-step: to the bit of its clock, not of its quantities
    scale_free = ("one_second",)

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Rhythm(priors)


class TestChamber(ModelTests):
    inputs = MappingProxyType(
        {"activation": (0.0, 1.0), "contractility": (0.5, 1.5), "outside": (-5.0, 5.0), "inflow": (-50.0, 50.0)}
    )

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Chamber(priors)


class TestSegment(ModelTests):
    inputs = MappingProxyType(
        {
            "inflow": (0.0, 50.0),
            "distal_pressure": (0.0, 10.0),
            "constriction": (0.0, 0.5),
            "relaxed": (-20.0, 20.0),
            "outside": (-5.0, 5.0),
        }
    )

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Segment(priors)


@pytest.mark.parametrize(
    ("rise", "fall", "peak"), [(RISE_VENTRICLES, 27.4, PEAK_VENTRICLES), (RISE_ATRIA, 13.1, PEAK_ATRIA)]
)
def test_a_contraction_reaches_one(rise: float, fall: float, peak: float) -> None:
    found = minimize_scalar(
        lambda share: -double_hill(share, rise, fall), bounds=(0.3, 1.2), method="bounded", options={"xatol": 1e-12}
    )
    assert -found.fun == pytest.approx(peak, rel=1e-12)


def test_the_heart_beats_by_itself_at_its_period_and_what_a_reflex_adds() -> None:
    model = Rhythm({"period": Fixed(0.75), "age": Fixed(0.0), "since_peak": Fixed(10.0)})
    times = np.linspace(0.0, 8.5, 4251)
    found = course(model, member(model), times, ["ventricular"], constant(model, {"lengthening": 0.1}))["ventricular"]
    begins = times[1:][(found[:-1] < 0.5) & (found[1:] >= 0.5)]
    assert np.diff(begins) == pytest.approx(np.full(begins.size - 1, 0.85), abs=2.1e-3)  # the spacing of the times


def test_r_peaks_set_the_period_and_atria_contract_before_them() -> None:
    model = Rhythm({"period": Fixed(0.8), "age": Fixed(0.0), "since_peak": Fixed(0.0)})
    peaks = np.arange(1, 41) * 0.7
    times = np.linspace(0.01, 28.99, 2899)
    found = course(model, member(model), times, ["atrial", "heart_rate"], events(model, "r_peak", list(peaks)))
    assert found["heart_rate"][-150] == pytest.approx(1 / 0.7, rel=1e-3)
    settled = (times > 20.0) & (times < 28.0)
    since = (times - 0.7 * np.floor(times / 0.7))[settled][found["atrial"][settled] > 0.99]
    assert (since > 0.6).all()  # late in the cycle: about 0.1 s before the next peak
    assert found["heart_rate"][-1] == pytest.approx(1 / 0.7, rel=1e-3)


def test_a_late_r_peak_is_waited_for_and_then_the_heart_beats_by_itself() -> None:
    model = Rhythm({"period": Fixed(0.8), "age": Fixed(0.0), "since_peak": Fixed(0.0)})
    times = np.linspace(0.001, 3.0, 3000)
    found = course(model, member(model), times, ["ventricular"])["ventricular"]
    begins = times[1:][(found[:-1] < 0.5) & (found[1:] >= 0.5)]
    # The second beat is waited for by a quarter of the period, and begins with the atria, 0.13 s before the ventricles;
    # the next ones have no peak to wait for.
    assert begins[1] - begins[0] == pytest.approx(0.8 + 0.2 + 0.13, abs=3e-3)
    assert begins[3] - begins[2] == pytest.approx(0.8, abs=3e-3)


def test_a_chamber_is_stiffer_by_its_contractility() -> None:
    model = Chamber({"passive": Fixed(0.1), "active": Fixed(2.5), "unstressed": Fixed(10.0), "volume": Fixed(110.0)})
    inputs = {"activation": 0.4, "contractility": 1.2, "outside": -3.0}
    found = model.observe(member(model), 0.0, constant(model, inputs))[0, 0, 0]
    assert found == pytest.approx((0.1 + 1.2 * 2.5 * 0.4) * 100.0 - 3.0)


def test_flow_from_a_segment_approaches_the_ratio_of_pressure_and_resistance() -> None:
    """With the volume held by an inflow of none and no link, L/R = 7.4 ms: after 0.2 s, 27 of them."""
    model = Segment({"volume": Fixed(92.5), "compliance": Fixed(0.925), "resistance": Fixed(0.677)})
    x = member(model)
    course(model, x, np.array([0.2]), ["flow"], constant(model, {"distal_pressure": 10.0, "constriction": 0.123}))
    assert x[0, 0, 1] == pytest.approx((100.0 - 10.0) / 0.8, rel=1e-9)
