"""A sensor of a recorded stream fails for a minute: what must be noticed is, and in time."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.streaming.faults import noticed
from tests.streaming.streams import ARTERY, FRONT, PIPE, Stream
from twin_runtime.core import SECOND, Trust

Finder = Callable[[str], Path]


def patience(stream: Stream, allowed: int | None) -> float:
    """So many seconds until trust must have fallen: what a sensor is allowed, and the ticks that distrust must last."""
    config = stream.config()
    return ((allowed or 0) + config.types[0].trust.degraded_after + 2 * config.types[0].twin.tick) / SECOND


@pytest.mark.slow
@pytest.mark.parametrize("stream", [ARTERY, PIPE], ids=lambda stream: stream.name)
class TestOneMinute:
    def test_a_sensor_that_is_well_is_trusted(self, stream: Stream, recording: Finder) -> None:
        assert noticed(stream, stream.recorded(recording(stream.folder).parent), "none").worst == Trust.TRUSTED

    def test_silence_is_noticed_once_it_is_stale(self, stream: Stream, recording: Finder) -> None:
        found = noticed(stream, stream.recorded(recording(stream.folder).parent), "dropped for a minute")
        assert found.after is not None
        assert found.after <= patience(stream, stream.config().types[0].sensors[stream.sensor].stale)
        assert found.checks == ("age",)
        assert found.recovered is not None
        assert found.recovered < 60.0

    def test_a_large_bias_is_noticed(self, stream: Stream, recording: Finder) -> None:
        found = noticed(stream, stream.recorded(recording(stream.folder).parent), "bias of 10 sd for a minute")
        assert found.after is not None
        assert found.after < 60.0
        assert "jump" in found.checks


@pytest.mark.slow
def test_an_outlet_that_stands_still_while_a_front_passes_is_noticed_before_half_of_it_has(recording: Finder) -> None:
    found = noticed(FRONT, FRONT.recorded(recording(FRONT.folder).parent), "stuck for a minute")
    assert found.after is not None
    assert found.after < 40.0
    assert found.worst == Trust.UNTRUSTED


@pytest.mark.slow
def test_a_pressure_that_stands_still_is_noticed_and_not_trusted(recording: Finder) -> None:
    found = noticed(ARTERY, ARTERY.recorded(recording(ARTERY.folder).parent), "stuck for a minute")
    assert found.after is not None
    assert found.after <= patience(ARTERY, ARTERY.config().types[0].sensors["abp"].frozen)
    assert found.worst == Trust.UNTRUSTED
    assert "frozen" in found.checks
    assert found.recovered is not None
    assert found.recovered < 60.0
