"""A twin that diverges from its asset: flagged, spread out or drawn again, whatever the order of the readings."""

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest

from twin_models.lorenz96 import Lorenz96
from twin_runtime.assimilation import Etkf, Inflation
from twin_runtime.core import SECOND, FleetState, FloatArray, Reading, Trust
from twin_runtime.engine.fleet import Fleet, Sensor
from twin_runtime.engine.tick import tick
from twin_runtime.modelling.signals import InputSignals, no_points
from twin_runtime.timeline.timeline import Timeline
from twin_runtime.vvuq.checks import CHECKS, complaining
from twin_runtime.vvuq.divergence import Divergence, Response
from twin_runtime.vvuq.memory import by_twin

SIZE, TWINS, TICK = 8, 4, SECOND // 20
KICK, END = 150, 500
"""Ticks after which every ensemble is thrown off, and after which the story ends."""
REST = 100
"""Ticks: half of the window of 10 s."""
RING = Lorenz96(SIZE, start=4.0)
"""A short ring; its prior is as wide as the states that it goes through."""


def fleet(response: Response, rest: int = REST, twins: int = TWINS) -> Fleet:
    """Twins of a ring on which everything is observed.

    With this seed all are lost when they are thrown off, and all come back: of 25 seeds that held for two.
    """
    return Fleet(
        model=RING,
        twins=tuple(f"ring-{i}" for i in range(twins)),
        sensors=tuple(Sensor(f"u{k + 1}", k, 1.0) for k in range(SIZE)),
        driven=(),
        tick=TICK,
        seed=7,
        members=24,
        method=Etkf(rotate=True),
        inflation=Inflation(1.02),
        checks=CHECKS,
        divergence=Divergence(response, pause=rest),
    )


@cache
def truth(ticks: int = END) -> FloatArray:
    """The ring itself at the end of every tick, on its attractor."""
    x, none = np.eye(1, SIZE)[None].copy(), np.empty((1, 0, 0))
    states = np.empty((1000 + ticks, SIZE))
    for state in states:
        RING.advance(x, 0.05, InputSignals(none, none, np.ones(1)), no_points(1), np.empty((1, 1, 0)), np.zeros(1))
        state[:] = x[0, 0]
    return states[1000:]


@cache
def readings(number: int, twins: int = TWINS) -> list[Reading]:
    """Everything on the ring at the end of a tick, with noise of variance 1."""
    noise = np.random.default_rng([7, number]).normal(size=(twins, SIZE))
    moment = (number + 1) * TICK - 1
    values = (truth()[number] + noise).tolist()
    return [Reading(i, k, moment, values[i][k], 1.0) for i in range(twins) for k in range(SIZE)]


def astray(number: int, twins: int = TWINS) -> list[Reading]:
    """What no ring reads."""
    return [reading._replace(value=reading.value + 30.0) for reading in readings(number, twins)]


class Story(NamedTuple):
    """The error ``[tick, twin]``, whether each twin was reported to have diverged, its trust, and the last state."""

    error: FloatArray
    reported: FloatArray
    trust: FloatArray
    state: FleetState


@cache
def story(response: Response, kick: float = 6.0) -> Story:
    """Twins that follow the ring, are thrown off by so much in every variable, and are left to themselves."""
    twins, rows = fleet(response), np.arange(TWINS)
    state = twins.start()
    error, reported, trust = np.empty((3, END, TWINS))
    for number in range(END):
        if number == KICK:
            thrown = np.random.default_rng(5).normal(0.0, kick, (TWINS, 1, SIZE)) if kick else 0.0
            state = replace(state, x=state.x + thrown)
        state, record = tick(twins, state, number, readings(number), rows)
        error[number] = np.sqrt(((state.x.mean(axis=1) - truth()[number]) ** 2).mean(axis=1))
        reported[number], trust[number] = complaining(twins.checks, record.reasons, "divergence"), record.trust
    return Story(error, reported, trust, state)


def counted(state: FleetState) -> FloatArray:
    return by_twin(state.memory)["sum_diverged"]


