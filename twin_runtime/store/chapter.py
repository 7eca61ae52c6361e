"""Chapters: the stretches of a store that one configuration and one set of models has written each.

A store survives a change: what comes after it is a new chapter. Types, twins and signals have numbers of their own in
every chapter, so that whatever they mean there, they mean it for good. A chapter keeps what its replay needs.
"""

from dataclasses import dataclass, field

from twin_runtime.store.identity import Identity


@dataclass(frozen=True, slots=True)
class Column:
    """A variable of a model as the next chapter must know it: its ``space`` with ``bounds``, its position ``at``.

    ``fixed``: a parameter that is known exactly.
    """

    name: str
    unit: str
    space: int = 0
    bounds: tuple[float, ...] = ()
    at: tuple[float, ...] = ()
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Signal:
    """A channel, or an input of the model: what it is the value of (``target``), and in which unit."""

    name: str
    target: str
    unit: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What lies in the states of a type: the columns of the ensemble and of the checks' memory.

    ``channels`` are sensors first; ``remembers``: inflation is kept of every variable; ``alike``: so is what withheld
    sensors have to do with quantities; ``points``: the members are laid out, not drawn.
    """

    variables: tuple[Column, ...]
    channels: tuple[Signal, ...]
    inputs: tuple[Signal, ...]
    members: int
    remembers: bool = False
    alike: bool = False
    points: bool = False


@dataclass(frozen=True, slots=True)
class Beginning:
    """How a type of a chapter began: at event time ``begins`` (ns) with states of some ``twins``, or from its prior.

    ``carried`` variables kept their ensembles, ``fresh`` ones began from their prior, for a reason each. ``notes`` say
    what else there is to know. ``whole``: the state was that in which the chapter before ended.
    """

    type: str
    begins: int | None = None
    twins: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()
    fresh: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Kept:
    """What a chapter keeps for its replay, and for the one after it.

    ``configuration``: as :mod:`twin_runtime.runs.kept_configuration` writes it; ``contents`` of each type; empty where
    they are not known. ``changes`` are the settings that differ from the chapter before; of the readings that waited
    when that ended, some were ``taken_over``, and some were too old or of no channel that is left (``left_behind``).
    """

    configuration: str = ""
    contents: tuple[Contents, ...] = ()
    changes: tuple[str, ...] = ()
    beginnings: tuple[Beginning, ...] = ()
    taken_over: int = 0
    left_behind: int = 0


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter by its ``number``, from 1; ``first`` is the number in the store of its first type.

    ``entry`` and ``estimate`` are the last positions of the chapter before it.
    """

    number: int
    first: int
    opened: str
    entry: int
    estimate: int
    identity: Identity
    kept: Kept

    @property
    def of(self) -> tuple[Identity, int]:
        """Whose it is, and the number of the first type."""
        return self.identity, self.first
