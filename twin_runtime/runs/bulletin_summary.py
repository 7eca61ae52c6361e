"""What a store says of forecasts, limits and alarms, for a summary; and whether a replay says the same."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from twin_runtime.core import Bulletin
from twin_runtime.runs.alarms import standing_alarms
from twin_runtime.runs.forecast_skill import skill_of_leads, skill_of_limits
from twin_runtime.runs.verification import Scores
from twin_runtime.store.reader import Reader


def bulletin_summary(reader: Reader, place: int) -> dict[str, Any]:
    """Of one type; nothing where nothing looks ahead.

    ``forecasts`` counts by name what was issued and what was skipped, ``newest_forecasts`` are the last of each twin,
    ``forecast_skill`` and ``limit_skill`` say how good they have been, ``alarms`` are those that ask for somebody.
    """
    counts = reader.bulletin_counts(place)
    names = dict.fromkeys(name for kind, name in counts if kind in ("forecast", "skipped"))
    if not names and not counts:
        return {}
    stored = reader.scores(place)
    scores = Scores() if stored is None else msgspec.json.decode(stored.body, type=Scores)
    return {
        "forecasts": {
            name: {"issued": counts.get(("forecast", name), 0), "skipped": counts.get(("skipped", name), 0)}
            for name in names
        },
        "newest_forecasts": _by_name(reader, place, "forecast"),
        "forecast_skill": list(skill_of_leads(scores)),
        "limit_skill": list(skill_of_limits(scores)),
        "alarms": standing_alarms(reader, place),
    }


def _by_name(reader: Reader, place: int, kind: str) -> dict[str, Any]:
    """The newest of each name, by twin."""
    found: dict[str, Any] = {}
    for bulletin in reader.newest_bulletins(kind, place):
        found.setdefault(bulletin.name, {})[bulletin.twin] = bulletin.body
    return found


class Again:
    """Forecasts that a replay makes once more, compared with those of the store."""

    def __init__(self, reader: Reader) -> None:
        self._stored = {
            _key(bulletin): bulletin.body
            for place in range(len(reader.identity.types))
            for bulletin in reader.bulletins_of("forecast", place)
        }
        self._counts = Counter[str]()

    def compare(self, bulletins: Iterable[Bulletin]) -> None:
        """One that rests on the same state must be the same, to the last bit; late readings have changed the others."""
        for bulletin in bulletins:
            body = self._stored.pop(_key(bulletin), None)
            if bulletin.kind != "forecast" or body is None:
                continue
            if body["basis"] != bulletin.body["basis"]:
                self._counts["readings_came_later"] += 1
            else:
                ours = msgspec.json.decode(msgspec.json.encode(bulletin.body))
                self._counts["same" if _numbers(ours) == _numbers(body) else "different"] += 1

    def summary(self) -> dict[str, Any]:
        """How many were the same; nothing where the store has none. ``not_repeated``: they are not declared now."""
        counts = dict(self._counts) | ({"not_repeated": len(self._stored)} if self._stored else {})
        return {"forecasts_again": counts} if counts else {}


def _key(bulletin: Bulletin) -> tuple[object, ...]:
    return bulletin.type, bulletin.kind, bulletin.name, bulletin.tick, bulletin.twin


def _numbers(body: Mapping[str, Any]) -> dict[str, Any]:
    """All but the verdict, which later readings may have changed."""
    return {key: value for key, value in body.items() if key != "trust"}
