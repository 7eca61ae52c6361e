"""Models made of models, against the same equations written by hand as one model."""

import time
from collections.abc import Iterator
from statistics import median

from tests.benchmarks.timing import Row
from tests.modelling.coupling.parts import Circuit
from tests.modelling.coupling.test_fused import TestCircuit, Whole
from twin_runtime.core import FloatArray
from twin_runtime.modelling.conformance import advanced
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.signals import InputSignals

MILLI = 1e3
TICKS, REPEATS, BOUND = 20, 31, 1.05


def rows() -> Iterator[Row]:
    """Parts fused into one kernel."""
    story = TestCircuit()
    fused, whole = Circuit(), Whole()
    x = story.prior(fused).repeat(40, axis=0)
    signals = [story.signals(fused, number * story.tick) for number in range(TICKS)]
    many = [InputSignals(*(part.repeat(40, axis=0) for part in each)) for each in signals]
    seconds = [[run(model, x, many, story.tick) for model in (fused, whole)] for _ in range(REPEATS + 1)]
    ours, theirs = (median(column) / TICKS * MILLI for column in zip(*seconds[1:], strict=True))
    yield Row(f"two parts fused, 120 twins of 8 members (bound: {BOUND} x)", ours, "by hand", theirs, "ms", BOUND)


def run(model: OdeModel, x: FloatArray, signals: list[InputSignals], tick: float) -> float:
    """The seconds of some ticks."""
    begun = time.perf_counter()
    for each in signals:
        x, _, _ = advanced(model, x, tick, each)
    return time.perf_counter() - begun
