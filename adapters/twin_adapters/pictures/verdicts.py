"""Verdicts in time as strips, one a twin, with the reasons in words."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from twin_adapters.pictures.colours import TRUST
from twin_adapters.pictures.time_axis import TimeAxis
from twin_runtime.core import SECOND, IntArray, Trust
from twin_runtime.runs.course import Course, Stretch, stretches

NARROW = 0.07
"""Stretches of less than this share of the time have no room for a word."""
LINES = 4
"""Stretches that are put into words."""
CHARACTERS = 150
"""That fit into the width of a picture."""


def draw_verdicts(panel: Axes, courses: Sequence[Course], axis: TimeAxis, left_out: int) -> None:
    """Draw the verdicts of some twins, from top to bottom; of a single one with the reasons below."""
    for row, course in enumerate(courses):
        _strip(panel, row, course, axis)
    panel.set_ylim(len(courses) - 0.5, -0.5)
    alone = len(courses) == 1
    panel.set_yticks([] if alone else range(len(courses)), [] if alone else [course.twin for course in courses])
    panel.tick_params(axis="y", length=0, labelsize=8)
    for side in ("left", "right", "top"):
        panel.spines[side].set_visible(False)
    more = f", and of {left_out} more twins that are better" if left_out > 0 else ""
    panel.set_title(f"verdict{'' if alone else 's, the worst first'}{more}", fontsize=9, loc="left", pad=3)
    if alone:
        panel.text(
            0,
            -0.55 if axis.dated else -0.5,
            _in_words(courses[0], axis),
            transform=panel.transAxes,
            fontsize=8,
            va="top",
        )
    handles = [
        Patch(facecolor=face, hatch=hatch, edgecolor="#555555", linewidth=0.3, label=trust.name.lower())
        for trust, (face, hatch) in TRUST.items()
    ]
    panel.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=3, fontsize=7.5, frameon=False)


def _in_words(course: Course, axis: TimeAxis) -> str:
    """The longest stretches that were not trusted: since when, how long, why."""
    found = sorted((s for s in stretches(course) if s.trust), key=lambda s: s.first - s.stop)
    ticks = sum(s.stop - s.first for s in found)
    if not found:
        return ""
    lines = [f"not trusted for {ticks / len(course.time):.0%} of the time"]
    lines += [_line(course, stretch, axis) for stretch in sorted(found[:LINES], key=lambda s: s.first)]
    more = f"and {len(found) - LINES} shorter ones" if len(found) > LINES else ""
    return "\n".join([*lines, more])


def _line(course: Course, stretch: Stretch, axis: TimeAxis) -> str:
    begin = int(course.time[stretch.first]) - course.known.tick
    lasted = (stretch.stop - stretch.first) * course.stride * course.known.tick
    return f"{Trust(stretch.trust).name.lower()} from {axis.text(begin)} for {lasted / SECOND:.4g} s: " + ", ".join(
        stretch.reasons
    )


def _strip(panel: Axes, row: int, course: Course, axis: TimeAxis) -> None:
    edges = axis.of(_edges(course))
    for stretch in stretches(course):
        face, hatch = TRUST[Trust(stretch.trust)]
        begin, end = edges[stretch.first], edges[stretch.stop]
        panel.fill_betweenx([row - 0.4, row + 0.4], begin, end, facecolor=face, hatch=hatch, edgecolor="#777777", lw=0)
        _label(panel, row, stretch, (begin, end), (stretch.stop - stretch.first) / len(course.time))


def _label(panel: Axes, row: int, stretch: Stretch, ends: tuple[object, object], share: float) -> None:
    """The verdict and its reasons in words, as far as there is room for them."""
    if share < NARROW:
        return
    begin, end = ends
    words = ", ".join(stretch.reasons) if stretch.trust else ""
    text = f"{Trust(stretch.trust).name.lower()}{f': {words}' if words else ''}"
    room = int(share * CHARACTERS)
    if len(text) > room:
        text = text[: max(0, room - 1)] + "…"
    middle = begin + (end - begin) / 2  # type: ignore[operator]
    box = {"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.8}
    panel.text(middle, row, text, ha="center", va="center", fontsize=7.5, bbox=box)


def _edges(course: Course) -> IntArray:
    """Where points begin, and the last one ends (ns)."""
    width = course.stride * course.known.tick
    return np.append(course.time - course.known.tick, course.time[-1] - course.known.tick + width)
