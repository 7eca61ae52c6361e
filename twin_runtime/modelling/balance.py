"""The balance of what a model conserves, over a tick of one member."""

from numba import njit

STANDING = 1e-3
"""What is stored counts for so much beside what flows: it may be counted from anywhere, as heat from absolute zero."""


@njit(cache=True, error_model="numpy")
def imbalance(first: float, last: float, other: float, gained: float) -> float:
    """What is unaccounted for, as a share of what flows and of a thousandth of what is stored.

    ``first`` and ``last`` are stored at the ends of the tick, ``other`` is the part that events and jumps changed,
    ``gained`` has crossed the boundary.
    """
    change = last - first - other
    scale = abs(change) + abs(gained) + STANDING * max(abs(first), abs(last))
    return abs(change - gained) / scale if scale > 0.0 else 0.0
