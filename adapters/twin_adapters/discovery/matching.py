"""Which of the values that arrive a model's inputs and outputs probably are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from twin_adapters.discovery.groups import Group
from twin_adapters.discovery.guess import Guess, Value
from twin_adapters.discovery.quantities import words
from twin_runtime.errors import UnitError
from twin_runtime.modelling.model import Model
from twin_runtime.units import conversion, kind_of

SURE = 0.99
"""The share of a quantity's words from which on a match is no question any more."""


class Candidate(NamedTuple):
    """A value that arrives on a ``topic``, which may have a place for one of ``twins``; ``words`` is what names it."""

    topic: str
    twins: tuple[str, ...]
    guess: Guess | None
    value: Value
    words: frozenset[str]


class Wanted(NamedTuple):
    """An input or an output of a model."""

    kind: Literal["input", "sensor"]
    name: str
    unit: str


@dataclass(frozen=True, slots=True)
class Match:
    """What a quantity probably is: a candidate (None: nothing fits), how well, and what fits as well."""

    wanted: Wanted
    candidate: Candidate | None = None
    share: float = 0.0
    others: tuple[Candidate, ...] = ()


def candidates(groups: Sequence[Group]) -> list[Candidate]:
    """Every value of every group, and of every single topic, by whose name it may be meant."""
    return [each for group in groups for value in group.guess.values for each in _of(group, value)]


def _of(group: Group, value: Value) -> Iterator[Candidate]:
    if group.twins:
        yield Candidate(group.template, group.twins, group.guess, value, words(f"{group.template} {value.name}"))
    for topic in group.topics:
        yield Candidate(topic, (), group.guess, value, words(f"{topic} {value.path} {value.name}"))


def matched(model: Model, found: Sequence[Candidate]) -> list[Match]:
    """The best assignment of candidates to a model's quantities: best matches first, each value once.

    An input that nothing fits is a match without a candidate; an output that nothing fits is left out.
    """
    wanted = [Wanted("input", each.name, each.unit) for each in model.inputs]
    wanted += [Wanted("sensor", each.name, each.unit) for each in model.outputs]
    rated = [(_share(one, each), -len(each.twins), one, each) for one in wanted for each in found]
    rated = sorted((each for each in rated if each[0] > 0), key=lambda each: each[:2], reverse=True)
    matches, used = dict[Wanted, Match](), list[Candidate]()
    for share, _, one, each in rated:
        if one not in matches and not any(_is_same(each, other) for other in used):
            ties = [other for s, _, o, other in rated if o == one and s == share and not _is_same(each, other)]
            matches[one] = Match(one, each, share, tuple(ties[:3]))
            used.append(each)
    return [matches[one] if one in matches else Match(one) for one in wanted if one in matches or one.kind == "input"]


def topics_of(candidate: Candidate) -> tuple[str, ...]:
    """The topics on which a value arrives, one for each twin."""
    return tuple(candidate.topic.replace("{twin}", twin) for twin in candidate.twins) or (candidate.topic,)


def _is_same(one: Candidate, other: Candidate) -> bool:
    """Whether two candidates are one value: of the same topic, or of a topic and the group that it is in."""
    return one.value.path == other.value.path and not set(topics_of(one)).isdisjoint(topics_of(other))


def _share(wanted: Wanted, candidate: Candidate) -> float:
    """The share of the quantity's words that the candidate bears; 0 where the units do not go together.

    A sensor must bear more than the word of its kind: a temperature is not yet the outlet's.
    """
    if not _units_fit(wanted.unit, candidate.value.unit):
        return 0.0
    asked, kind = words(wanted.name), words(kind_of(wanted.unit))
    share = len(asked & (candidate.words | kind)) / len(asked)
    return share if wanted.kind == "input" or share > 0.5 else 0.0


def _units_fit(wanted: str, given: str | None) -> bool:
    if given is None:
        return wanted == "1"
    try:
        conversion(given, wanted)
    except UnitError:
        return False
    return True
