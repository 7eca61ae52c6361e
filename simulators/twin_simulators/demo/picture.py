"""The picture with which a demonstration ends: what the twin estimated, and what was true."""

from pathlib import Path

import numpy as np

from twin_adapters.pictures import draw_twin
from twin_runtime.core import SECOND, FloatArray, IntArray
from twin_runtime.runs.course import courses
from twin_runtime.store.reader import Reader
from twin_simulators.demo.live import Outcome
from twin_simulators.demo.progress import QUANTITIES, Progress


def drawn(outcome: Outcome, store: Path) -> Path | None:
    """Draw the run beside its store; None where there is no estimate."""
    path = store.with_suffix(".png")
    with Reader.open(store) as reader:
        found = courses(reader)
    if not found:
        return None
    draw_twin(found, path, truth=_truth(outcome.progress, int(found[0].time[0]), int(found[0].time[-1])))
    return path


def _truth(progress: Progress, first: int, last: int) -> dict[str, tuple[IntArray, FloatArray]]:
    """Times (ns) and values of what is compared, as far as the twin has come."""
    truth = progress.case.truth
    times = progress.start + np.round(truth.times * SECOND).astype(np.int64)
    shown = (times >= first) & (times <= last)
    return {name: (times[shown], truth.values[name][shown]) for name in QUANTITIES}
