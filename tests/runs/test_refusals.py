"""A run that refuses what it gets says so, and does not flood the log."""

import pytest

from twin_runtime.core import Code, Entry, Reading
from twin_runtime.runs.refusals import QUIET_SECONDS, RefusalLog


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def refused(number: int) -> Entry:
    return Entry(number, Code.MISSING_FIELD, None, f"patient-{number}/abp", b"{}", "neither `value` nor `values`")


def test_the_first_is_reported_at_once_with_topic_and_detail(caplog: pytest.LogCaptureFixture) -> None:
    RefusalLog(Clock()).add([refused(1)])
    expected = "1 readings refused as 'missing-field'; the newest: topic 'patient-1/abp': neither `value` nor `values`"
    assert caplog.messages == [expected]


def test_others_are_counted_until_a_minute_has_passed(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    log = RefusalLog(clock)
    for number in range(100):
        log.add([refused(number), refused(number)])
    assert len(caplog.messages) == 1
    clock.now = QUIET_SECONDS
    log.add([refused(100)])
    assert caplog.messages[1].startswith("199 readings refused as 'missing-field'; the newest: topic 'patient-100/abp'")


def test_each_code_is_reported_for_itself_and_what_is_as_it_should_be_is_not(caplog: pytest.LogCaptureFixture) -> None:
    reading = Reading(0, 0, 17, 1.0, 1.0)
    log = RefusalLog(Clock())
    log.add(
        [Entry(1, Code.LATE, reading), refused(1), Entry(1, Code.ACCEPTED, reading), Entry(1, Code.DUPLICATE, reading)]
    )
    assert len(caplog.messages) == 2
    assert "1 readings refused as 'late'; the newest: a value of event time 17 ns" in caplog.messages


def test_the_end_of_a_run_reports_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    log = RefusalLog(Clock())
    log.add([refused(1)])
    log.add([refused(2), refused(3)])
    log.conclude()
    assert caplog.messages[1].startswith("2 readings refused")
    log.conclude()
    assert len(caplog.messages) == 2
