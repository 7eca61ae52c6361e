"""When a limit is passed: predicted times against planted ones, and probabilities against what came."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.tank import TICK, tanks
from tests.ward import recorded, ward
from twin_runtime.cli import app
from twin_runtime.core import SECOND, Bulletin, FloatArray, Record
from twin_runtime.runs.alarms import Alarms
from twin_runtime.runs.forecast_skill import skill_of_limits
from twin_runtime.runs.outlook import Limit, Passing, Plan
from twin_runtime.runs.replay import replay_recording
from twin_runtime.runs.verification import Verification
from twin_runtime.testing import MemoryRecording

LEVEL = Limit("full", 0, 1.0, 1.0)
MEMBERS, CASES, HORIZON = 64, 800, 100


def paths(rng: np.random.Generator, drift: float, count: int) -> FloatArray:
    """Random walks with a drift ``[path, tick]`` from 0: what a twin's members are, and its asset is one more."""
    steps = drift + 0.05 * rng.normal(size=(count, HORIZON))
    walks: FloatArray = np.concatenate([np.zeros((count, 1)), steps.cumsum(axis=1)], axis=1)
    return walks


def passing(members: FloatArray) -> Passing:
    """Of one twin with one quantity."""
    seen = Passing([LEVEL], members[None, :, 0, None])
    for count in range(1, members.shape[1]):
        seen.look(count, members[None, :, count, None])
    return seen


def cases(drifts: tuple[float, float]) -> Iterator[tuple[FloatArray, dict[str, float | None]]]:
    """A planted path, and what is said of it beforehand."""
    rng = np.random.default_rng(1)
    for _ in range(CASES):
        drawn = paths(rng, rng.uniform(*drifts), MEMBERS + 1)
        yield drawn[0], passing(drawn[1:]).of(0, TICK)["full"]


class TestPassing:
    def test_a_straight_rise_is_timed_to_a_part_of_a_tick(self) -> None:
        """Members that rise by 0.3, 0.4 and 0.01 a tick are at 1 after 10/3, 5/2 and 100 ticks."""
        rise = np.outer([0.3, 0.4, 0.01], np.arange(6.0))
        told = passing(rise).of(0, SECOND)["full"]
        assert told["now"] == 0.0
        assert told["within"] == pytest.approx(2.0 / 3.0)
        assert told["q50"] == pytest.approx((10.0 / 3.0 + 2.5) / 2.0)
        assert told["q05"] == pytest.approx(2.5 + 0.05 * (10.0 / 3.0 - 2.5))

    def test_those_that_never_pass_it_are_a_probability_and_no_time(self) -> None:
        told = passing(np.zeros((4, 6))).of(0, SECOND)["full"]
        assert told == {"now": 0.0, "within": 0.0, "q05": None, "q50": None, "q95": None}

    def test_what_is_beyond_already_is_passed_now(self) -> None:
        told = passing(np.full((4, 3), 2.0)).of(0, SECOND)["full"]
        assert (told["now"], told["within"], told["q95"]) == (1.0, 1.0, 0.0)

    def test_a_member_that_was_lost_has_no_say(self) -> None:
        rise = np.outer([0.3, 0.4], np.arange(6.0))
        rise[1, 3:] = np.nan
        assert passing(rise).of(0, SECOND)["full"]["within"] == 1.0

    def test_predicted_times_cover_planted_ones(self) -> None:
        """With 64 members the interval from the 5 to the 95 % quantile holds 63 / 65 of 90 %, or a bit less."""
        inside = list[bool]()
        for truth, told in cases((0.03, 0.05)):
            if (truth > 1.0).any() and told["q05"] is not None and told["q95"] is not None:
                at = int((truth > 1.0).argmax())
                share = (1.0 - truth[at - 1]) / (truth[at] - truth[at - 1])
                inside.append(told["q05"] <= (at - 1 + share) * TICK / SECOND <= told["q95"])
        assert len(inside) > CASES / 2
        assert 0.85 <= np.mean(inside) <= 0.95


