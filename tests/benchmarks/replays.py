"""The replay of a patient against real time."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.acceptance.deployments import EPOCH, PATIENT, configured, section
from tests.benchmarks.timing import DISK, Row, interleaved
from tests.conftest import REPOSITORY
from twin_adapters.recordings import load as load_recording
from twin_runtime.config import load
from twin_runtime.core import Recording
from twin_runtime.runs.assembly import assemble
from twin_runtime.runs.replay import replay_recording
from twin_simulators.patient import Patient
from twin_simulators.transmission import transmit

MILLI = 1e3
LENGTH = 120
"""Seconds of the patient's life."""
LEAST_FACTOR = 40
"""Times real time."""


def rows() -> Iterator[Row]:
    """With and without a store: CPU time of one core, so the second is without its waits for the disk."""
    with TemporaryDirectory(dir=DISK) as name:
        folder, number = Path(name), count()
        assembly, (patient, recording) = assemble(load(configured(folder, "artery"))), found()
        without, stored = interleaved(
            [
                lambda: replay_recording(assembly, recording),
                lambda: replay_recording(assembly, recording, store=folder / f"{next(number)}.db"),
            ],
            repeats=5,
        )
    for recorded, seconds in ((patient, without), (f"{patient}, stored", stored)):
        line = f"artery replay, {recorded}, a second"
        yield Row(line, seconds / LENGTH * MILLI, "real time", MILLI, "ms", 1 / LEAST_FACTOR)


def found() -> tuple[str, Recording]:
    """The surgical patient, or a simulated one where the recording is not here."""
    data = REPOSITORY.parent / "shared" / "replay" / PATIENT.name.partition(".")[0]
    if data.is_dir():
        return "surgery", section(load_recording(PATIENT, data), LENGTH)
    sent = transmit(Patient().simulate(LENGTH, 1), twin="patient-1", seed=1, channels=("abp", "r_peak"))
    return "simulated", sent.as_recording(EPOCH)
