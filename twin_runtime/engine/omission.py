"""Ticks of a run that has fallen behind: without corrections, or without some of its twins.

What is left out was decided elsewhere, and is kept with the readings: the states follow from both, whatever the load.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin_runtime.core import FleetState, IntArray, Reading, Record
from twin_runtime.engine.beginning import is_running, tick_of_begun
from twin_runtime.engine.fleet import Fleet
from twin_runtime.engine.inputs import keep_newest
from twin_runtime.engine.observations import columns
from twin_runtime.modelling.signals import InputSamples
from twin_runtime.vvuq.memory import by_twin

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Span:
    """The ticks ``first`` to ``last`` without some ``rows``; without corrections where no rows are given."""

    first: int
    last: int
    rows: IntArray | None = None


class Omissions:
    """What is left out of which ticks."""

    def __init__(self) -> None:
        self._spans: list[Span] = []

    def add(self, span: Span) -> None:
        """Leave out something more."""
        self._spans.append(span)

    def of(self, number: int) -> list[Span]:
        """What is left out of a tick."""
        return [span for span in self._spans if span.first <= number <= span.last] if self._spans else self._spans

    def shed(self, number: int) -> set[int]:
        """The rows that are left out of a tick."""
        return {int(row) for span in self.of(number) if span.rows is not None for row in span.rows}

    def drop_before(self, number: int) -> None:
        """Drop what concerns earlier ticks only."""
        if self._spans:
            self._spans = [span for span in self._spans if span.last >= number]


def tick_leaving_out(
    fleet: Fleet,
    state: FleetState,
    number: int,
    readings: Sequence[Reading],
    rows: IntArray,
    after: InputSamples | None,
    omitted: Sequence[Span],
) -> tuple[FleetState, Record]:
    """:func:`tick_of_begun`, less what is ``omitted``; the readings that it leaves unused are counted in the memory.

    A twin that is left out pauses, and begins again with its first reading after that, as after a long silence. Of its
    inputs the newest values are kept, so that it goes on with those that hold.
    """
    shed, skips = np.zeros(rows.size, np.bool_), False
    for span in omitted:
        skips |= span.rows is None
        shed |= np.isin(rows, [] if span.rows is None else span.rows)
    sensors = len(fleet.sensors)
    used = [r for r in readings if not (shed[r.twin] or (skips and r.channel < sensors))]
    unused = [r for r in readings if shed[r.twin] or (skips and r.channel < sensors)]
    whole, record = tick_of_begun(fleet, _paused(state, shed, number), number, used, rows, after)
    if unused:
        by_twin(whole.memory)["sum_omitted"] += np.bincount([r.twin for r in unused], minlength=rows.size)
        held = columns([r for r in unused if r.channel >= sensors], number * fleet.tick)
        samples = held._replace(channel=fleet.inputs_of_channels[held.channel])
        keep_newest(fleet.layout.by_input(whole.memory), samples, number * fleet.tick)
    return whole, record


def _paused(state: FleetState, shed: BoolArray, number: int) -> FleetState:
    """The state with those that are shed paused, since this tick."""
    pausing = shed & is_running(state.memory)
    if not pausing.any():
        return state
    paused = state.copy()
    by_twin(paused.memory)["paused"][pausing] = max(number, 1)
    return paused
