"""A twin that has diverged from its asset: found by most of its sensors, gate or no gate, and by chance hardly ever."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vvuq.replicates import FORECAST, NOISE, Replicates, fading
from twin_runtime.core import FloatArray, Trust
from twin_runtime.vvuq.checks import complaining
from twin_runtime.vvuq.divergence import Divergence, Response, excess_of_innovations, find_divergence, reinflate
from twin_runtime.vvuq.memory import SENSOR, TWIN, Layout

SD = np.sqrt(FORECAST + NOISE)
WINDOW = fading(400, 1)
PATIENT = Divergence(Response.FLAG, pause=1)


def share_diverged(
    twins: Replicates, ticks: int, off: FloatArray | float = 0.0, how: Divergence = PATIENT
) -> FloatArray:
    """How many of the twins count as diverged after each tick, whose sensors are off by so many sd."""
    seen = np.zeros(ticks)
    for number in range(ticks):
        twins.receive(twins.innovations() + np.asarray(off) * SD)
        twins.number += 1
        find_divergence(how, twins.records)
        seen[number] = (twins.records.twins["diverged"] > 0).mean()
    return seen


class TestSeen:
    @pytest.mark.parametrize("gate", [0.0, 4.0])
    @pytest.mark.parametrize("sensors", [1, 2, 5, 40])
    def test_a_twin_that_is_off_by_five_deviations_is_found_within_a_window(self, sensors: int, gate: float) -> None:
        """All its readings are refused until the gate opens; they count all the same."""
        twin = Replicates(10, sensors, fading=WINDOW, gate=gate, seed=40)
        assert share_diverged(twin, 400).max() == 0.0
        seen = share_diverged(twin, 200, off=5.0)
        assert seen[-1] == 1.0
        assert seen[:10].max() == 0.0

    def test_what_is_beyond_the_limit_a_little_is_seen_and_what_is_within_is_not(self) -> None:
        """Squares of 1 + 1.8^2 = 4.24 and of 3.25, give or take 0.12, against 3 x 1.24 of chance."""
        assert share_diverged(Replicates(1, fading=fading(1000, 1), seed=41), 4000, off=1.8)[-1] == 1.0
        assert share_diverged(Replicates(1, fading=fading(1000, 1), seed=42), 4000, off=1.5).max() == 0.0

    @pytest.mark.parametrize(("sensors", "broken"), [(2, 1), (3, 1), (5, 2), (40, 20)])
    def test_half_of_the_sensors_broken_is_no_divergence_of_the_twin(self, sensors: int, broken: int) -> None:
        off = np.where(np.arange(sensors) < broken, 1e6, 0.0)
        assert share_diverged(Replicates(10, sensors, fading=WINDOW, seed=43), 400, off).max() == 0.0

    @pytest.mark.parametrize(("sensors", "off"), [(1, 1), (2, 2), (3, 2), (5, 3), (40, 21)])
    def test_more_than_half_is(self, sensors: int, off: int) -> None:
        """One sensor or a twin: of a single sensor nobody can tell."""
        far = np.where(np.arange(sensors) < off, 1e6, 0.0)
        assert share_diverged(Replicates(10, sensors, fading=WINDOW, seed=44), 400, far)[-1] == 1.0

    def test_sensors_that_are_silent_have_no_vote(self) -> None:
        twin = Replicates(1, sensors=3, fading=WINDOW, seed=45).live(400)
        for _ in range(2000):
            twin.receive(twin.innovations() + 5.0 * SD, sensors=[1])
            twin.number += 1
        assert excess_of_innovations(twin.records.sensors[0])[0] > Divergence().limit

    def test_spikes_in_one_reading_of_twenty_are_no_divergence(self) -> None:
        """Clipped at 5 they add 1.25 to a mean of 0.95, give or take 0.3, with 3 x 1.37 far off."""
        twin, rng = Replicates(1, fading=WINDOW, seed=46), np.random.default_rng(47)
        for _ in range(2000):
            assert share_diverged(twin, 1, off=1e6 * (rng.random() < 0.05)).max() == 0.0

    def test_a_forecast_that_is_not_finite_is_seen(self) -> None:
        twin = Replicates(1, fading=WINDOW, seed=48)
        for _ in range(50):
            twin.receive(np.full((1, 1), np.nan))
        assert excess_of_innovations(twin.records.sensors[0])[0] > Divergence().limit


class TestChance:
    @pytest.mark.parametrize("members", [8, 24])
    @pytest.mark.parametrize("sensors", [1, 3])
    def test_a_healthy_twin_is_suspected_less_than_once_in_a_hundred_thousand_ticks(
        self, sensors: int, members: int
    ) -> None:
        """None in 4 x 10^5: with 98 % confidence, less than one in 10^5. From the first reading on."""
        twins = Replicates(1000, sensors, members=members, fading=0.99, seed=50 + members)
        assert share_diverged(twins, 400).max() == 0.0

    def test_without_a_limit_beyond_chance_it_would_be_suspected_as_rarely_as_five_deviations_say(self) -> None:
        """With 64 members and a limit of 1, a normal tail of 3 x 10^-7; none in 10^5 is what is to be expected."""
        twins = Replicates(1000, members=64, fading=0.99, seed=52)
        assert share_diverged(twins, 100, how=Divergence(limit=1.0, pause=1)).max() == 0.0


def diverging(response: Response, pause: int, ticks: int) -> tuple[Replicates, list[float]]:
    """A twin that is off by six deviations all the time, and the factors asked for."""
    twin, factors = Replicates(1, sensors=3, fading=WINDOW, seed=60), []
    for _ in range(ticks):
        twin.receive(twin.innovations() + 6.0 * SD)
        twin.number += 1
        factors.append(float(find_divergence(Divergence(response, pause=pause), twin.records)[0]))
        if factors[-1]:
            twin.layout.reset_window(twin.memory, 0)
    return twin, factors


class TestCounted:
    def test_a_divergence_that_is_only_reported_is_one_however_long_it_lasts(self) -> None:
        twin, factors = diverging(Response.FLAG, 5, 400)
        assert factors == [0.0] * 400
        assert twin.records.twins[0].sum_diverged == 1.0

    def test_it_is_over_a_while_after_it_was_last_seen(self) -> None:
        twin, _ = diverging(Response.FLAG, 5, 400)
        twin.layout.reset_window(twin.memory, 0)
        assert share_diverged(twin, 6, how=Divergence(pause=5)).tolist() == [1.0] * 4 + [0.0] * 2

    @pytest.mark.parametrize("pause", [1, 50])
    def test_every_response_is_counted_and_none_follows_before_the_pause_is_over(self, pause: int) -> None:
        """Afresh, a window needs ten readings at least before it speaks."""
        twin, factors = diverging(Response.REINFLATE, pause, 400)
        when = np.flatnonzero(factors)
        assert twin.records.twins[0].sum_diverged == when.size > 3
        assert np.diff(when).min() >= max(pause, 10)

    def test_while_it_lasts_a_twin_is_untrusted(self) -> None:
        twin, _ = diverging(Response.FLAG, 5, 400)
        trust, reasons = twin.judge()
        assert trust[0] == Trust.UNTRUSTED
        assert complaining(twin.checks, reasons, "divergence").all()


class TestFactor:
    @pytest.mark.parametrize("short", [2.0, 4.0])
    def test_it_is_by_what_the_spread_falls_short(self, short: float) -> None:
        """The forecast is so many times further off than it states; clipping hides some of that."""
        twin = Replicates(1, fading=fading(1000, 1), gate=0.0, seed=61)
        for _ in range(2500):
            off = short * twin.rng.normal(0.0, FORECAST**0.5, (1, 1)) + twin.rng.normal(0.0, NOISE**0.5, (1, 1))
            twin.receive(off)
        _, factor = excess_of_innovations(twin.records.sensors[0])
        assert 0.7 * short < factor < 1.1 * short

    @given(st.integers(0, 2**32), st.integers(2, 30), st.floats(1.0, 100.0))
    def test_anomalies_grow_by_it_up_to_the_prior(self, seed: int, members: int, factor: float) -> None:
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(members, 4)) * [1.0, 1.0, 20.0, 0.0] + [0.0, 1e3, 0.0, 5.0]
        prior_sd, before = np.array([10.0, 10.0, 10.0, 10.0]), x.copy()
        reinflate(x, factor, prior_sd, np.array([0, 2, 3]))
        sd, was = x.std(axis=0, ddof=1), before.std(axis=0, ddof=1)
        assert sd[0] == pytest.approx(max(was[0], min(factor * was[0], 10.0)), rel=1e-9)
        np.testing.assert_allclose(x.mean(axis=0), before.mean(axis=0), rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(x[:, [1, 3]], before[:, [1, 3]])
        if was[2] >= 10.0:
            np.testing.assert_array_equal(x[:, 2], before[:, 2])


def test_what_is_reset_is_the_window_and_what_is_remembered_of_inflation() -> None:
    layout = Layout(sensors=2, inputs=1, variables=3)
    memory = np.ones((2, layout.width))
    layout.reset_window(memory, 1)
    assert (memory[0] == 1.0).all()
    records = layout.records(memory)
    for row, dtype in ((records.twins[1], TWIN), *((sensor, SENSOR) for sensor in records.sensors[1])):
        for name in dtype.names or ():
            assert np.all(row[name] == (0.0 if name.startswith("window_") else 1.0)), name
    assert all(np.isnan(column[1]).all() for column in layout.by_variable(memory))
    assert all((column == 1.0).all() for column in layout.by_input(memory))