class TestThrownOff:
    @pytest.mark.parametrize("response", Response)
    def test_it_is_reported_within_half_a_window_and_not_before(self, response: Response) -> None:
        reported = story(response).reported
        assert not reported[:KICK].any()
        assert reported[KICK : KICK + 100].any(axis=0).all()

    @pytest.mark.parametrize("response", Response)
    def test_it_is_untrusted_as_long_as_that_is_reported(self, response: Response) -> None:
        _, reported, trust, _ = story(response)
        assert (trust[reported > 0] == Trust.UNTRUSTED).all()

    def test_left_to_themselves_they_are_lost_for_good_and_counted_once(self) -> None:
        error, reported, _, state = story(Response.FLAG)
        assert (error[-100:].mean(axis=0) > 1.0).all()
        assert reported[-1].all()
        assert (counted(state) == 1.0).all()

    @pytest.mark.parametrize("response", [Response.REINFLATE, Response.REDRAW])
    def test_a_response_brings_all_back_within_a_window_and_a_half(self, response: Response) -> None:
        """As good as the same twins that were never thrown off, to a tenth of the noise, over 50 ticks."""
        error, reported, _, state = story(response)
        healthy = story(response, kick=0.0).error[KICK + 300 :].mean(axis=0)
        assert (error[KICK + 300 :].mean(axis=0) < healthy + 0.1).all()
        assert not reported[-1].any()
        assert np.isin(counted(state), [1.0, 2.0]).all()

    def test_without_a_divergence_a_response_changes_nothing(self) -> None:
        calm = [story(response, kick=0.0) for response in Response]
        for other in calm:
            assert not other.reported.any()
            assert other.state.x.tobytes() == calm[0].state.x.tobytes()
            assert other.state.memory.tobytes() == calm[0].state.memory.tobytes()


class TestDrawnAnew:
    def test_it_is_the_prior_with_numbers_of_its_own(self) -> None:
        """Of the tick in which it happens, nothing of the past is left, and no twin is like another."""
        twins, rows = fleet(Response.REDRAW), np.arange(TWINS)
        state = first = twins.start()
        drawn: list[FloatArray] = []
        for number in range(60):
            before = counted(state)
            state, _ = tick(twins, state, number, astray(number), rows)
            drawn += list(state.x[counted(state) > before])
        assert len(drawn) >= TWINS
        for x in drawn:
            assert x.std() == pytest.approx(4.0, rel=0.3)
            assert not np.isin(x, first.x).any()
        assert len({x.tobytes() for x in drawn}) == len(drawn)

    @pytest.mark.parametrize("response", Response)
    def test_a_state_that_is_not_finite_is_mended_and_is_no_divergence(self, response: Response) -> None:
        twins, rows = fleet(response), np.arange(TWINS)
        state = twins.start()
        state.x[1, 3, 2] = np.nan
        for number in range(100):
            state, record = tick(twins, state, number, readings(number), rows)
        assert np.isfinite(state.x).all()
        assert not complaining(twins.checks, record.reasons, "finite").any()
        assert counted(state)[1] == 0.0
        assert by_twin(state.memory)["sum_replaced"].tolist() == [0.0, 1.0, 0.0, 0.0]


class TestAnyOrder:
    """The response is part of the fold: late readings roll it back."""

    @staticmethod
    def folded(response: Response, waves: Sequence[Sequence[Reading]]) -> tuple[bytes, bytes, float]:
        """The final state after readings in waves, behind each of which all ticks run that have begun."""
        timeline = Timeline(fleet(response, rest=20, twins=1), 200 * TICK)
        for wave in waves:
            for reading in wave:
                timeline.offer(reading)
            timeline.revise()
            newest = timeline.newest()
            assert newest is not None
            for _ in timeline.advance(newest):
                """Run."""
        state = timeline.state
        return state.x.tobytes(), state.memory.tobytes(), float(counted(state)[0])

    @pytest.mark.parametrize("response", Response)
    def test_the_end_is_that_of_the_sorted_log(self, response: Response) -> None:
        """From the 30th tick on the sensors are 30 off, in every variable; half of their readings are late."""
        log = [r for number in range(80) for r in (astray(number, 1) if number >= 30 else readings(number, 1))]
        late = set(random.Random(9).sample(range(len(log)), len(log) // 2))
        waves = [
            [r for k, r in enumerate(log) if k not in late],
            [r for k, r in enumerate(log) if k in late and k % 2],
            [r for k, r in enumerate(log) if k in late and not k % 2],
        ]
        sorted_log = self.folded(response, [log])
        assert sorted_log[2] >= 1.0
        assert self.folded(response, waves) == sorted_log
