"""The channels of a recording in time, drawn below each other."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from twin_adapters.commands.contents import Contents
from twin_adapters.commands.contents_report import has_date
from twin_adapters.recordings.describe import GAP, Channel
from twin_runtime.core import SECOND, FloatArray, IntArray
from twin_runtime.errors import ConfigError

MOST = 32
"""Panels of one picture."""
BINS = 1500
"""Points of the time axis between which a long signal is drawn as its limits."""


def draw(contents: Contents, path: Path) -> None:
    """Draw the first channels into a file, whose suffix names the format. Raises :class:`ConfigError`."""
    drawn = [channel for channel in contents.channels if len(channel.values)][:MOST]
    if not drawn:
        raise ConfigError("there is not one number to draw", where=str(contents.path), remedy="leave out --plot")
    figure = Figure(figsize=(12, 1 + 1.5 * len(drawn)), layout="constrained")
    panels = figure.subplots(len(drawn), 1, sharex=True, squeeze=False)[:, 0]
    for panel, channel in zip(panels, drawn, strict=True):
        _panel(panel, channel, dated=has_date(contents))
    left_out = len(contents.channels) - len(drawn)
    figure.suptitle(f"{contents.path.name}{f' (without {left_out} more)' if left_out > 0 else ''}")
    panels[-1].set_xlabel(_axis(contents))
    try:
        figure.savefig(path, dpi=100)
    except (OSError, ValueError) as error:
        remedy = "name a file such as picture.png in a folder that is there"
        raise ConfigError(f"cannot be written: {error}", where=str(path), remedy=remedy) from error


def _axis(contents: Contents) -> str:
    if contents.first is None:
        return "row"
    if has_date(contents):
        return "time (of no known zone)" if contents.local else "time (UTC)"
    return "s"


def _panel(panel: Axes, channel: Channel, *, dated: bool) -> None:
    times, values = _broken(channel)
    if len(values) > 4 * BINS:
        times, values = _limits(times, values)
    axis = times.view("datetime64[ns]") if dated and channel.times is not None else times / SECOND
    events = len(values) > 0 and len(values) <= 4 * BINS and values.min() == values.max()
    marker = "|" if events else "." if len(values) < BINS / 10 else ""
    panel.plot(axis, values, linewidth=0 if events else 0.8, marker=marker, markersize=12 if events else 3)
    name = f"{channel.twin} {channel.name}".strip()
    panel.set_title(f"{name} ({channel.unit or 'no unit'})", fontsize=9, loc="left", pad=2)
    panel.grid(visible=True, alpha=0.3)
    panel.margins(x=0.005)
    if dated:
        locator = AutoDateLocator()  # type: ignore[no-untyped-call]
        panel.xaxis.set_major_locator(locator)
        panel.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def _broken(channel: Channel) -> tuple[IntArray, FloatArray]:
    """Times and values, with NaN in every gap, so that no line is drawn across it; rows as seconds without times."""
    if channel.times is None:
        return np.arange(len(channel.values), dtype=np.int64) * SECOND, channel.values
    steps = channel.steps
    if steps is None or not steps.gaps:
        return channel.times, channel.values
    gaps = np.flatnonzero(np.diff(channel.times) > GAP * steps.median) + 1
    return np.insert(channel.times, gaps, channel.times[gaps - 1] + 1), np.insert(channel.values, gaps, np.nan)


def _limits(times: IntArray, values: FloatArray) -> tuple[IntArray, FloatArray]:
    """A long signal as the least and the greatest value of each bin; NaN for a bin without values."""
    edges = np.linspace(times[0], times[-1], BINS + 1)
    first = np.unique(np.searchsorted(times, edges[:-1]))
    with_gaps = np.isnan(values)
    least = np.minimum.reduceat(np.where(with_gaps, np.inf, values), first)
    most = np.maximum.reduceat(np.where(with_gaps, -np.inf, values), first)
    both = np.column_stack([least, most]).ravel()
    return np.repeat(times[first], 2), np.where(np.isfinite(both), both, np.nan)
