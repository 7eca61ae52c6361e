"""A row of the table of faults: what was done to a running deployment, what became of it, in figures."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Outcome(NamedTuple):
    """What the runtime does about a fault, and what was measured."""

    does: str
    figures: str


class Row(NamedTuple):
    """A fault, and the function that brings it about with files in a folder of its own."""

    fault: str
    measure: Callable[[Path], Outcome]
