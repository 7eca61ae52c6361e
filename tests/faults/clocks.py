"""Faults of the clock: the system clock of the runtime's machine is set forward and back while the patient goes on."""

import time
from pathlib import Path

import pytest

from tests.faults.live import account, living, patient, settled
from tests.faults.row import Outcome
from twin_runtime.store.reader import Reader

HOUR = 3600
TICK = 40_000_000


def forward(folder: Path) -> Outcome:
    """The clock goes an hour forward, and later back."""
    return _stepped(folder, HOUR)


def back(folder: Path) -> Outcome:
    """The clock goes an hour back, and later forward."""
    return _stepped(folder, -HOUR)


def _stepped(folder: Path, seconds: int) -> Outcome:
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        pytest.skip("needs libfaketime: apt-get install faketime")
    clock = folder / "clock"
    clock.write_text("+0")
    fake = {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1"}
    with living(folder, FAKETIME_DONT_FAKE_MONOTONIC="1", **fake) as (_, deployment, run):
        with patient(deployment, 40.0) as sent:
            time.sleep(8.0)
            clock.write_text(f"{seconds:+d}")
            time.sleep(12.0)
            clock.write_text("+0")
        summary = settled(deployment, run, sent)
        figures = account(deployment, summary, sent)
        with Reader.open(deployment.store) as reader:
            ahead = max(0.0, (reader.frontier() or 0) * TICK - sent.end) / 1e9
            estimates = reader.sizes()[1]
        rejected = summary["readings"]["rejected"]
    more = f"{estimates} estimates, the last {ahead:.1f} s after the last reading; refused: {rejected or 'none'}"
    return Outcome("follows the step, says so, decides by event time", f"{seconds:+d} s for 12 s: {more}; {figures}")
