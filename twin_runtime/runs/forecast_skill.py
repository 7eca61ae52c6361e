"""How good forecasts have been: what the sums of their verification come to, by lead time and by limit."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

from twin_runtime.core import SECOND, Bulletin, Code, Entry, Reading
from twin_runtime.runs.fleet_fold import FleetFold
from twin_runtime.runs.verification import FORECASTERS, LimitSums, Scores, Sums, Verification

LAST = 2**63 - 1


def skill_of_leads(scores: Scores) -> Iterator[dict[str, Any]]:
    """One row for each forecast, twin, quantity and lead time.

    ``skill`` is 1 - MSE / MSE of persistence, and of climatology: above 0, the twin is better (Murphy 1988, Mon Wea
    Rev 116:2417-2424); None where the other never was wrong.
    """
    for key, sums in scores.leads.items():
        forecast, twin, measured = key.split("|", 2)
        quantity, _, lead = measured.rpartition("|")
        about = {"forecast": forecast, "twin": twin, "quantity": quantity, "seconds": int(lead) / SECOND}
        yield about | _of_lead(sums)


def _of_lead(sums: Sums) -> dict[str, Any]:
    own = sums.squares[0]
    return {
        "count": sums.count,
        "rmse": {name: math.sqrt(total / sums.count) for name, total in zip(FORECASTERS, sums.squares, strict=True)},
        "crps": {name: total / sums.count for name, total in zip(FORECASTERS, sums.crps, strict=True)},
        "skill": {
            name: 1.0 - own / total if total > 0.0 else None
            for name, total in zip(FORECASTERS[1:], sums.squares[1:], strict=True)
        },
        "coverage_90": sums.covered / sums.count,
    }


def skill_of_limits(scores: Scores) -> Iterator[dict[str, Any]]:
    """One row for each forecast, twin and limit.

    ``brier_skill`` is against the share of the cases in which the limit was passed (climatology; Brier 1950, Mon Wea
    Rev 78:1-3); ``reliability`` and ``resolution`` are the terms of Murphy 1973 (J Appl Meteorol 12:595-600).
    """
    for key, sums in scores.limits.items():
        forecast, twin, limit = key.split("|")
        about = {"forecast": forecast, "twin": twin, "limit": limit, "count": sums.count, "passed": sums.passed}
        yield {**about, "passed_already": sums.already, **(_of_limit(sums) if sums.count else {})}


def _of_limit(sums: LimitSums) -> dict[str, Any]:
    brier, rate = sums.squares / sums.count, sums.passed / sums.count
    usual = rate * (1.0 - rate)
    told = [(count, total / count, came / count) for count, total, came in sums.bins if count]
    return {
        "brier": brier,
        "brier_skill": 1.0 - brier / usual if usual > 0.0 else None,
        "reliability": sum(count * (said - came) ** 2 for count, said, came in told) / sums.count,
        "resolution": sum(count * (came - rate) ** 2 for count, _, came in told) / sums.count,
        "bins": [{"count": int(count), "said": said, "came": came} for count, said, came in told],
        "time_coverage_90": sums.covered / sums.timed if sums.timed else None,
    }


class Horizons:
    """The forecasts of a replay compared with what came, as it goes, in memory."""

    def __init__(self, fold: FleetFold) -> None:
        self._fold, self._verification = fold, Verification(fold.assembly.fleet, ())
        self._readings, self._forecasts = list[Reading](), list[Bulletin]()

    def take(self, entries: Iterable[Entry], bulletins: Iterable[Bulletin], *, ended: bool = False) -> None:
        """Readings that have come, by time, and forecasts that have been made; compared as far as ticks have run."""
        place = self._fold.assembly.place
        accepted = (entry.reading for entry in entries if entry.code is Code.ACCEPTED and entry.type == place)
        self._readings += [reading for reading in accepted if reading is not None]
        self._forecasts += [one for one in bulletins if one.type == place and one.kind == "forecast"]
        until = LAST if ended else self._fold.reached
        self._verification.take(self._readings, self._forecasts, (), until)
        self._readings = [reading for reading in self._readings if reading.time >= until]
        self._forecasts = [one for one in self._forecasts if one.body["issued"] >= until]

    def rows(self) -> list[dict[str, Any]]:
        """One row for each forecast, twin, quantity and lead time."""
        return list(skill_of_leads(self._verification.scores))
