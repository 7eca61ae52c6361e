"""A short ring on which every method can be tried: fleets of it, and how to make a method for it."""

from collections.abc import Sequence

from twin_models.lorenz96 import Lorenz96
from twin_runtime.assimilation import METHODS, Assimilator, Inflate, chosen, options
from twin_runtime.core import SECOND
from twin_runtime.engine.fleet import Fleet, Sensor
from twin_runtime.vvuq.checks import CHECKS

SITES = 8
RING = Lorenz96(SITES, start=4.0)


def method(name: str) -> Assimilator:
    """The method with what it needs."""
    return chosen(name, {"radius": 3.0} if options(name).get("radius") else {}, RING.positions)


def fleet(name: str, inflation: Inflate, twins: Sequence[str] = ("ring-0", "ring-1")) -> Fleet:
    """Rings on which everything is observed."""
    members = 2 * SITES if METHODS[name].keeps_points else 24
    return Fleet(
        model=RING,
        twins=tuple(twins),
        sensors=tuple(Sensor(f"u{k + 1}", k, 1.0) for k in range(SITES)),
        driven=(),
        tick=SECOND // 20,
        seed=3,
        members=members,
        method=method(name),
        inflation=inflation,
        checks=CHECKS,
        gate=0.0,
    )
