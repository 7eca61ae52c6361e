"""What sensors cannot tell: a direction in which readings leave the prior as it was."""

from dataclasses import replace

import numpy as np
import pytest

from tests.tank import DIPSTICK, START, TICK, Tank, gauge, tanks
from tests.ward import EPOCH, ward
from twin_runtime.core import SECOND, RawReading, Reading
from twin_runtime.engine.fleet import Fleet
from twin_runtime.engine.tick import laid_out
from twin_runtime.modelling.variables import Fixed, Normal, Prior
from twin_runtime.runs.replay import replay_recording
from twin_runtime.testing import MemoryRecording
from twin_runtime.vvuq.identifiability import Interval, Unidentifiable, unidentifiable
from twin_simulators.patient import Patient


def tank(level: Prior, sill: Prior) -> Fleet:
    """A tank that does not leak: every reading is level + sill with an error, which is linear and Gaussian."""
    return replace(tanks(1), model=Tank(priors={"level": level, "leak": Fixed(0.0), "sill": sill}))


def of_ticks(fleet: Fleet, readings: dict[int, list[Reading]]) -> list[Unidentifiable]:
    state = fleet.start()
    ticks = (laid_out(fleet, state.memory, number, of_tick, None) for number, of_tick in readings.items())
    intervals = (Interval(fleet.seconds, drive, seen.points, seen.variance) for drive, seen in ticks)
    return unidentifiable(fleet.model, [sensor.name for sensor in fleet.sensors], state.x[0], intervals)


def found_in(fleet: Fleet, readings: list[Reading]) -> list[Unidentifiable]:
    numbers = range(START, START + 10)
    return of_ticks(fleet, {number: [r for r in readings if r.time // TICK == number] for number in numbers})


class TestLinearGaussian:
    """Bayes by hand: the posterior precision is 1 / prior variance + readings / variance of a reading."""

    def test_a_direction_that_no_reading_informs_keeps_its_prior(self) -> None:
        """Level and sill add up: their difference, in units of their priors, is out of reach."""
        fleet = tank(Normal(1.0, 0.3), Normal(0.0, 0.3))
        [found] = found_in(fleet, [gauge(n, 1.0) for n in range(10)])
        assert set(found.variables) == {"level", "sill"}
        assert found.kept == pytest.approx(1.0, abs=1e-6)
        assert found.text.startswith("gauge and dipstick cannot tell ")
        assert found.text.endswith(" apart: together they keep 100% of their prior spread")

    @pytest.mark.parametrize("readings", [1, 3, 7])
    def test_what_few_readings_leave_is_what_bayes_leaves(self, readings: int) -> None:
        fleet = tank(Normal(1.0, 0.06), Fixed(0.0))
        posterior = (1 / 0.06**2 + readings / 0.1**2) ** -0.5
        [found] = found_in(fleet, [gauge(n, 1.0) for n in range(readings)])
        assert found.variables == ("level",)
        assert found.kept == pytest.approx(posterior / 0.06, abs=1e-6)
        assert (
            found.text
            == f"gauge and dipstick say nothing of level: it keeps {posterior / 0.06:.0%} of its prior spread"
        )

    def test_with_unequal_priors_the_direction_leans_to_the_narrow_one(self) -> None:
        """Orthogonal to (0.3, 0.05) / 0.1, and so nearly all sill, which two sensors with many readings leave alone."""
        fleet = tank(Normal(1.0, 0.3), Normal(0.0, 0.05))
        readings = [gauge(n, 1.0) for n in range(10)]
        [found] = found_in(fleet, [*readings, *(r._replace(channel=DIPSTICK, time=r.time + 1) for r in readings)])
        assert found.variables == ("sill",)
        assert found.kept == pytest.approx(1.0, abs=1e-6)

    def test_readings_enough_leave_nothing_to_report(self) -> None:
        fleet = tank(Normal(1.0, 0.3), Fixed(0.0))
        assert found_in(fleet, [gauge(n, 1.0) for n in range(10)]) == []

    def test_without_readings_or_without_anything_uncertain_there_is_nothing_to_say(self) -> None:
        assert found_in(tanks(1), []) == []
        assert found_in(tank(Fixed(1.0), Fixed(0.0)), [gauge(0, 1.0)]) == []

    def test_it_changes_nothing(self) -> None:
        fleet = tanks(1)
        state = fleet.start()
        drive, seen = laid_out(fleet, state.memory, START, [gauge(0, 1.0)], None)
        before = state.x.tobytes()
        unidentifiable(fleet.model, ["gauge"], state.x[0], [Interval(fleet.seconds, drive, seen.points, seen.variance)])
        assert state.x.tobytes() == before


@pytest.fixture(scope="module")
def measured() -> MemoryRecording:
    """Pressure and flow of a patient for 10 s."""
    noise = np.random.default_rng(11)
    signals = {signal.channel: signal for signal in Patient().simulate(10.0, seed=11).signals}
    return MemoryRecording(
        RawReading("patient-0", channel, EPOCH + int(time), float(value + error))
        for channel, sd in (("abp", 2.0), ("flow", 0.0))
        for time, value in zip(signals[channel].times, signals[channel].values, strict=True)
        for error in (sd * noise.normal(),)
    )


class TestWindkessel:
    """A patient whose tree is to be found from what is measured."""

    @staticmethod
    def reported(measured: MemoryRecording, flow_scale: dict[str, object]) -> dict[str, list[str]]:
        assembly = ward(members=32, lateness="4 s", priors={"flow_scale": flow_scale})
        found: dict[str, list[str]] = replay_recording(assembly, measured)["unidentifiable"]
        return found

    def test_with_the_flow_known_everything_is_identifiable(self, measured: MemoryRecording) -> None:
        assert self.reported(measured, {"fixed": 1.0}) == {}

    def test_with_the_scale_of_the_flow_unknown_pressure_cannot_tell_it_from_the_tree(
        self, measured: MemoryRecording
    ) -> None:
        """More flow through a wider and softer tree is the same pressure: exactly one direction."""
        [(twin, [says])] = self.reported(measured, {"lognormal": [1.0, 0.3]}).items()
        assert twin == "patient-0"
        for name in ("flow_scale", "resistance", "compliance"):
            assert name in says
        assert "keep 100%" in says


def test_a_tick_is_a_second_of_no_consequence() -> None:
    """The stories above use ticks of 40 ms: nothing of the direction depends on that."""
    fleet = replace(tank(Normal(1.0, 0.06), Fixed(0.0)), tick=SECOND)
    [found] = of_ticks(fleet, {5: [Reading(0, 0, 5 * SECOND + 1, 1.0, 0.1)]})
    assert found.kept == pytest.approx((1 + 0.36) ** -0.5, abs=1e-6)
