"""The fold in this process: what every live run is measured by."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.acceptance.deployments import Case
from tests.acceptance.ledger import History
from twin_runtime.core import Message
from twin_runtime.fold import Fold


class Outcome(NamedTuple):
    """How a run ended, and all its estimates."""

    fold: Fold
    history: History

    @property
    def frontier(self) -> int | None:
        """The next tick that would run."""
        return self.fold.timeline.frontier


def folded(case: Case, messages: Sequence[Message], now: Callable[[], bool] = lambda: True) -> Outcome:
    """A run that is told to stop; whenever ``now`` says so, late readings are folded and the ticks that are due run."""
    fold, intake, history = Fold(case.assembly), case.assembly.intake(), History()
    for message in messages:
        fold.take(intake.read(message))
        if now():
            history.add(fold.run())
    return Outcome(fold, history)


def finished(outcome: Outcome) -> Outcome:
    """The same, come to its own end: to the tick of the newest reading."""
    outcome.history.add(outcome.fold.finish())
    return outcome
