"""The same analysis by the kernel for small twins and by the product of matrices for large ones."""

from collections.abc import Iterator

import numpy as np

from twin_runtime.assimilation.conformance import Problem
from twin_runtime.assimilation.observation_space import count_seen
from twin_runtime.assimilation.protocol import Occasion
from twin_runtime.assimilation.transform import Weigh, alone, correct, together
from twin_runtime.core import FloatArray


def by_both_routes(problem: Problem, weigh: Weigh, perturbed: Occasion | None = None) -> Iterator[FloatArray]:
    """The analysis of a method by either route, whatever the size of the problem."""
    x, predicted, observed, variance, _ = problem
    seen, width = count_seen(predicted, observed), x.shape[1] * (2 if perturbed else 1) + 1
    rest = (seen, predicted, observed, variance, width, perturbed)
    everyone = np.arange(len(x))
    for batches in ([together(everyone, *rest)], [alone(twin, *rest) for twin in range(len(x))]):
        analysis = np.empty_like(x)
        for batch in batches:
            correct(weigh, x, batch, analysis)
        yield analysis
