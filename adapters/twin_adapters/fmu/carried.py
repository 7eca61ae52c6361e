"""How the state of an FMU goes from tick to tick in the array: as its states, or as the bytes that it saves."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from twin_adapters.fmu.instance import Given, Instance
from twin_adapters.fmu.plan import Plan
from twin_runtime.core import FloatArray
from twin_runtime.modelling.variables import Variable

Places = Mapping[str, int]


class Carried(Protocol):
    """A way to carry a state."""

    columns: Sequence[Variable]
    """What the array holds besides states, parameters and time."""

    def whole(self, members: FloatArray, places: Places) -> Iterator[list[float]]:
        """The rows of the members of a twin, mended where they hold no state that could be taken up."""
        ...

    def enter(self, instance: Instance, row: list[float], start: Sequence[Given], time: float, kind: str) -> None:
        """Bring an instance to where a row is; ``kind`` is the FMU's name for numbers of 64 bits."""
        ...

    def leave(self, instance: Instance, row: list[float]) -> None:
        """Put where an instance is into a row."""
        ...

    def lose(self, row: FloatArray, places: Places) -> None:
        """Mark a row, in the array, whose state is lost."""
        ...


class AsStates:
    """The states are start values of every tick: they come first in a row, the parameters behind them."""

    columns: Sequence[Variable] = ()

    def __init__(self, plan: Plan) -> None:
        self._states = [scalar.reference for scalar in plan.states]
        self._set = [*self._states, *(scalar.reference for scalar in plan.parameters)]

    def whole(self, members: FloatArray, places: Places) -> Iterator[list[float]]:
        """The rows as they are."""
        return iter(members.tolist())

    def enter(self, instance: Instance, row: list[float], start: Sequence[Given], time: float, kind: str) -> None:
        """Begin from the states and parameters of a row."""
        instance.begin(time, [*start, Given(kind, self._set, row[: len(self._set)])])

    def leave(self, instance: Instance, row: list[float]) -> None:
        """Read the states back."""
        row[: len(self._states)] = instance.get(self._states)

    def lose(self, row: FloatArray, places: Places) -> None:
        """Nothing is left to mark: the states are."""


def carried_by(plan: Plan) -> Carried:
    """The way of a plan."""
    return AsStates(plan)
