"""Times of ActiGraph's exports without a column of times: the lines above the data give start and rate."""

import re
from contextlib import suppress
from datetime import datetime

import numpy as np
import pyarrow as pa

TIME = "time"
"""The column that is added: date-times without an offset."""

_START = re.compile(r"Start Time,?\s*(\d+:\d\d:\d\d).*?Start Date,?\s*([\d./-]+)", re.DOTALL)
_EPOCH = re.compile(r"Epoch Period \(hh:mm:ss\),?\s*(\d+):(\d\d):(\d\d)")
_FORMAT = re.compile(r"date format ([dMy]+)([./-])([dMy]+)[./-]([dMy]+)")
_RATE = re.compile(r" at (\d+) Hz")
_DIRECTIVES = {"d": "%d", "dd": "%d", "M": "%m", "MM": "%m", "yy": "%y", "yyyy": "%Y"}
_STAMPED = {"timestamp", "date", "time", "epoch"}


def timed(above: bytes, names: list[str], columns: list[pa.ChunkedArray]) -> tuple[list[str], list[pa.ChunkedArray]]:
    """The columns, and behind them :data:`TIME` where the text above is ActiGraph's and no column has times."""
    text = above[:4000].decode(errors="replace")
    start, period = _start(text), _period(text)
    if start is None or not period or any(name.lower() in _STAMPED for name in names):
        return names, columns
    steps = np.rint(np.arange(len(columns[0])) * period).astype("timedelta64[ns]")
    return [*names, TIME], [*columns, pa.chunked_array([pa.array(start + steps).cast(pa.string())])]


def _start(text: str) -> np.datetime64 | None:
    """When the first row was measured, by the date's own format; None where the text does not say."""
    start, form = _START.search(text), _FORMAT.search(text)
    if "Created By ActiGraph" not in text or start is None or form is None:
        return None
    day = form[2].join(_DIRECTIVES.get(part, "") for part in form.group(1, 3, 4))
    with suppress(ValueError):
        return np.datetime64(datetime.strptime(f"{start[2]} {start[1]}", f"{day} %H:%M:%S"), "ns")
    return None


def _period(text: str) -> float:
    """Nanoseconds between rows: epochs in whole seconds, raw samples by their rate; 0 where the text does not say."""
    epoch, rate = _EPOCH.search(text), _RATE.search(text)
    seconds = sum(int(part) * scale for part, scale in zip(epoch.groups(), (3600, 60, 1), strict=True)) if epoch else 0
    return seconds * 1e9 or (1e9 / int(rate[1]) if rate and int(rate[1]) else 0.0)
