"""A published number, how to reach it, and what came out."""

from dataclasses import dataclass
from typing import NamedTuple

from tests.papers.experiment import NO_INFLATION, Experiment
from twin_runtime.assimilation import Assimilator, Inflation

ROUNDING = 0.005
"""Published numbers have two digits behind the point."""
DIVERGED = 2.0
"""A replicate has diverged whose error is so many times its spread: it is counted, and not averaged."""


class Score(NamedTuple):
    """The error over replicates: mean and standard deviation of those that did not diverge, and how many did."""

    error: float
    sd: float
    diverged: int


class NotRun(NamedTuple):
    """A published row that is not tried here, and why; None: it has no number."""

    name: str
    published: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a published table: the root-mean-square error of the analysis mean.

    ``reason`` says why a number is not reached, where it is not.
    """

    name: str
    published: float
    experiment: Experiment
    method: Assimilator
    members: int
    inflation: Inflation = NO_INFLATION
    replicates: int = 8
    reason: str = ""

    def __str__(self) -> str:
        return self.name

    def score(self) -> Score:
        """Run all replicates at once."""
        error, spread = self.experiment.run(self.method, self.members, self.inflation, self.replicates)
        means = error.mean(0)
        sound = means[means < DIVERGED * spread.mean(0)]
        return Score(float(sound.mean()), float(sound.std(ddof=1)), self.replicates - len(sound))

    def reached(self, score: Score) -> bool:
        """Whether ours is as good as the published number, which is a single replicate and rounded."""
        rarely = score.diverged <= self.replicates // 8
        return rarely and score.error <= self.published + ROUNDING + 2.0 * score.sd


Published = tuple[Row | NotRun, ...]
"""All rows of one source, in its order."""
