"""Models whose parts advance by steps of their own: what advances together, and in which turns.

The rates of all states are a sum over operators; each turn advances the states of one operator while all others stand
still (operator splitting; Hairer, Lubich & Wanner 2006, Geometric Numerical Integration, section II.5).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from twin_runtime.errors import ModelError, did_you_mean

GAUSS_SEIDEL, STRANG = "gauss-seidel", "strang"
SPLITTINGS = (GAUSS_SEIDEL, STRANG)
"""Of order 1: every operator once. Of order 2: all there and back by halves.

The shortest step comes last, so that what is quick has settled when an interval ends (Sportisse 2000, J. Comput. Phys.
161:140, section 5: else the stiff case loses its order).
"""
WHOLE = 1e-9
"""By which share of itself a ratio of steps may miss a whole number."""


class Operator(NamedTuple):
    """Rates that are integrated together by steps of ``step`` seconds.

    ``rate`` gives the derivatives of ``states``; of a state that several operators change each gives its own share.
    ``inflow`` gives by name what these rates carry across the boundary of something conserved. ``jump``, where given,
    gives the states ``jumping`` after each step.
    """

    step: float
    states: tuple[str, ...]
    rate: Callable[..., Any]
    inflow: Mapping[str, Callable[..., Any]]
    jump: Callable[..., Any] | None = None
    jumping: tuple[str, ...] = ()


class Turn(NamedTuple):
    """An operator advances from ``start`` to ``end``, as shares of the exchange interval, in ``pieces`` equal steps."""

    operator: int
    start: float
    end: float
    pieces: int


def check_splitting(splitting: str, where: str) -> None:
    """Raise :class:`ModelError` for a splitting that is none."""
    if splitting not in SPLITTINGS:
        what = f"expected a splitting of {' or '.join(SPLITTINGS)}, got '{splitting}'"
        raise ModelError(what, where=where, remedy=did_you_mean(splitting, SPLITTINGS))


def ratio(exchange: float, step: float) -> int | None:
    """How many steps an exchange interval has; None if that is no whole number."""
    pieces = round(exchange / step)
    return pieces if pieces >= 1 and abs(exchange / step - pieces) <= WHOLE * pieces else None


def turns(steps: Sequence[float], exchange: float, splitting: str) -> list[Turn]:
    """The turns of an exchange interval; ``steps`` are those of the operators, from the longest to the shortest."""
    pieces = [ratio(exchange, step) or 1 for step in steps]
    if splitting == GAUSS_SEIDEL:
        return [Turn(k, 0.0, 1.0, count) for k, count in enumerate(pieces)]
    middle, *outer = range(len(steps))
    there = list(_halves(outer[::-1], pieces, 0.0))
    back = _halves(outer, pieces, 0.5)
    return [*there, Turn(middle, 0.0, 1.0, pieces[middle]), *back]


def _halves(operators: Sequence[int], pieces: Sequence[int], start: float) -> Iterator[Turn]:
    for k in operators:
        yield Turn(k, start, start + 0.5, -(-pieces[k] // 2))
