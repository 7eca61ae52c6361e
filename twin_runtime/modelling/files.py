"""Models that are read from files, such as FMUs: what a reader of one format offers the runtime.

Readers are found by the entry point ``twin_runtime.model_files``; a module with the two functions is one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from twin_runtime.modelling.model import Model


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a configuration names of a model: its priors and walks, what drives it, what sensors observe.

    A file may hold thousands of quantities: those that nobody names stay as the file has them.
    """

    variables: frozenset[str] = frozenset()
    inputs: frozenset[str] = frozenset()
    outputs: frozenset[str] = frozenset()

    def of_part(self, name: str) -> "Wanted":
        """What is named of a part, by the part's own names."""
        mark = f"{name}."
        return Wanted(
            *(
                frozenset(each.removeprefix(mark) for each in names if each.startswith(mark))
                for names in (self.variables, self.inputs, self.outputs)
            )
        )


class Row(NamedTuple):
    """One quantity of a file: what it is to a twin (``state``, ``parameter``, ``input``, ``output``, ...)."""

    name: str
    kind: str
    unit: str
    start: str
    note: str = ""


class Contents(NamedTuple):
    """What a file offers: a title, facts about it, its quantities, why no twin can run it, tables to paste."""

    title: str
    facts: Sequence[tuple[str, str]]
    rows: Sequence[Row]
    refused: str
    configuration: str


class ModelFormat(Protocol):
    """Reads models from files of one format. Both raise :class:`ModelError` for what cannot be read.

    ``settings`` are keywords of the format's own.
    """

    def model(self, file: Path, wanted: Wanted, **settings: Any) -> type[Model]:  # noqa: ANN401
        """The class of the model, made by ``(priors, walk)``; raises also for what cannot run as a twin."""
        ...

    def contents(self, file: Path) -> Contents:
        """What is in a file."""
        ...
