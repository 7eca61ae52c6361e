"""A twin experiment as the papers run it: a truth, its observations, and an ensemble that follows them.

Replicates are twins of one batch: each has its own truth, its own noise and its own members.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from twin_runtime.assimilation import AnalysisInput, Assimilator, Inflate, Inflation, InflationMemory
from twin_runtime.core import FloatArray
from twin_runtime.modelling.ensemble import draw_prior
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.random import numbered_keys, twin_keys
from twin_runtime.modelling.signals import InputSignals, Points

NO_INFLATION = Inflation()


class Outcome(NamedTuple):
    """The error of the analysis mean and the spread, ``[cycle, replicate]``, root mean squares over the variables."""

    error: FloatArray
    spread: FloatArray


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is followed, and how it is observed.

    ``observed`` lists the outputs that are observed every ``interval`` seconds with noise of a ``variance``; the first
    ``discarded`` cycles are not scored, and neither are variables beyond ``scored``.
    """

    model: Model
    interval: float
    observed: tuple[int, ...]
    variance: float
    cycles: int
    discarded: int
    scored: int

    def run(
        self,
        method: Assimilator,
        members: int,
        inflation: Inflate = NO_INFLATION,
        replicates: int = 8,
        seed: int = 1,
    ) -> Outcome:
        """Follow ``replicates`` truths through all cycles; only the scored ones are returned."""
        keys, variables = numbered_keys(seed, replicates), self.model.variables
        truths = twin_keys(seed, [f"truth {replicate}" for replicate in range(replicates)])
        noise = np.random.default_rng(seed).normal(
            0.0, self.variance**0.5, (self.cycles, replicates, len(self.observed))
        )
        truth, x = draw_prior(variables, truths, 1), draw_prior(variables, keys, members)
        outcome = Outcome(*np.empty((2, self.cycles, replicates)))
        outputs = np.tile(self.observed, (replicates, 1))
        variance, memory = np.full(outputs.shape, self.variance), InflationMemory.unknown(replicates, len(variables))
        for cycle in range(self.cycles):
            reading = self._advance(truth)[:, 0] + noise[cycle]
            predicted = self._advance(x)
            given = AnalysisInput(x, predicted, reading, variance, keys, cycle, outputs)
            analysis = method.update(given)
            inflation(given, analysis, memory)
            x = analysis
            outcome.error[cycle] = _root_mean_square(x.mean(1) - truth[:, 0], self.scored)
            outcome.spread[cycle] = _root_mean_square(x.std(1, ddof=1), self.scored)
        return Outcome(outcome.error[self.discarded :], outcome.spread[self.discarded :])

    def _advance(self, x: FloatArray) -> FloatArray:
        """Advance ensembles in place to the next observation; returns what they predict of it."""
        twins, members = x.shape[:2]
        nothing = np.empty((twins, 0, 0))
        points = Points(np.full((twins, len(self.observed)), self.interval), np.tile(self.observed, (twins, 1)))
        predicted, residual = np.empty((twins, members, len(self.observed))), np.empty(twins)
        self.model.advance(
            x, self.interval, InputSignals(nothing, nothing, np.ones(twins)), points, predicted, residual
        )
        return predicted


def _root_mean_square(values: FloatArray, scored: int) -> FloatArray:
    result: FloatArray = np.sqrt(np.square(values[:, :scored]).mean(1))
    return result
