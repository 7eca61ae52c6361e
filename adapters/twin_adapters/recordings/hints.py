"""What looks wrong in a recording and may be right: said in the log."""

import logging
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from twin_runtime.core import FloatArray

LOG = logging.getLogger(__name__)

CODES = (
    *(-99.0, -99.9, -999.0, -999.9, -999.99, -9999.0, -9999.9, -99999.0, 999.0, 999.9, 9999.0, 99999.0, -7999.0),
    *(7999.0, -32768.0, 32767.0, 65535.0, 1e20, 1e30, -1e30, 1e31, -1e31, 9.969209968386869e36),
)
"""Numbers that loggers and archives write where they have no value."""

APART = 3.0
"""How much further than all other values are from each other a code is from them."""


class Suspect(NamedTuple):
    """A code that may mean that there is no value, how often it occurs, and the range of all other values."""

    code: float
    times: int
    low: float
    high: float


def suspects(values: FloatArray) -> Iterator[Suspect]:
    """Codes far beyond all other values."""
    finite = values[np.isfinite(values)]
    if not len(finite) or not np.isin((finite.min(), finite.max()), CODES).any():
        return
    others = finite[~np.isin(finite, CODES)]
    low, high = float(others.min(initial=np.inf)), float(others.max(initial=-np.inf))
    for code in CODES if len(others) else ():
        times = int(np.count_nonzero(finite == code))
        if times and max(code - high, low - code) > APART * (high - low):
            yield Suspect(code, times, low, high)


def hint_at_codes(where: str, column: str | int, values: FloatArray) -> None:
    """Say in the log which values may be codes."""
    for code, times, low, high in suspects(values):
        LOG.warning(
            "%s: column %r holds %g, %d times, far from all other values (%g to %g); if it means that there is "
            "no value, say missing = [%g] in the mapping, else missing = []",
            *(where, column, code, times, low, high, code),
        )


def hint_at_unit(where: str, first: float, unit: str, fitting: str) -> None:
    """Say in the log that another unit of time would fit better."""
    LOG.warning(
        "%s: times such as %.12g in %s lie near 1970, in %s they would be of our years; if so, say time_unit = %r in "
        "the mapping, else give the epoch",
        *(where, first, unit, fitting, fitting),
    )


def hint_at_unplaced(where: str, count: int, what: str) -> None:
    """Say in the log how many values are left out as their rows do not say ``what`` they are of."""
    if count:
        LOG.warning("%s: %d values are left out, as their rows have no %s", where, count, what)
