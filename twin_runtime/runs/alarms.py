"""Alarms: a forecast's probability that a limit is passed, with hysteresis, by twin and limit."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from twin_runtime.core import Bulletin
from twin_runtime.runs.outlook import Limit, Plan
from twin_runtime.store.bulletins import Acknowledgement
from twin_runtime.store.reader import Reader

RAISED, OVER = "raised", "over"


class Alarms:
    """Which alarms of a type are raised."""

    def __init__(self, before: Iterable[Bulletin] = ()) -> None:
        """``before``: the newest alarm of every limit and twin in an earlier part of the run."""
        self._raised = {(alarm.twin, alarm.name) for alarm in before if alarm.body["state"] == RAISED}

    def judge(self, plan: Plan, forecast: Bulletin) -> Iterator[Bulletin]:
        """The alarms that a forecast raises, or that are over by it."""
        for limit in plan.limits:
            found = forecast.body["limits"][limit.name]
            state = self._state(limit, forecast.twin, found["within"])
            if state is not None:
                body = {"state": state, "issued": forecast.body["issued"], "forecast": plan.name, **found}
                yield Bulletin("alarm", limit.name, forecast.tick, forecast.twin, body, forecast.type)

    def _state(self, limit: Limit, twin: str, probability: float | None) -> str | None:
        """What the alarm of a limit becomes; None: what it was."""
        signal = twin, limit.name
        if limit.alarm is None or probability is None:
            return None
        if signal not in self._raised and probability >= limit.alarm:
            self._raised.add(signal)
            return RAISED
        if signal in self._raised and probability <= limit.clear:
            self._raised.discard(signal)
            return OVER
        return None


def standing_alarms(reader: Reader, place: int) -> list[dict[str, Any]]:
    """The alarms that ask for somebody: those that are raised, and those that are over and not acknowledged.

    The states are those of ISA-18.2: raised, raised and acknowledged, over and not acknowledged.
    """
    known, raised = reader.acknowledgements(), dict[tuple[str, str], tuple[Bulletin, Bulletin]]()
    for alarm in reader.bulletins_of("alarm", place):
        signal = alarm.twin, alarm.name
        if alarm.body["state"] == RAISED:
            raised[signal] = alarm, alarm
        elif signal in raised:
            raised[signal] = raised[signal][0], alarm
    return [
        _told(*pair, known)
        for pair in raised.values()
        if pair[1].body["state"] == RAISED or pair[0].position not in known
    ]


def _told(raised: Bulletin, last: Bulletin, known: Mapping[int, Acknowledgement]) -> dict[str, Any]:
    acknowledged = known.get(raised.position)
    return {
        "number": raised.position,
        "limit": raised.name,
        "twin": raised.twin,
        "state": last.body["state"],
        "raised": raised.body["issued"],
        "over": last.body["issued"] if last.body["state"] == OVER else None,
        "probability": last.body["within"],
        "seconds": [last.body[name] for name in ("q05", "q50", "q95")],
        "acknowledged_by": None if acknowledged is None else acknowledged.name,
        "acknowledged": None if acknowledged is None else acknowledged.time,
    }