def test_probabilities_are_scored_by_what_came() -> None:
    """Brier skill and reliability of exchangeable forecasts; the sums against the definition of the score."""
    fleet, limit = tanks(), LEVEL
    verification, squares, came = Verification(fleet, [limit]), list[float](), list[bool]()
    quantities = len(fleet.model.quantities)
    for case, (truth, told) in enumerate(cases((0.0, 0.02))):
        start = case * (HORIZON + 1)
        body = {"issued": start * TICK, "leads": [HORIZON * TICK], "quantities": {}, "limits": {"full": told}}
        records = [record(start + k - 1, value, quantities) for k, value in enumerate(truth) if k]
        until = (start + HORIZON) * TICK + 1
        verification.take((), [Bulletin("forecast", "soon", start, "tank-0", body)], records, until)
        assert told["within"] is not None
        came.append(bool((truth > 1.0).any()))
        squares.append((told["within"] - came[-1]) ** 2)
    [row] = skill_of_limits(verification.scores)
    assert (row["count"], row["passed"]) == (CASES, sum(came))
    assert row["brier"] == pytest.approx(np.mean(squares))
    rate = float(np.mean(came))
    assert row["brier_skill"] == pytest.approx(1.0 - row["brier"] / (rate * (1.0 - rate)))
    assert row["brier_skill"] > 0.1
    assert row["reliability"] < 0.01
    assert 0.85 <= row["time_coverage_90"] <= 0.97  # times are known to a tick: a bit more than the interval


def record(tick: int, value: float, quantities: int) -> Record:
    figures, row, none = np.full((1, quantities, 5), math.nan), np.zeros(1, np.int64), np.zeros(1, np.int64)
    figures[0, 0, 0] = value
    return Record(tick, row, figures, none, none, none, np.zeros((1, quantities), np.int64))


def test_an_alarm_has_hysteresis() -> None:
    plan = Plan("soon", 1, (1,), (0,), (LEVEL._replace(alarm=0.5, clear=0.25),))
    alarms, states = Alarms(), list[tuple[int, str]]()
    for tick, probability in enumerate((0.4, 0.5, 0.3, 0.6, 0.25, 0.4, 0.7)):
        limits = {"full": {"now": 0.0, "within": probability, "q05": None, "q50": None, "q95": None}}
        forecast = Bulletin("forecast", "soon", tick, "tank-0", {"issued": tick, "limits": limits})
        states += [(alarm.tick, alarm.body["state"]) for alarm in alarms.judge(plan, forecast)]
    assert states == [(1, "raised"), (4, "over"), (6, "raised")]


def test_alarms_are_listed_until_they_are_over_and_acknowledged(tmp_path: Path) -> None:
    """The pressure is above 10 mmHg all the time."""
    path = tmp_path / "ward.db"
    limit = {"name": "low", "quantity": "pressure", "above": 10.0}
    forecast = {"name": "soon", "horizon": "400 ms", "every": "400 ms"}
    replay_recording(ward(forecasts=[forecast], limits=[limit]), MemoryRecording(recorded(50)), store=path)

    def asked(*options: str) -> list[dict[str, object]]:
        result = CliRunner().invoke(app, ["alarms", str(path), *options, "--json"])
        assert result.exit_code == 0, result.output
        found: list[dict[str, object]] = json.loads(result.stdout)["alarms"]
        return found

    [alarm] = asked()
    assert (alarm["limit"], alarm["twin"], alarm["state"]) == ("low", "patient-0", "raised")
    assert alarm["acknowledged_by"] is None
    [acknowledged] = asked("--acknowledge", str(alarm["number"]), "--by", "Weiss")
    assert acknowledged["acknowledged_by"] == "Weiss"
    wrong = CliRunner().invoke(app, ["alarms", str(path), "--acknowledge", "999999"])
    assert wrong.exit_code == 2
    assert "expected the number of an alarm, got 999999" in wrong.stderr
    shown = CliRunner().invoke(app, ["show", str(path)], env={"COLUMNS": "200"})
    assert "low is passed" in shown.stdout
    assert "Weiss" in shown.stdout
