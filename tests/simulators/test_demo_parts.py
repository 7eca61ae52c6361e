"""The parts of the demonstration: the patient, the progress of a run, and how it is shown."""

import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import twin_simulators.demo
from twin_runtime.config import load
from twin_runtime.core import SECOND, Trust
from twin_runtime.runs.assembly import Assembly, assemble
from twin_runtime.runs.fold import Fold
from twin_simulators.demo.accounting import equation, unaccounted
from twin_simulators.demo.case import draw_case
from twin_simulators.demo.progress import QUANTITIES, Progress
from twin_simulators.demo.view import line, view

START = 1_600_000_000 * SECOND
TOPICS = {"abp": "patient/abp", "r_peak": "patient/r_peak"}


@pytest.fixture(scope="module")
def assembly() -> Assembly:
    return assemble(load(Path(twin_simulators.demo.__file__).with_name("demo.toml")))


def progressed(assembly: Assembly, seed: int, seconds: int) -> Progress:
    """The progress of a run of so many seconds, message by message."""
    case, fold, intake = draw_case(seed, seconds * SECOND, "patient"), Fold(assembly, "wall"), assembly.router()
    progress = Progress(assembly, case, START, Counter())
    for message in map(progress.sending, case.messages(START, progress.topics)):
        fold.take(intake.read(message))
        progress.arrived[message.topic] += 1
        progress.add(fold, list(fold.run(message.arrival)))
    return progress


def shown(progress: Progress, width: int) -> list[str]:
    """The view as it stands in a terminal."""
    terminal = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    terminal.print(view(progress))
    assert isinstance(terminal.file, io.StringIO)
    return terminal.file.getvalue().splitlines()


def test_a_seed_is_a_patient_whose_packets_arrive_late_twice_or_never() -> None:
    case, again, other = (draw_case(seed, 20 * SECOND, "patient") for seed in (5, 5, 6))
    assert list(case.messages(START, TOPICS)) == list(again.messages(START, TOPICS))
    assert case.truth.at(1.0)["resistance"] != other.truth.at(1.0)["resistance"]

    ledger = case.transmission.ledgers["abp"]
    assert min(ledger.lost, ledger.duplicated, ledger.touched["delay"], ledger.touched["spikes"]) > 0
    lag = case.transmission.packets.send - case.transmission.packets.measured
    assert np.median(lag) < SECOND // 50
    assert lag.max() > 2 * SECOND
    assert max(message.arrival for message in case.messages(START, TOPICS)) < START + 20 * SECOND


def test_the_view_fits_into_80_columns_and_shows_everything(assembly: Assembly) -> None:
    progress = progressed(assembly, seed=2, seconds=8)
    lines = shown(progress, 80)
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for word in (*QUANTITIES, "abp", "r_peak", "/s", "s old", "90 % interval", "truth", "too late", "of 8 s", "◆", "█"):
        assert word in text
    assert progress.trust is Trust.TRUSTED
    assert progress.verdict == "trusted"
    assert f"  {progress.verdict}" in lines[0]
    assert "cardiac_output" in line(progress)
    assert len(max(shown(progress, 120), key=len)) > 80


def test_before_the_first_reading_there_is_a_view_too(assembly: Assembly) -> None:
    progress = progressed(assembly, seed=2, seconds=0)
    assert "none yet" in "\n".join(shown(progress, 80))
    assert line(progress) == "waiting for the first reading"


def test_late_packets_revise_estimates_and_later_ones_are_counted(assembly: Assembly) -> None:
    progress = progressed(assembly, seed=2, seconds=8)
    assert progress.revised > 0
    assert progress.fold is not None
    readings = progress.fold.accounting()
    assert unaccounted(readings) == 0
    assert readings["accepted"] == progress.sent == progress.arrived.total()
    assert readings["late"]


def test_an_equation_that_does_not_hold_is_noticed() -> None:
    readings = {"accepted": 9, "assimilated": 4, "rejected": {"outlier": 1}, "duplicate": 2, "late": 0, "pending": 1}
    assert equation(readings) == "9 came in = 4 assimilated + 1 rejected + 2 duplicate + 0 too late + 1 pending"
    assert unaccounted(readings) == 1


@pytest.mark.slow
def test_over_many_patients_the_90_percent_intervals_hold_the_truth(assembly: Assembly) -> None:
    shares = [[c.share or 0.0 for c in progressed(assembly, seed, 30).comparisons()] for seed in range(1, 21)]
    for quantity, share in zip(QUANTITIES, np.mean(shares, axis=0), strict=True):
        assert share > 0.85, quantity
