"""A live run in a world that drops, delays, doubles, tears and fills the disk, all from one seed: invariants hold."""

from pathlib import Path

import pytest

from tests.simulation.life import simulate
from tests.simulation.run import report
from tests.simulation.story import Fault, Story, story


@pytest.mark.parametrize("seed", range(10))
def test_what_must_hold_does(seed: int, tmp_path: Path) -> None:
    assert not report(tmp_path, seed)


DAYS = 2 * 86_400 / 20
"""The size of a step of the clock by two days."""


@pytest.mark.parametrize(("size", "silence"), [(1.0, 0.0), (180.0, 8.0), (DAYS, 0.0), (-180.0, 0.0)])
def test_a_start_while_the_clock_is_wrong_makes_no_reading_late_for_long(
    size: float, silence: float, tmp_path: Path
) -> None:
    """By 20 s, an hour or two days; the sensors send at once, or are silent for a while."""
    wrong, kill = Fault(5.0, "step of the clock", 0.0, size, 0), Fault(5.5, "kill", 0.0, 0.0, 0)
    silent = [Fault(5.2, "silence", silence, 0.0, number) for number in range(4)] if silence else []
    simulate(Story(1, 2, "wall", "500 ms", "5 s", 1, (wrong, *silent, kill)), tmp_path)


def test_a_seed_gives_the_same_events_again(tmp_path: Path) -> None:
    first, again = (simulate(story(3), tmp_path) for _ in range(2))
    assert first.events > 100
    assert first.hash == again.hash
