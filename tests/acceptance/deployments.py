"""The examples as a user would deploy them, and what their assets send."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import merge
from operator import attrgetter
from pathlib import Path

from tests.conftest import REPOSITORY
from twin_adapters.commands.packets import packets, topics_of
from twin_adapters.recordings import MergedStreams, load
from twin_runtime.assembly import Assembly, assemble
from twin_runtime.config import load as load_config
from twin_runtime.core import SECOND, Message
from twin_simulators.patient import Patient
from twin_simulators.transmission import transmit

EXAMPLES = REPOSITORY / "deploy" / "examples"
PATIENT = EXAMPLES / "surgery-patient.recording.toml"
PIPE = EXAMPLES / "pipe-150801.recording.toml"
EPOCH = 1_577_836_800 * SECOND

Change = tuple[str, str]
Finder = Callable[[str], Path]
"""Gives the folder of a real recording, or skips the test."""


@dataclass(frozen=True)
class Case:
    """A deployment, and the messages that its assets send, sorted by event time (which is their ``arrival``)."""

    assembly: Assembly
    messages: Sequence[Message]

    @property
    def lateness(self) -> int:
        """How long the past stays open, ns."""
        return self.assembly.config.twin.lateness


def configured(folder: Path, example: str, *changes: Change) -> Path:
    """An example's configuration in ``folder``, with some changes and its store beside it."""
    text = (EXAMPLES / f"{example}.toml").read_text()
    for old, new in ((f'path = "{example}.db"', f'path = "{folder / example}.db"'), *changes):
        assert old in text, f"{example}.toml does not say {old!r}"
        text = text.replace(old, new)
    path = folder / f"{example}.toml"
    path.write_text(text)
    return path


def section(recording: MergedStreams, seconds: float) -> MergedStreams:
    """The first part of a recording."""
    return recording.between(recording.start, recording.start + round(seconds * SECOND))


def messages_of(recording: MergedStreams, assembly: Assembly) -> list[Message]:
    """What ``twin play`` would publish."""
    topics = topics_of(recording, assembly.config)
    return [packet.message for packet in packets(recording.readings(), topics, recording.units, 0)]


def patient(folder: Path, find: Finder) -> Case:
    """20 s of the surgical patient."""
    assembly = assemble(load_config(configured(folder, "artery")))
    return Case(assembly, messages_of(section(load(PATIENT, find("surgery-patient")), 20), assembly))


def pipe(folder: Path, find: Finder) -> Case:
    """The first 8 minutes of the pipe, whose inputs are interpolated between their readings."""
    assembly = assemble(load_config(configured(folder, "pipe")))
    return Case(assembly, messages_of(section(load(PIPE, find("pipe")), 480), assembly))


def ward(folder: Path, find: Finder) -> Case:
    """10 s of three simulated patients in one array; the second is connected 3 s after the others."""
    del find
    names = ("patient-1", "patient-2", "patient-3")
    assembly = assemble(load_config(configured(folder, "artery", ('["patient-1"]', str(list(names)).replace("'", '"')))))
    late = {"patient-2": 3 * SECOND}
    sent = [
        transmit(Patient.individual(seed).simulate(10, seed), twin=twin, seed=seed, channels=("abp", "r_peak")).messages(EPOCH)
        for seed, twin in enumerate(names)
    ]
    connected = (
        (message for message in stream if message.arrival >= EPOCH + late.get(twin, 0))
        for twin, stream in zip(names, sent, strict=True)
    )
    return Case(assembly, list(merge(*connected, key=attrgetter("arrival"))))
