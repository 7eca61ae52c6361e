"""One twin in time: its quantities with their intervals, the readings, and the verdicts as a strip with words."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from twin_adapters.pictures.colours import HIDDEN, MEASURED, READING, REFUSED, TRUTH
from twin_adapters.pictures.files import SETTINGS, save
from twin_adapters.pictures.time_axis import TimeAxis
from twin_adapters.pictures.verdicts import draw_verdicts
from twin_runtime.core import FloatArray, IntArray, Standing
from twin_runtime.durations import duration_text
from twin_runtime.runs.course import HIGH_50, HIGH_90, LEAST, LOW_50, LOW_90, MOST, Course, Dots

PANELS: Final = 8
"""Quantities in one picture."""
STRIPS: Final = 12
"""Twins whose verdicts are shown."""
MANY: Final = 4000
"""More readings than this are thinned out to so many."""
WIDE: Final = 4.0
"""How many times its usual width an interval may be drawn: the prior's at the start would dwarf everything."""

Truth = Mapping[str, tuple[IntArray, FloatArray]]
"""Times (ns) and values by quantity."""


def draw_twin(courses: Sequence[Course], path: Path, quantity: str | None = None, truth: Truth | None = None) -> None:
    """Draw the first of some courses, and the verdicts of all. Raises :class:`twin_runtime.errors.ConfigError`.

    ``quantity`` is the only one that is drawn; ``truth`` is known where the asset is simulated.
    """
    with mpl.rc_context(SETTINGS):
        save(figure_of(courses, quantity, truth or {}), path)


