"""A twin calibrated over a recording whose truth is known."""

from functools import cache

import numpy as np
import pytest

from tests.calibration.patients import Simulated, deployment, simulated
from twin_runtime.calibration import Calibration, EsMda, Ies, Smoother, calibrate, segment_of
from twin_runtime.calibration.posterior import interval
from twin_runtime.config import Config
from twin_runtime.errors import ConfigError
from twin_runtime.modelling.model import physical
from twin_runtime.runs.assembly import Assembly, assemble

TREE = ("resistance", "compliance", "impedance")
METHODS = (EsMda(), Ies())


@cache
def assembly() -> Assembly:
    return deployment()


def calibrated(patient: Simulated, smoother: Smoother = METHODS[0], *, members: int = 60, seed: int = 1) -> Calibration:
    """By every fifth reading: 25 a second."""
    return calibrate(segment_of(assembly(), patient.recording, every=5), smoother, members=members, seed=seed)


@pytest.mark.parametrize("smoother", METHODS, ids=lambda smoother: type(smoother).__name__)
def test_the_truth_lies_in_the_90_percent_intervals_as_often_as_it_should(smoother: Smoother) -> None:
    """20 trees, each drawn from the prior and measured with noise: of 20, 14 or more are in, but once in 420 times.

    That is the binomial distribution for each of three parameters: together a false alarm once in 140 times.
    """
    inside = dict.fromkeys(TREE, 0)
    for seed in range(20):
        patient = simulated(assembly(), seed)
        model = assembly().types[0].fleet.model
        truth = dict(zip((v.name for v in model.variables), physical(patient.truth, model.variables), strict=True))
        found = calibrated(patient, smoother, seed=seed)
        for posterior in found.posteriors:
            _, low, high = interval(posterior.posterior)
            inside[posterior.name] += low <= truth[posterior.name] <= high
            assert posterior.kept < 0.2
        assert found.by_sensor["abp"].misfit == pytest.approx(1.0, abs=4.5 * np.sqrt(2 / 100))
    assert min(inside.values()) >= 14


class TestOnePatient:
    patient = simulated(assembly(), 3)

    def test_the_same_input_and_seed_give_the_same_bits(self) -> None:
        for smoother in METHODS:
            first, again = (calibrated(self.patient, smoother) for _ in range(2))
            assert repr(first) == repr(again)
            assert repr(calibrated(self.patient, smoother, seed=2)) != repr(first)

    def test_both_methods_agree(self) -> None:
        one, other = (calibrated(self.patient, smoother, members=100).posteriors for smoother in METHODS)
        for ours, theirs in zip(one, other, strict=True):
            # Means of 100 members have errors of a tenth of their spread each, their spreads of 7 %.
            assert abs(ours.posterior.centre - theirs.posterior.centre) < 0.5 * theirs.posterior.sd
            assert ours.posterior.sd == pytest.approx(theirs.posterior.sd, rel=0.35)

    def test_it_does_not_change_with_the_other_twins_of_the_fleet(self) -> None:
        [twin_type] = assembly().config.types
        two = twin_type.twin.model_copy(update={"twins": ("patient-0", "patient-1")})
        fleet = Config.of(twin_type.model_copy(update={"twin": two}))
        segment = segment_of(assemble(fleet), self.patient.recording, "patient-1", every=5)
        assert repr(calibrate(segment, METHODS[0], members=60, seed=1)) == repr(calibrated(self.patient))

    def test_parameters_can_be_chosen_and_the_others_take_part_all_the_same(self) -> None:
        segment = segment_of(assembly(), self.patient.recording, every=5)
        [chosen] = calibrate(segment, METHODS[0], members=60, seed=1, names=["compliance"]).posteriors
        assert chosen == next(p for p in calibrated(self.patient).posteriors if p.name == "compliance")

    @pytest.mark.parametrize("name", ["complience", "p_c", "flow_scale"])
    def test_what_is_no_uncertain_parameter_cannot_be_chosen(self, name: str) -> None:
        segment = segment_of(assembly(), self.patient.recording, every=5)
        with pytest.raises(ConfigError, match=f"has no uncertain parameter '{name}'; remedy"):
            calibrate(segment, METHODS[0], names=[name])

    def test_progress_is_reported_tick_by_tick(self) -> None:
        ran: list[int] = []
        segment = segment_of(assembly(), self.patient.recording, every=5)
        calibrate(segment, EsMda(2), members=10, progress=ran.append)
        assert sum(ran) == 3 * len(segment) == 300


def test_what_is_unidentifiable_is_reported() -> None:
    """More flow through a wider and softer tree is the same pressure."""
    scaled = deployment(priors={"flow_scale": {"lognormal": [1.0, 0.3]}})
    segment = segment_of(scaled, simulated(scaled, 1).recording, every=5)
    found = calibrate(segment, METHODS[0], members=60)
    [unidentifiable] = found.unidentifiable
    assert unidentifiable.startswith("abp cannot tell ")
    assert "flow_scale" in unidentifiable
    # The four share one direction, which keeps all of its spread: with 1000 members, 0.56 of that of three of them.
    assert min(posterior.kept for posterior in found.posteriors if posterior.name != "impedance") > 0.3


def test_a_model_without_anything_uncertain_cannot_be_calibrated() -> None:
    known = {name: {"fixed": 1.0} for name in TREE}
    certain = deployment(priors=known)
    segment = segment_of(certain, TestOnePatient.patient.recording, every=5)
    with pytest.raises(ConfigError, match="has no uncertain parameter; remedy: give one a prior with a spread"):
        calibrate(segment, METHODS[0])
