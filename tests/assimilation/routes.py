"""The same analysis by the kernel for small twins and by the product of matrices for large ones."""

from collections.abc import Iterator

import numpy as np

from twin_runtime.assimilation.batches import Batch, uncoupled, whitened
from twin_runtime.assimilation.conformance import Problem
from twin_runtime.assimilation.protocol import Occasion
from twin_runtime.assimilation.transform import Weigh, correct
from twin_runtime.core import FloatArray


def by_both_routes(problem: Problem, weigh: Weigh, perturbed: Occasion | None = None) -> Iterator[FloatArray]:
    """The analysis of a method by either route, whatever the size of the problem."""
    members = problem.x.shape[1]
    for small in (True, False):
        analysis = np.empty_like(problem.x)
        for batch in batches(problem, perturbed):
            correct(weigh, problem.x, uncoupled(batch._replace(small=small), members), analysis)
        yield analysis


def batches(problem: Problem, perturbed: Occasion | None = None) -> Iterator[Batch]:
    """The observations of a problem, every twin in a batch of its own."""
    x, predicted, observed, variance, _ = problem
    for twin in range(len(x)):
        alone = None if perturbed is None else perturbed._replace(twins=perturbed.twins[[twin]])
        only = slice(twin, twin + 1)
        for batch in whitened(x[only].shape, predicted[only], observed[only], variance[only], alone):
            yield batch._replace(twins=np.array([twin]))
