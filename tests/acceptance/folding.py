"""The fold in this process: what every live run is measured by."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.acceptance.deployments import Case
from tests.acceptance.ledger import History
from twin_runtime.core import Message
from twin_runtime.runs.fold import Fold


class Outcome(NamedTuple):
    """How a run ended, and all its estimates."""

    fold: Fold
    history: History

    @property
    def frontier(self) -> int | None:
        """The next tick that would run."""
        return self.fold.fleets[0].timeline.frontier


def always() -> bool:
    """At every moment."""
    return True


def folded(
    case: Case, messages: Sequence[Message], runs: Callable[[], bool] = always, mends: Callable[[], bool] = always
) -> Outcome:
    """A run that is asked to stop. After a message, ``runs``: whether ticks run; ``mends``: whether past ones do."""
    fold, intake, history = Fold(case.assembly), case.assembly.router(), History()
    for message in messages:
        fold.take(intake.read(message))
        if runs():
            history.add(fold.run(revise=mends()))
    history.add(fold.run())
    return Outcome(fold, history)


def finished(outcome: Outcome) -> Outcome:
    """The same, come to its own end: to the tick of the newest reading."""
    outcome.history.add(outcome.fold.finish())
    return outcome
