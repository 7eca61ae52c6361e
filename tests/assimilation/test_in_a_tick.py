"""Every method inside the tick of a fleet: it follows the truth, and a twin is the same alone as among others."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from tests.assimilation.rings import RING, SITES, fleet
from twin_runtime.assimilation import METHODS, AdaptiveInflation, Inflate, Inflation
from twin_runtime.core import FleetState, FloatArray, Reading
from twin_runtime.engine.fleet import Fleet
from twin_runtime.engine.tick import tick
from twin_runtime.modelling.signals import InputSignals, no_points

TICKS = 40


def truth() -> Iterator[FloatArray]:
    """The ring itself at the end of every tick: one on the attractor, the same for all twins."""
    x = 3.0 + np.random.default_rng(50).normal(size=(1, 1, SITES))
    calm = InputSignals(np.empty((1, 0, 0)), np.empty((1, 0, 0)), np.ones(1))
    for number in range(100 + TICKS):
        RING.advance(x, 0.05, calm, no_points(1), np.empty((1, 1, 0)), np.empty(1))
        if number >= 100:
            yield x[0, 0].copy()


def followed(twins: Fleet, rows: list[int]) -> tuple[FleetState, FloatArray]:
    """The state of some twins after all ticks, and the error of their means at each."""
    noise = np.random.default_rng(51).normal(0.0, 0.3, (TICKS, SITES))
    state, errors = twins.start().rows(np.array(rows)), np.empty(TICKS)
    for number, values in enumerate(truth()):
        moment, read = (number + 1) * twins.tick - 1, values + noise[number]
        readings = [Reading(row, k, moment, float(read[k]), 0.3) for row in range(len(rows)) for k in range(SITES)]
        state, _ = tick(twins, state, number, readings, np.array(rows))
        errors[number] = np.sqrt(np.square(state.x.mean(1) - values).mean())
    return state, errors


@pytest.mark.parametrize("inflation", [Inflation(1.02, rtps=0.3), AdaptiveInflation(Inflation(1.02, rtps=0.3))])
@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_follows_the_truth_and_every_twin_its_own(name: str, inflation: Inflate) -> None:
    twins = fleet(name, inflation)
    together, errors = followed(twins, [0, 1])
    alone, _ = followed(twins, [1])
    assert alone.x.tobytes() == together.x[1:].tobytes()
    assert alone.memory.tobytes() == together.memory[1:].tobytes()
    if name != "particle":  # 24 particles cannot follow eight variables
        assert errors[20:].mean() < 0.15


NAMES = [f"ring-{i}" for i in range(20)]


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_twin_alone_has_the_bits_that_it_has_among_nineteen_others(name: str) -> None:
    among, _ = followed(fleet(name, Inflation(1.02), NAMES), list(range(20)))
    for row in (0, 7, 19):
        alone, _ = followed(fleet(name, Inflation(1.02), NAMES[row : row + 1]), [0])
        assert alone.x.tobytes() == among.x[row : row + 1].tobytes()
        assert alone.memory.tobytes() == among.memory[row : row + 1].tobytes()


@pytest.mark.parametrize("name", sorted(name for name, method in METHODS.items() if not method.keeps_points))
def test_another_name_or_another_seed_is_another_ensemble(name: str) -> None:
    twins = fleet(name, Inflation(1.02))
    first, second = followed(twins, [0, 1])[0].x
    renamed, _ = followed(fleet(name, Inflation(1.02), ["other"]), [0])
    reseeded, _ = followed(replace(twins, seed=4), [0])
    assert len({ensemble.tobytes() for ensemble in (first, second, renamed.x[0], reseeded.x[0])}) == 4