def figure_of(courses: Sequence[Course], quantity: str | None, truth: Truth) -> Figure:
    """The picture."""
    course, shown = courses[0], list(courses[:STRIPS])
    every = [place for place, q in enumerate(course.known.quantities) if quantity in (None, q.name)]
    if truth and quantity is None:
        every = [place for place in every if course.known.quantities[place].name in truth]
    drawn = sorted(every, key=lambda place: _rank(course, place))[:PANELS]
    strip = 0.35 + 0.22 * len(shown)
    figure = Figure(figsize=(10, 1.6 + 1.25 * len(drawn) + strip), layout="constrained")
    heights = [*[1.25] * len(drawn), strip]
    panels = figure.subplots(len(drawn) + 1, 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    axis = TimeAxis(int(course.time[0]), int(course.time[-1]))
    for panel, place in zip(panels, drawn, strict=False):
        _panel(panel, course, place, axis, truth)
    draw_verdicts(panels[-1], shown, axis, len(courses) - len(shown))
    _legend(figure, _title(course, len(every) - len(drawn)), bool(truth), any(course.refused.values()))
    axis.finish(panels[-1])
    panels[-1].set_xlim(axis.of(course.time[:1])[0], axis.of(course.time[-1:])[0])
    figure.align_ylabels(panels[:-1])
    return figure


def _rank(course: Course, place: int) -> tuple[bool, int, int]:
    """Measured ones first, then by their standing, as the model lists them."""
    name = course.known.quantities[place].name
    return name not in course.known.sensed.values(), int(course.standing[place]), place


def _title(course: Course, left_out: int) -> str:
    more = f"; {left_out} quantities are not shown (--quantity)" if left_out > 0 else ""
    thinned = f"; each point is the range of {course.stride} ticks" if course.stride > 1 else ""
    return f"{course.twin} (tick {duration_text(course.known.tick)}{thinned}{more})"


def _panel(panel: Axes, course: Course, place: int, axis: TimeAxis, truth: Truth) -> None:
    quantity, limits = course.known.quantities[place], course.limits[:, place]
    sensors = [sensor for sensor, observed in course.known.sensed.items() if observed == quantity.name]
    colour = MEASURED if sensors else HIDDEN
    times = axis.of(course.time)
    panel.fill_between(times, limits[:, LOW_90], limits[:, HIGH_90], color=colour, alpha=0.18, linewidth=0)
    panel.fill_between(times, limits[:, LOW_50], limits[:, HIGH_50], color=colour, alpha=0.32, linewidth=0)
    if course.stride > 1:
        panel.fill_between(times, limits[:, LEAST], limits[:, MOST], color=colour, linewidth=0.8)
    else:
        panel.plot(times, limits[:, MOST], color=colour, linewidth=1.1)
    known = [dots for sensor in sensors if (dots := course.readings.get(sensor))]
    low, high = _range(limits, known)
    for dots in known:
        _dots(panel, dots, axis)
    for sensor in sensors:
        if refused := course.refused.get(sensor):
            inside = np.clip(refused.value, low, high)
            panel.plot(axis.of(refused.time), inside, "x", color=REFUSED, markersize=5, clip_on=False, zorder=5)
    if quantity.name in truth:
        moments, values = truth[quantity.name]
        panel.plot(axis.of(moments), values, color=TRUTH, linewidth=1.1, linestyle=(0, (4, 2)))
    if high > low:
        panel.set_ylim(low, high)
    panel.set_ylabel(quantity.unit if quantity.unit != "1" else "[-]")
    panel.set_title(_heading(course, place, sensors), fontsize=9, loc="left", pad=3)
    panel.grid(visible=True, alpha=0.25, linewidth=0.6)
    panel.margins(x=0)


def _heading(course: Course, place: int, sensors: Sequence[str]) -> str:
    standing = Standing(int(course.standing[place])).name.lower()
    name = course.known.quantities[place].name
    return f"{name}, measured by {', '.join(sensors)}" if sensors else f"{name}, hidden: {standing}"


def _dots(panel: Axes, dots: Dots, axis: TimeAxis) -> None:
    every = max(1, len(dots.time) // MANY)
    size = 2.2 if len(dots.time) < 600 else 1.2
    panel.plot(
        axis.of(dots.time[::every]),
        dots.value[::every],
        "o",
        color=READING,
        markersize=size,
        linewidth=0,
        alpha=0.6,
        zorder=1.5,
    )


def _range(limits: FloatArray, dots: Sequence[Dots]) -> tuple[float, float]:
    """What of the values is shown: all means and readings, and intervals up to some times their usual width."""
    if not np.isfinite(limits[:, LEAST]).any():
        return 0.0, 0.0
    usual = WIDE * float(np.nanmedian(limits[:, HIGH_90] - limits[:, LOW_90]))
    settled = limits[len(limits) // 20 :] if np.isfinite(limits[len(limits) // 20 :, LEAST]).any() else limits
    low = [np.nanmin(np.maximum(limits[:, LOW_90], limits[:, LEAST] - usual)), np.nanmin(settled[:, LEAST])]
    high = [np.nanmax(np.minimum(limits[:, HIGH_90], limits[:, MOST] + usual)), np.nanmax(settled[:, MOST])]
    low += [float(each.value.min()) for each in dots]
    high += [float(each.value.max()) for each in dots]
    margin = 0.06 * (max(high) - min(low))
    return float(min(low) - margin), float(max(high) + margin)


def _legend(figure: Figure, title: str, truth: bool, refused: bool) -> None:
    """The title, and what every mark means, once, above the panels."""
    marks: list[Line2D | Patch] = [
        Line2D([], [], color=MEASURED, label="estimate, measured"),
        Line2D([], [], color=HIDDEN, label="estimate, hidden"),
        Patch(color=READING, alpha=0.5, label="50 % interval"),
        Patch(color=READING, alpha=0.2, label="90 % interval"),
        Line2D([], [], color=READING, marker="o", markersize=3, linestyle="", label="reading"),
    ]
    if refused:
        marks.append(Line2D([], [], color=REFUSED, marker="x", linestyle="", label="refused as an outlier"))
    if truth:
        marks.append(Line2D([], [], color=TRUTH, linestyle=(0, (4, 2)), label="truth (the twin does not have it)"))
    look: Any = {"ncols": len(marks), "fontsize": 7.5, "frameon": False, "title_fontsize": 11, "borderaxespad": 0.2}
    figure.legend(handles=marks, title=title, loc="outside upper left", alignment="left", **look)
