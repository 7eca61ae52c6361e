"""What databases answer: the samples of series, each with its labels."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from twin_adapters.recordings.historians.settings import Wanted
from twin_runtime.core import FloatArray, IntArray

Labels = tuple[tuple[str, str], ...]
"""Names and values of the labels or tags of a series, sorted."""


class Samples(NamedTuple):
    """Some samples of one series; times in nanoseconds since 1970."""

    labels: Labels
    times: IntArray
    values: FloatArray


Ask = Callable[[Wanted, int, int], Iterable[Samples]]
"""Asks for what is wanted with times in [start, end), in nanoseconds since 1970."""
