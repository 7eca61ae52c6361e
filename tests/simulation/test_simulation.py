"""A live run in a world that drops, delays, doubles, tears and fills the disk, all from one seed: invariants hold."""

from pathlib import Path

import pytest

from tests.simulation.life import simulate
from tests.simulation.run import report
from tests.simulation.story import story


@pytest.mark.parametrize("seed", range(10))
def test_what_must_hold_does(seed: int, tmp_path: Path) -> None:
    assert not report(tmp_path, seed)


def test_a_seed_gives_the_same_events_again(tmp_path: Path) -> None:
    first, again = (simulate(story(3), tmp_path) for _ in range(2))
    assert first.events > 100
    assert first.hash == again.hash
