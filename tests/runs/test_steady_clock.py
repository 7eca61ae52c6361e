"""A system clock that is set while readings go on, or with which they go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_runtime.core import SECOND
from twin_runtime.runs.steady_clock import SteadyClock

START = 1_700_000_000 * SECOND
HOUR = 3600 * SECOND


class Machine:
    """Two clocks of a machine, the senders' clock, and what a run makes of them."""

    def __init__(self) -> None:
        self.uptime, self.set_by, self.senders = 0, 0, START
        self.clock = SteadyClock(lambda: START + self.uptime + self.set_by, lambda: self.uptime)

    def live(self, seconds: float, readings: int = 10) -> None:
        """Time passes, with readings that arrive as they are measured."""
        for _ in range(readings):
            step = round(seconds * SECOND / readings)
            self.uptime, self.senders = self.uptime + step, self.senders + step
            self.clock.compare(self.senders, self.uptime)
            self.clock.go_by((0, 0, 0), self.senders, 5 * SECOND)

    @property
    def error(self) -> float:
        """How far the clock of the run is from the senders'."""
        return (self.clock.now() - self.senders) / SECOND


@pytest.mark.parametrize("step", [HOUR, -HOUR, 2 * SECOND, -90_000 * SECOND])
def test_a_step_that_readings_do_not_take_is_not_followed(step: int, caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    machine.live(10)
    machine.set_by = step
    machine.live(60)
    assert (machine.error, machine.clock.steps) == (0, 0)
    assert caplog.text.count("readings go on as before: not followed") == 1
    machine.set_by = 0
    machine.live(10)
    assert machine.error == 0


@pytest.mark.parametrize("step", [HOUR, -HOUR, 2 * SECOND])
def test_a_step_that_readings_take_too_is_followed(step: int, caplog: pytest.LogCaptureFixture) -> None:
    """As where one time server sets all clocks."""
    machine = Machine()
    machine.live(10)
    machine.set_by = step
    machine.senders += step
    machine.live(2, readings=2)
    assert machine.error == -step / SECOND
    machine.live(1, readings=1)
    assert (machine.error, machine.clock.steps) == (0, 1)
    assert caplog.text.count("readings go with it: followed") == 1


def test_a_suspended_machine_comes_to_the_time_of_its_readings() -> None:
    machine = Machine()
    machine.live(10)
    machine.set_by = HOUR  # the monotonic clock stood still meanwhile, the sensors did not
    machine.senders += HOUR
    machine.live(1)
    assert machine.error == 0


def test_several_readings_of_one_message_count_once() -> None:
    machine = Machine()
    machine.set_by = HOUR
    for _ in range(10):
        machine.clock.compare(machine.senders + HOUR, arrival=7)
    assert machine.clock.steps == 0


@given(drift=st.integers(-999_000_000, 999_000_000))
def test_drift_is_followed_at_once(drift: int) -> None:
    machine = Machine()
    machine.set_by = machine.senders = drift
    machine.senders += START
    machine.live(0.1, readings=1)
    assert machine.error == 0
    assert machine.clock.steps == 0


def test_without_readings_it_goes_on_as_before() -> None:
    machine = Machine()
    machine.set_by = HOUR
    machine.uptime += 10 * SECOND
    assert machine.clock.now() == START + 10 * SECOND


def test_one_reading_does_not_decide() -> None:
    machine = Machine()
    machine.set_by = HOUR
    machine.clock.compare(machine.senders + HOUR, 1)
    machine.live(10)
    assert (machine.error, machine.clock.steps) == (0, 0)


class TestAWrongClock:
    """From the start on: nothing is known of it but by the readings."""

    @pytest.mark.parametrize("wrong", [20 * SECOND, HOUR, 90_000 * SECOND, -20 * SECOND, -HOUR])
    def test_the_run_goes_by_the_readings(self, wrong: int, caplog: pytest.LogCaptureFixture) -> None:
        machine = Machine()
        machine.senders -= wrong
        machine.live(1)
        assert machine.error == wrong / SECOND
        machine.live(3)
        assert (machine.error, machine.clock.steps, machine.clock.ahead) == (0, 1, wrong)
        which = "ahead of" if wrong > 0 else "behind"
        assert caplog.text.count(f"the clock of this machine is {which} the senders'") == 1
        machine.live(600)
        assert (machine.error, machine.clock.steps) == (0, 1)

    def test_it_may_be_set_right_while_the_run_goes_on(self, caplog: pytest.LogCaptureFixture) -> None:
        machine = Machine()
        machine.senders -= HOUR
        machine.live(10)
        machine.set_by = -HOUR
        machine.live(10)
        assert (machine.error, machine.clock.ahead) == (0, 0)
        assert caplog.messages[1:] == ["the system clock agrees with the readings again"]
        machine.set_by += SECOND // 2
        machine.live(1)
        assert machine.error == 0.5

    def test_or_be_set_wrong_in_another_way(self) -> None:
        machine = Machine()
        machine.senders -= HOUR
        machine.live(10)
        machine.set_by = 7 * HOUR
        machine.live(10)
        assert machine.error == 0
        machine.senders += 7 * HOUR
        machine.live(10)
        assert machine.error == 0

    def test_senders_that_hold_readings_back_for_less_than_the_lateness_are_left_alone(self) -> None:
        machine = Machine()
        machine.senders -= 4 * SECOND
        machine.live(100)
        assert (machine.error, machine.clock.steps) == (4, 0)
