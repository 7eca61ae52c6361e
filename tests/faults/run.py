"""Bring the faults about and write the table: ``python -m tests.faults.run [--out FAULTS.md] [row ...]``."""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from tests.faults import clocks, disk, network, payloads, processes, security, soak, twins
from tests.faults.row import Outcome, Row
from tests.streaming import lies
from twin_runtime.errors import TwinError

ROWS = {
    "killed": Row("killed anywhere, with -9", processes.killed),
    "stalled": Row("the process stands still", processes.stalled),
    "two-runtimes": Row("two runtimes of one deployment", processes.two_runtimes),
    "configuration": Row("a wrong configuration", processes.misconfigured),
    "broker": Row("the broker is killed", network.broker_restarted),
    "partition": Row("the network is cut", network.partition),
    "flood": Row("a flood of messages", network.flood),
    "sink": Row("a sink is away", network.sink_down),
    "disk-full": Row("the disk is full", disk.full),
    "torn": Row("the store's end is torn off, or a bit flips", disk.torn),
    "clock-forward": Row("the system clock is set forward", clocks.forward),
    "clock-back": Row("the system clock is set back", clocks.back),
    "disorder": Row("messages twice and in disorder", payloads.disordered),
    "garbage": Row("garbage", payloads.garbage),
    "units": Row("wrong units", payloads.units),
    "lost-members": Row("members of the ensemble are lost", twins.lost_members),
    "collapse": Row("the ensemble collapses", twins.collapsed),
    "deadline": Row("ticks miss their deadlines", processes.overloaded),
    "forged": Row("a sensor is forged", security.forged),
    "lying": Row("a sensor lies, signed in", twins.lying),
    "certificates": Row("certificates expire", security.certificates),
    "soak": Row("all of it at random", soak.short),
}
HEADING = """# What the runtime does about faults

Measured by `make faults` with real processes on one machine: `twin run` on the wall clock, a mosquitto, and a simulated
patient that sends in real time. *Lost*: sent, but in no line of the journal. *Unaccounted*: accepted minus what became
of it. *Replay*: whether a replay of the store gives the same state hash. The command brings each fault about anew.

| fault | what the runtime does | measured |
|---|---|---|
"""
LIES = """
## A sensor that lies, signed in

For a minute; sizes are in standard deviations (sd) of the sensor's noise. *Believed*: for how much of the lie the twin
was trusted; *truth inside*: for how much of that its 90 % interval of the measured quantity held the truth.

Checks name what they find, not who lies. What agrees with the physics and with the other sensors is not noticed: with a
single sensor a lie that begins small and stays smooth, which the twin follows. **Not noticed** here:

"""


def main(arguments: list[str]) -> int:
    """Measure the rows named, or all; write the table. Exit status 1 where one could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.run", description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], help="which; all without any")
    parser.add_argument("--out", type=Path, help="the file to write; without it the table is printed")
    given = parser.parse_args(arguments)
    lines = list(measured(given.rows or ROWS))
    text = HEADING + "".join(lines) + ("" if given.rows else lies_told())
    if given.out:
        given.out.write_text(text)
    else:
        print(text)
    return int(any("not measured" in line for line in lines))


def lies_told() -> str:
    """The table of the lies of sensors."""
    return "\n".join([LIES + lies.unnoticed(), "", *lies.table(), ""])


def measured(names: Iterable[str]) -> Iterator[str]:
    """A line of the table for every row."""
    console = Console(stderr=True)
    for name in names:
        began = time.monotonic()
        with console.status(f"{name}: {ROWS[name].fault} ..."):
            outcome = outcome_of(ROWS[name])
        console.print(f"{name}: {outcome.figures} ({time.monotonic() - began:.0f} s)")
        yield f"| {ROWS[name].fault} | {outcome.does} | {outcome.figures} |\n"


def outcome_of(row: Row) -> Outcome:
    """What was measured, or why it could not be."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return row.measure(Path(folder))
        except (AssertionError, OSError, TwinError, subprocess.SubprocessError, pytest.skip.Exception) as error:
            return Outcome("not measured", str(error).strip().splitlines()[-1] if str(error) else repr(error))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
