"""The summary of a calibration: figures for programs, and remarks on how far to trust it."""

import numpy as np
import pytest

from tests.calibration.patients import Simulated, deployment, simulated
from twin_runtime.calibration import EsMda, calibrate, segment_of
from twin_runtime.calibration.calibrate import Calibration, Fit
from twin_runtime.calibration.gram_matrices import Misfit
from twin_runtime.calibration.posterior import Posterior
from twin_runtime.calibration.summary import calibration_summary, provenance, remarks
from twin_runtime.modelling.variables import LogNormal

ASSEMBLY = deployment()


def remarked(patient: Simulated, noise: float = 1.0) -> list[str]:
    segment = segment_of(ASSEMBLY, patient.recording, every=2)
    return list(remarks(calibrate(segment, EsMda(), members=40, noise=noise), noise))


def found(misfit: float, kept: float = 0.1, dropped: int = 0, of_members: float = 0.0) -> Calibration:
    """1000 readings: a misfit has a standard deviation of 0.045 by chance."""
    posterior = Posterior("compliance", "mL/mmHg", LogNormal(1.5, 0.3), LogNormal(1.5, 0.3 * kept))
    last = Misfit(misfit, max(misfit, of_members))
    return Calibration((posterior,), (last,), {"abp": Fit(1000, misfit)}, 40, dropped, 5, ())


def test_a_recording_that_is_explained_calls_for_no_remark() -> None:
    assert remarked(simulated(ASSEMBLY, 1)) == []


def test_noise_that_is_three_times_as_large_as_stated_is_reported_with_what_to_do() -> None:
    """6 mmHg where 2 are stated. Of 250 readings the size of the noise is known to 5 %."""
    patient = simulated(ASSEMBLY, 1, noise=6.0)
    [reported] = remarked(patient)
    assert reported.startswith("abp is missed by ")
    assert "the posteriors are too narrow. With --noise " in reported
    factor = float(reported.partition("--noise ")[2].split()[0])
    assert factor == pytest.approx(3.0, rel=3 * 0.045)
    assert remarked(patient, noise=factor) == []


def test_more_noise_makes_wider_posteriors() -> None:
    segment = segment_of(ASSEMBLY, simulated(ASSEMBLY, 1).recording, every=2)
    narrow, wide = (calibrate(segment, EsMda(), members=40, noise=noise).posteriors for noise in (1.0, 3.0))
    for before, after in zip(narrow, wide, strict=True):
        assert after.posterior.sd == pytest.approx(3.0 * before.posterior.sd, rel=0.4)


def test_noise_that_is_overstated_is_reported() -> None:
    [reported] = remarked(simulated(ASSEMBLY, 1, noise=0.5))
    assert "times its noise: the noise is overstated" in reported


@pytest.mark.parametrize("misfit", [0.6, 0.9, 1.0, 1.1, 1.19])
def test_what_may_be_chance_or_makes_no_difference_is_not_reported(misfit: float) -> None:
    assert list(remarks(found(misfit))) == []


def test_members_that_were_left_out_and_variables_that_learnt_nothing_are_reported() -> None:
    [dropped, unchanged] = remarks(found(1.0, kept=0.95, dropped=3))
    assert dropped == "3 members diverged and were left out; 40 are left"
    assert unchanged == "the recording says next to nothing of compliance: it keeps 95% of its spread"


def test_members_that_have_not_settled_are_reported() -> None:
    """Five variables known from 1000 readings differ by no more than 5/1000 in what they predict."""
    assert list(remarks(found(1.0, of_members=1.005))) == []
    [reported] = remarks(found(1.0, of_members=1.5))
    assert reported.startswith("the members have not settled: their misfit is 1.5, that of their mean 1; give more")


def test_the_figures_are_those_of_the_calibration() -> None:
    segment = segment_of(ASSEMBLY, simulated(ASSEMBLY, 2).recording, every=5)
    calibration = calibrate(segment, EsMda(2), members=30, seed=9)
    reported = calibration_summary(ASSEMBLY, segment, calibration, "es-mda", 9)
    assert (reported["twin"], reported["readings"], reported["members"], reported["seed"]) == ("patient-1", 100, 30, 9)
    assert len(reported["misfits"]) == 3
    assert reported["by_sensor"]["abp"]["misfit"] == pytest.approx(reported["misfits"][-1]["of_mean"])
    for posterior in calibration.posteriors:
        figures = reported["posteriors"][posterior.name]
        assert figures["posterior"]["q05"] < figures["posterior"]["q50"] < figures["posterior"]["q95"]
        assert figures["kept"] == posterior.posterior.sd / posterior.prior.sd
    head = list(provenance("patient.recording.toml", reported, "dawn to dusk"))
    assert head[0] == "Calibrated by patient.recording.toml, twin patient-1, dawn to dusk:"
    assert head[1] == "100 readings, es-mda, 30 members, seed 9."
    assert np.isfinite([float(head[2].split()[3]), float(head[2].split()[5])]).all()
