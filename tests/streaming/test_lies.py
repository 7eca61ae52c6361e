"""A sensor that lies for a minute: what contradicts the physics or another sensor is named, in time."""

import pytest

from tests.streaming.lies import Deceived, Verdict, found, subjects

ARTERY, ONE_GAUGE, TWO_GAUGES = subjects()


def named(verdict: Verdict, check: str, within: float) -> bool:
    """Whether a check is among the reasons, and trust fell in time."""
    after = verdict.noticed.after
    return after is not None and after <= within and check in verdict.noticed.checks


@pytest.mark.parametrize("subject", [ONE_GAUGE, TWO_GAUGES], ids=lambda subject: subject.name)
def test_an_honest_gauge_is_believed(subject: Deceived) -> None:
    verdict = found(subject, "none")
    assert verdict.noticed.after is None
    assert verdict.believed == 1.0
    assert verdict.inside > 0.9


def test_a_gauge_that_jumps_makes_its_twin_untrusted_at_once() -> None:
    verdict = found(ONE_GAUGE, "bias of 10 sd")
    assert named(verdict, "divergence", within=20.0)
    assert verdict.untrusted is not None
    assert verdict.untrusted <= 20.0


def test_a_recording_put_before_the_twin_is_noticed() -> None:
    verdict = found(ONE_GAUGE, "replayed, of 90 s before")
    assert named(verdict, "divergence", within=20.0)
    assert verdict.untrusted is not None


def test_a_gauge_that_stands_still_is_named() -> None:
    allowed = 10.0 + 3.0 + 2.0  # `frozen`, `degraded_after` and two ticks
    assert named(found(ONE_GAUGE, "frozen"), "frozen", within=allowed)


@pytest.mark.parametrize("lie", ["bias of 3 sd", "ramp to 10 sd", "scaled by 1.1"])
def test_a_second_gauge_contradicts(lie: str) -> None:
    assert named(found(TWO_GAUGES, lie), "innovation", within=60.0)


@pytest.mark.slow
def test_a_pressure_that_is_frozen_or_replayed_is_untrusted_within_seconds() -> None:
    for lie in ("frozen", "replayed, of 90 s before"):
        verdict = found(ARTERY, lie)
        assert verdict.untrusted is not None
        assert verdict.untrusted <= 5.0
