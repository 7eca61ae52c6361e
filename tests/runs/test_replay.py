"""Replay: a recording or a store goes in, the same states come out, and forecasts are scored on the way."""

import math
import random
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from statistics import NormalDist
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from tests.acceptance.ledger import History, history_of
from tests.ward import EPOCH, TICK, at, message, messages, pressure, recorded, ward
from twin_runtime.core import SECOND, Code, Entry, RawReading, Reading
from twin_runtime.errors import RecordingError, StoreError
from twin_runtime.runs.fold import Fold
from twin_runtime.runs.plans import EVERY
from twin_runtime.runs.replay import replay_recording, replay_store
from twin_runtime.runs.resuming import resume
from twin_runtime.store.reader import Reader
from twin_runtime.store.store import Store
from twin_runtime.testing import MemoryRecording


def balance(reported: dict[str, Any]) -> int:
    known = sum(reported[fate] for fate in ("assimilated", "duplicate", "late", "pending"))
    return int(reported["accepted"] - known - sum(reported["rejected"].values()))


class TestRecording:
    def test_it_is_the_fold_over_its_readings(self) -> None:
        fold = Fold(ward(2))
        intake = fold.assembly.router()
        fold.take(entry for each in messages(80, 2) for entry in intake.read(each))
        list(fold.run())
        list(fold.finish())
        reported = replay_recording(ward(2), MemoryRecording(recorded(80, 2)))
        assert reported["state_hash"] == fold.state_hash
        assert reported["readings"] == fold.accounting()
        assert reported["ticks"] == 80
        assert reported["estimates"].keys() == {"patient-0", "patient-1"}

    def test_a_deployment_on_the_wall_clock_is_replayed_on_the_stream_clock(self) -> None:
        recording = MemoryRecording(recorded(40))
        assert (
            replay_recording(ward(clock="wall"), recording)["state_hash"]
            == replay_recording(ward(), recording)["state_hash"]
        )

    @pytest.mark.parametrize(("begin", "until"), [(None, 30), (20, None), (20, 30), (20, 20), (500, None)])
    def test_a_section_is_as_if_nothing_else_had_been_recorded(self, begin: int | None, until: int | None) -> None:
        first, last = begin or 0, 60 if until is None else until
        inside = [r for r in recorded(60) if at(first) <= r.time < at(last)]
        reported = replay_recording(
            ward(),
            MemoryRecording(recorded(60)),
            begin=None if begin is None else at(begin),
            until=None if until is None else at(until),
        )
        assert reported["ticks"] == len(inside) // 2
        assert reported["readings"]["assimilated"] == len(inside)
        assert balance(reported["readings"]) == 0
        if inside:
            assert reported["frontier"] == at(last) // TICK

    def test_behind_until_the_wait_is_read_for_inputs_that_are_interpolated(self) -> None:
        """The flow measured just behind the end tells how it went up to the end, as it would in a live run."""
        inside = [r for r in recorded(60) if r.time < at(30)]
        behind = RawReading("patient-0", "flow", at(30.5), 300.0)
        states = [
            replay_recording(ward(), MemoryRecording(readings), until=at(30))["state_hash"]
            for readings in (inside, [*inside, behind], [*inside, behind, behind._replace(time=at(50))])
        ]
        assert states[0] != states[1] == states[2]

    def test_until_behind_the_end_of_the_recording_goes_on_without_readings(self) -> None:
        reported = replay_recording(ward(), MemoryRecording(recorded(20)), until=at(50))
        assert reported["ticks"] == 50
        assert "age" not in reported["reasons"]
        assert "age" in replay_recording(ward(), MemoryRecording(recorded(20)), until=at(120))["reasons"]

    def test_an_input_that_falls_silent_is_a_reason(self) -> None:
        """The flow is interpolated, so that it counts as old after the lateness where nothing is declared."""
        silent = [r for r in recorded(60) if r.channel != "flow" or r.time < at(20)]
        assert "input_age" in replay_recording(ward(), MemoryRecording(silent))["reasons"]
        assert "input_age" not in replay_recording(ward(), MemoryRecording(recorded(60)))["reasons"]

    @pytest.mark.parametrize(
        ("stray", "reported"),
        [
            (RawReading("patient-0", "temperature", at(3), 37.0), "channel 'temperature' of twin 'patient-0'"),
            (RawReading("patient-7", "abp", at(3), 37.0), "channel 'abp' of twin 'patient-7'"),
        ],
    )
    def test_what_the_configuration_does_not_have_is_reported(self, stray: RawReading, reported: str) -> None:
        with pytest.raises(RecordingError) as refused:
            replay_recording(ward(2), MemoryRecording([*recorded(5, 2), stray]))
        assert refused.value.what == f"the recording has {reported}, which the configuration does not"
        assert refused.value.remedy == "twins: patient-0, patient-1; channels: abp, flow"

    def test_a_recording_that_names_no_twin_is_of_the_only_one(self) -> None:
        nameless = [reading._replace(twin="") for reading in recorded(20)]
        named = replay_recording(ward(), MemoryRecording(recorded(20)))
        assert replay_recording(ward(), MemoryRecording(nameless))["state_hash"] == named["state_hash"]
        with pytest.raises(RecordingError, match="of twin ''"):
            replay_recording(ward(2), MemoryRecording(nameless))

    def test_values_come_in_the_units_of_the_recording(self) -> None:
        kilopascal = 7.500615758456563
        readings = [r._replace(value=r.value / kilopascal) if r.channel == "abp" else r for r in recorded(40)]
        reported = replay_recording(ward(), MemoryRecording(readings, {"abp": "kPa"}))
        expected = replay_recording(ward(), MemoryRecording(recorded(40)))
        for quantity, figures in expected["estimates"].items():
            found = reported["estimates"][quantity]
            assert found.pop("standing") == figures.pop("standing")
            assert found == pytest.approx(figures, rel=1e-9)

    def test_what_is_wrong_in_a_recording_is_rejected_and_counted(self) -> None:
        readings = [*recorded(20), RawReading("patient-0", "abp", at(7), 999.0)]
        reported = replay_recording(ward(), MemoryRecording(readings))["readings"]
        assert reported["rejected"] == {"out-of-range": 1}
        assert balance(reported) == 0

    def test_progress_counts_the_readings(self) -> None:
        seen: list[int] = []
        replay_recording(ward(), MemoryRecording(recorded(200)), progress=seen.append)
        assert seen == sorted(seen)
        assert seen[-1] == 400
        assert len(seen) > 3


