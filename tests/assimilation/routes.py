"""The same analysis by the kernel for small twins and by the product of matrices for large ones."""

from collections.abc import Iterator

import numpy as np

from twin_runtime.assimilation.batches import Batch, uncoupled, whitened
from twin_runtime.assimilation.conformance import of_twins
from twin_runtime.assimilation.protocol import AnalysisInput
from twin_runtime.assimilation.transform import FillWeights, correct
from twin_runtime.core import FloatArray


def by_both_routes(problem: AnalysisInput, fill_weights: FillWeights, perturbed: bool = False) -> Iterator[FloatArray]:
    """The analysis of a method by either route, whatever the size of the problem."""
    members = problem.x.shape[1]
    for small in (True, False):
        analysis = np.empty_like(problem.x)
        for batch in batches(problem, perturbed):
            correct(fill_weights, problem, uncoupled(batch._replace(small=small), members), analysis)
        yield analysis


def batches(problem: AnalysisInput, perturbed: bool = False) -> Iterator[Batch]:
    """The observations of a problem, every twin in a batch of its own."""
    for twin in range(len(problem.x)):
        for batch in whitened(of_twins(problem, [twin]), perturbed):
            yield batch._replace(twins=np.array([twin]))
