"""Late readings of Lorenz-96, by what becomes of them: ``python -m tests.papers.late`` prints the table.

Everything is observed every 0.05 with a variance of 1, but every second sensor is late by some cycles. The figure is
the root-mean-square error of the newest estimate at each cycle, by what has come until then: 1100 cycles are scored
after 400. All runs go through the runtime's own timeline; replicates are the twins of one fleet.

The reference gives neither method nor ensemble. The ETKF of 40 members, not rotated, with an inflation of 1.02 comes to
its two figures without late readings, 0.184 with all in time and 0.293 without the late half.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from twin_models.lorenz96 import Lorenz96
from twin_runtime.assimilation import Etkf, Inflation
from twin_runtime.core import SECOND, FloatArray, Reading
from twin_runtime.engine.fleet import Fleet, Sensor
from twin_runtime.modelling.ensemble import draw_prior
from twin_runtime.modelling.random import twin_keys
from twin_runtime.modelling.signals import InputSignals, no_points
from twin_runtime.timeline.timeline import Timeline
from twin_runtime.vvuq.checks import CHECKS

TICK = SECOND // 20
SIZE, MEMBERS = 40, 40
CYCLES, DISCARDED, REPLICATES = 1500, 400, 8
DELAYS = (1, 2, 4, 8)
"""Cycles of 0.05 by which the late half comes late."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What becomes of a reading that comes late: it is ``recalled``, or taken as if it were of now, or folded."""

    name: str
    asynchronous: bool = False
    as_current: bool = False


CURRENT = Policy("taken as current", as_current=True)
ASYNCHRONOUS = Policy("asynchronous EnKF", asynchronous=True)
FOLD = Policy("restore and fold again")

REFERENCE = {
    CURRENT: (0.513, 1.53, 3.81, 4.48),
    ASYNCHRONOUS: (0.195, 0.208, 0.233, 0.297),
    FOLD: (0.192, 0.200, 0.214, 0.231),
}
"""Root-mean-square errors by delay."""
ON_TIME, DROPPED = 0.184, 0.293


class World(NamedTuple):
    """``truth[cycle, replicate, variable]`` at the end of every cycle, and what is read of it then."""

    truth: FloatArray
    read: FloatArray


def world(cycles: int = CYCLES, replicates: int = REPLICATES, seed: int = 1) -> World:
    """Truths near (1, 0, ..., 0) at first, each with its own noise."""
    model, truths = Lorenz96(), twin_keys(seed, [f"truth {replicate}" for replicate in range(replicates)])
    x, calm = draw_prior(model.variables, truths, 1), np.empty((replicates, 0, 0))
    truth = np.empty((cycles, replicates, SIZE))
    for cycle in range(cycles):
        signals, empty = InputSignals(calm, calm, np.ones(replicates)), np.empty((replicates, 1, 0))
        model.advance(x, TICK / SECOND, signals, no_points(replicates), empty, np.empty(replicates))
        truth[cycle] = x[:, 0]
    return World(truth, truth + np.random.default_rng(seed).normal(size=truth.shape))


def fleet(replicates: int = REPLICATES, asynchronous: int = 0, lag: int = 0) -> Fleet:
    """A twin of every replicate; nothing is refused."""
    return Fleet(
        model=Lorenz96(),
        twins=tuple(f"replicate-{i}" for i in range(replicates)),
        sensors=tuple(Sensor(f"u{k + 1}", k, 1.0) for k in range(SIZE)),
        driven=(),
        tick=TICK,
        seed=1,
        members=MEMBERS,
        method=Etkf(),
        inflation=Inflation(1.02),
        checks=CHECKS,
        gate=0.0,
        lag=lag,
        asynchronous=asynchronous,
    )


def readings(read: FloatArray, cycle: int, sensors: range, now: int) -> Iterator[Reading]:
    """What some sensors read at the end of a cycle, stamped as if it were that of cycle ``now``."""
    for replicate, values in enumerate(read[cycle]):
        for sensor in sensors:
            yield Reading(replicate, sensor, (now + 1) * TICK - 1, float(values[sensor]), 1.0)


PROMPT, LATE = range(0, SIZE, 2), range(1, SIZE, 2)


def arriving(read: FloatArray, cycle: int, delay: int | None, policy: Policy) -> Iterator[Reading]:
    """What comes until the end of a cycle; without a ``delay`` the late half never comes."""
    yield from readings(read, cycle, PROMPT, cycle)
    if delay is not None and cycle >= delay:
        yield from readings(read, cycle - delay, LATE, cycle if policy.as_current else cycle - delay)


def followed(world: World, delay: int | None, policy: Policy) -> tuple[FloatArray, Timeline]:
    """The error of the newest estimate ``[cycle, replicate]``, and the timeline at the end."""
    cycles, replicates, _ = world.truth.shape
    late = delay or 0
    timeline = Timeline(fleet(replicates, asynchronous=late if policy.asynchronous else 0), late * TICK)
    error = np.empty((cycles, replicates))
    for cycle in range(cycles):
        for reading in arriving(world.read, cycle, delay, policy):
            timeline.offer(timeline.placed(reading))
        timeline.revise()
        for _ in timeline.advance(cycle):
            error[cycle] = np.sqrt(np.square(timeline.state.x.mean(1) - world.truth[cycle]).mean(1))
    return error, timeline


def score(delay: int | None, policy: Policy = FOLD) -> tuple[float, float]:
    """Mean and standard deviation over replicates of the error, over the scored cycles."""
    error = followed(world(), delay, policy)[0][DISCARDED:].mean(0)
    return float(error.mean()), float(error.std(ddof=1))


def main() -> None:
    """Print the reference beside ours."""
    print("| late by | " + " | ".join(f"{policy.name}: reference | ours (sd)" for policy in REFERENCE) + " |")
    print("|---|" + "---:|---:|" * len(REFERENCE))
    for place, delay in enumerate(DELAYS):
        pairs = ((numbers[place], score(delay, policy)) for policy, numbers in REFERENCE.items())
        reported = (f"{published:.3f} | {mean:.3f} ({sd:.3f})" for published, (mean, sd) in pairs)
        print(f"| {delay * TICK / SECOND:.2f} | " + " | ".join(reported) + " |", flush=True)
    for name, published, late in (("all in time", ON_TIME, 0), ("without the late half", DROPPED, None)):
        mean, sd = score(late)
        print(f"{name}: reference {published:.3f}, ours {mean:.3f} ({sd:.3f})")


if __name__ == "__main__":
    main()