class TestStore:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "ward.db"

    def test_the_journal_gives_the_same_states_again(self, path: Path) -> None:
        reported = replay_recording(ward(2), MemoryRecording(recorded(80, 2)), store=path)
        seen: list[int] = []
        again = replay_store(ward(2), path, progress=seen.append)
        for key in ("state_hash", "readings", "estimates", "verdicts", "ticks", "nis"):
            assert again[key] == reported[key]
        assert seen[-1] == 320
        with Reader.open(path) as reader:
            assert reader.counts() == {(0, Code.ACCEPTED): 320}
            assert sum(len(record.rows) for record in reader.latest()) == 160

    def test_it_ends_where_the_run_ended(self, path: Path) -> None:
        reported = replay_recording(ward(), MemoryRecording(recorded(60)), until=at(30), store=path)
        again = replay_store(ward(), path)
        assert again["frontier"] == reported["frontier"] == at(30) // TICK
        assert again["state_hash"] == reported["state_hash"]

    def test_every_fate_is_accounted_for_again(self, path: Path) -> None:
        """A journal as a live run leaves it: in order of arrival, with what came twice, too late, or was wrong."""
        assembly = ward()
        fold, intake = Fold(assembly), assembly.router()
        arrivals = [*messages(50), *messages(15, first=50)[::-1], *messages(35, first=65)]
        arrivals += [message(91.5, pressure(91)), message(1.2, 80.0), message(99.2, 999.0), message(98.1, 80.0)]
        with Store.create_or_open(path, assembly.identity) as store:
            for each in arrivals:
                entries = fold.take(intake.read(each))
                store.write(entries, list(fold.run()))
            store.write((), list(fold.finish()))
        reported = fold.accounting()
        assert (reported["duplicate"], reported["late"], reported["rejected"]) == (1, 1, {"out-of-range": 1})
        again = replay_store(ward(), path)
        assert again["readings"] == reported
        assert again["state_hash"] == fold.state_hash

    @pytest.mark.parametrize("smoothing", ["0 s", "0.2 s"])
    def test_which_tick_used_a_late_reading_is_in_the_journal(self, path: Path, smoothing: str) -> None:
        """A run that recalls the past, in any order of arrival, and dies again and again before a batch is durable."""
        assembly = ward(2, assimilation={"late": "asynchronous", "smoothing": smoothing})
        rng = random.Random(8)
        left = sorted(messages(100, 2), key=lambda m: m.arrival + rng.randint(0, SECOND))
        lives = 0
        while left:
            lives += 1
            with Store.create_or_open(path, assembly.identity) as store:
                fold, intake = resume(assembly, store)
                store.write(records=fold.fleets[0].timeline.revise())
                while left:
                    entries = fold.take(entry for each in left[:10] for entry in intake.read(each))
                    records = list(fold.run(revise=rng.random() < 0.5))
                    if rng.random() < 0.1:
                        break
                    store.write(entries, records, fold.settled() if rng.random() < 0.3 else [])
                    del left[:10]
                if not left:
                    store.write(records=list(fold.finish()))
        with Reader.open(path) as reader:
            accepted, lived = list(reader.accepted()), history_of(reader)
        used = [(reading.tick - reading.time // TICK, reading.channel) for reading in accepted if reading.tick >= 0]
        assert lives > 3
        assert {late for late, _ in used} > {1, 5, 20}
        assert {channel for _, channel in used} == {0}
        reported = replay_store(assembly, path)
        assert reported["state_hash"] == fold.state_hash
        assert reported["readings"] == fold.accounting()
        assert balance(reported["readings"]) == 0
        again = Fold(assembly, "stream")
        again.take(Entry(reading.time, Code.ACCEPTED, reading) for reading in accepted)
        assert History([*again.run(), *again.finish()]).newest == lived.newest

    @pytest.mark.parametrize("which", ["tick = (SELECT max(tick) FROM checkpoint)", "1"])
    def test_a_run_that_finds_checkpoints_damaged_comes_to_the_same_states(self, path: Path, which: str) -> None:
        assembly, sent = ward(2), messages(100, 2)
        whole, intake = Fold(assembly), assembly.router()
        whole.take(entry for each in sent for entry in intake.read(each))
        list(whole.run())
        list(whole.finish())
        for part in (sent[:150], sent[150:]):
            with Store.create_or_open(path, assembly.identity) as store:
                fold, intake = resume(assembly, store)
                for each in part:
                    entries = fold.take(intake.read(each))
                    store.write(entries, list(fold.run()), fold.settled())
            with closing(sqlite3.connect(path)) as vandal, vandal:
                alter = f"UPDATE checkpoint SET x = zeroblob(length(x)) WHERE {which}"
                assert vandal.execute(alter).rowcount == (2 if which == "1" else 1)
        list(fold.finish())
        assert fold.state_hash == whole.state_hash

    def test_a_journal_that_is_not_as_it_was_written_is_not_replayed_nor_gone_on_from(self, path: Path) -> None:
        replay_recording(ward(), MemoryRecording(recorded(60)), store=path)
        with closing(sqlite3.connect(path)) as vandal, vandal:
            vandal.execute("UPDATE journal SET value = value + 1e-9 WHERE position = 30")
        with pytest.raises(StoreError, match=r"ward\.db: is damaged: the entries"):
            replay_store(ward(), path)
        with (
            Store.create_or_open(path, ward().identity) as store,
            pytest.raises(StoreError, match=r"ward\.db: is damaged: the entries"),
        ):
            resume(ward(), store)

    def test_an_accepted_reading_that_is_there_twice_counts_once(self, path: Path) -> None:
        """As no run would write it: the fold over a journal relies on nothing."""
        assembly, reading = ward(), Reading(0, 0, at(1), 80.0, 2.0)
        with Store.create_or_open(path, assembly.identity) as store:
            store.write([Entry(at(1), Code.ACCEPTED, reading)] * 2)
        reported = replay_store(ward(), path)["readings"]
        assert (reported["accepted"], reported["assimilated"], reported["duplicate"]) == (2, 1, 1)

    def test_a_store_of_another_configuration_is_refused(self, path: Path) -> None:
        replay_recording(ward(), MemoryRecording(recorded(5)), store=path)
        with pytest.raises(StoreError, match="config_hash"):
            replay_recording(ward(seed=9), MemoryRecording(recorded(5)), store=path)

    def test_an_empty_journal_gives_the_prior(self, path: Path) -> None:
        Store.create_or_open(path, ward().identity).close()
        reported = replay_store(ward(), path)
        assert (reported["ticks"], reported["frontier"], reported["estimates"]) == (0, None, {})


class TestHorizon:
    """Forecasts of a patient of whom everything is known: an exponential decay of the pressure, without any flow."""

    KNOWN: Mapping[str, float] = MappingProxyType(
        {"p_c": 80.0, "resistance": 1.0, "compliance": 1.5, "impedance": 0.05}
    )
    AHEAD = 10
    READINGS = 60

    @staticmethod
    def decay(place: float) -> float:
        return 80.0 * math.exp(-(place + 0.5) * TICK / SECOND / 1.5)

    def value(self, place: int) -> float:
        return self.decay(place) + 4.0 * math.sin(place)

    def scored(self, *ahead: int) -> list[dict[str, Any]]:
        readings = [RawReading("patient-0", "abp", at(n + 0.5), self.value(n)) for n in range(self.READINGS)]
        known = {name: {"fixed": value} for name, value in self.KNOWN.items()}
        assembly = ward(members=4, priors=known, walk=dict.fromkeys(known, 0.0), wait="0 s")
        rows: list[dict[str, Any]] = replay_recording(assembly, MemoryRecording(readings), horizons=ahead)["horizon"]
        return rows

    def test_the_scores_are_those_calculated_by_hand(self) -> None:
        """From every 13th tick, ten ticks ahead: a time in the middle between two readings, which are averaged."""
        [row] = self.scored(self.AHEAD * TICK)
        issued = [n for n in range(2, self.READINGS - self.AHEAD) if (EPOCH // TICK + n) % EVERY == 0]
        by: dict[str, Callable[[int], float]] = {
            "twin": lambda n: self.decay(n + self.AHEAD - 0.5),
            "persistence": lambda n: self.value(n - 1),
            "climatology": lambda n: mean(self.value(k) for k in range(n)),
        }
        came = {n: (self.value(n + self.AHEAD - 1) + self.value(n + self.AHEAD)) / 2.0 for n in issued}
        squares = {name: mean((came[n] - guess(n)) ** 2 for n in issued) for name, guess in by.items()}
        assert row["seconds"] == 0.4
        assert row["count"] == len(issued) >= 3
        assert row["rmse"] == pytest.approx({name: math.sqrt(square) for name, square in squares.items()}, rel=1e-9)
        assert row["skill"]["persistence"] == pytest.approx(1.0 - squares["twin"] / squares["persistence"], rel=1e-6)
        noise = 2.0 / math.sqrt(2.0)
        inside = [abs(came[n] - by["twin"](n)) <= 1.6448536 * noise for n in issued]
        assert row["coverage_90"] == mean(inside)
        crps = [scoringrules_normal(came[n] - by["twin"](n), noise) for n in issued]
        assert row["crps"]["twin"] == pytest.approx(mean(crps), abs=0.005)  # half a step of the integral
        assert row["crps"]["persistence"] == pytest.approx(mean(abs(came[n] - by["persistence"](n)) for n in issued))

    def test_each_horizon_has_its_row(self) -> None:
        assert [row["seconds"] for row in self.scored(4 * TICK, 20 * TICK)] == [0.16, 0.8]

    def test_every_sensor_is_scored(self) -> None:
        recording = MemoryRecording(recorded(self.READINGS, patients=7))
        rows = replay_recording(ward(7), recording, horizons=[self.AHEAD * TICK])["horizon"]
        assert {row["twin"] for row in rows} == {f"patient-{row}" for row in range(7)}
        assert len({row["count"] for row in rows}) == 1

    def test_farther_ahead_than_the_recording_is_long_there_is_nothing_to_score(self) -> None:
        assert self.scored(100 * TICK) == []

    def test_without_a_horizon_there_is_none(self) -> None:
        assert "horizon" not in replay_recording(ward(), MemoryRecording(recorded(5)))

    def test_a_forecast_knows_nothing_of_what_came_after_it(self) -> None:
        """The flow jumps at tick 33, and a forecast issued before has the flow that was."""
        steady = [RawReading("patient-0", "flow", at(0.5 + 2.5 * n), 80.0) for n in range(20)]
        jump = [r._replace(value=400.0) if r.time >= at(33) else r for r in steady]
        last = max(n for n in range(33) if (EPOCH // TICK + n) % EVERY == 0)
        pressures = [RawReading("patient-0", "abp", at(n + 0.5), 80.0) for n in range(last + self.AHEAD + 1)]
        rows = [
            replay_recording(ward(wait="40 ms"), MemoryRecording([*flow, *pressures]), horizons=[self.AHEAD * TICK])
            for flow in (steady, jump)
        ]
        assert rows[0]["horizon"][0]["count"] >= 2
        assert rows[0]["horizon"] == rows[1]["horizon"]


def scoringrules_normal(error: float, sd: float) -> float:
    """The CRPS of a normal forecast, by its definition: the integral of (F(x) - [x >= error])^2."""
    x = np.linspace(-40.0, 40.0, 400_001)
    beyond = NormalDist(0.0, sd)
    steps = np.array([beyond.cdf(v) for v in x[::50]])
    return float(np.trapezoid((steps - (x[::50] >= error)) ** 2, x[::50]))


def mean(values: Iterable[float]) -> float:
    known = list(values)
    return sum(known) / len(known)
