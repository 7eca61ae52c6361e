"""The examples as a user would deploy them, and what their assets send."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import merge
from operator import attrgetter
from pathlib import Path

from tests.conftest import REPOSITORY
from twin_adapters.commands.packets import packets, topics_of
from twin_adapters.recordings import MergedStreams, load
from twin_runtime.config import load as load_config
from twin_runtime.core import SECOND, Message, Reading
from twin_runtime.runs.assembly import Assembly, assemble
from twin_simulators.patient import Patient
from twin_simulators.transmission import transmit

EXAMPLES = REPOSITORY / "deploy" / "examples"
PATIENT = EXAMPLES / "surgery-patient.recording.toml"
PIPE = EXAMPLES / "pipe-150801.recording.toml"
EPOCH = 1_577_836_800 * SECOND

Change = tuple[str, str]
SMOOTHED: Change = ("rtps = 0.3", 'smoothing = "0.4 s"\nrtps = 0.3')
Finder = Callable[[str], Path]
"""Gives the folder of a real recording, or skips the test."""


@dataclass(frozen=True)
class Case:
    """A deployment, and the messages that its assets send, sorted by event time (which is their ``arrival``)."""

    assembly: Assembly
    messages: Sequence[Message]

    @property
    def readings(self) -> list[Reading]:
        """All readings in the messages, as a twin takes them."""
        intake = self.assembly.router()
        entries = (entry for message in self.messages for entry in intake.read(message))
        return [entry.reading for entry in entries if entry.reading is not None]

    @property
    def lateness(self) -> int:
        """How long the past stays open, ns."""
        return self.assembly.config.types[0].twin.lateness


def configured(folder: Path, example: str, *changes: Change) -> Path:
    """An example's configuration in ``folder``, with some changes and its store in the same folder."""
    text = (EXAMPLES / f"{example}.toml").read_text()
    for old, new in ((f'path = "{example}.db"', f'path = "{folder / example}.db"'), *changes):
        assert old in text, f"{example}.toml does not contain {old!r}"
        text = text.replace(old, new)
    path = folder / f"{example}.toml"
    path.write_text(text)
    return path


def section(recording: MergedStreams, seconds: float) -> MergedStreams:
    """The first part of a recording."""
    return recording.between(recording.start, recording.start + round(seconds * SECOND))


def case_of(config: Path, recording: MergedStreams) -> Case:
    """A deployment that is sent what ``twin play`` would publish."""
    assembly = assemble(load_config(config))
    sent = packets(recording.readings(), topics_of(recording, assembly.config), recording.units, 0)
    return Case(assembly, [packet.message for packet in sent])


def shuffled(messages: Sequence[Message], delay: int, rng: random.Random) -> list[Message]:
    """Each message under way for up to ``delay`` ns; one in twenty comes twice."""
    twice = [message for message in messages if rng.random() < 0.05]
    sent = (message._replace(arrival=message.arrival + rng.randint(0, delay)) for message in (*messages, *twice))
    return sorted(sent, key=attrgetter("arrival"))


def patient(folder: Path, find: Finder) -> Case:
    """20 s of the surgical patient."""
    return case_of(configured(folder, "artery"), section(load(PATIENT, find("surgery-patient")), 20))


def smoothed(folder: Path, find: Finder) -> Case:
    """The same with estimates that are revised, smoothed, ten ticks later."""
    return case_of(configured(folder, "artery", SMOOTHED), section(load(PATIENT, find("surgery-patient")), 20))


def pipe(folder: Path, find: Finder) -> Case:
    """The first 8 minutes of the pipe, whose inputs are interpolated between their readings."""
    return case_of(configured(folder, "pipe"), section(load(PIPE, find("pipe")), 480))


def ward(folder: Path, find: Finder) -> Case:
    """7 s of three simulated patients in one array; the second is connected 3 s after the others."""
    del find
    names = ("patient-1", "patient-2", "patient-3")
    fleet = ('twins = ["patient-1"]', f"twins = {list(names)}")
    connected = (EPOCH, EPOCH + 3 * SECOND, EPOCH)
    sent = (
        [message for message in simulated(name, seed, EPOCH, 7) if message.arrival >= connected[seed]]
        for seed, name in enumerate(names)
    )
    assembly = assemble(load_config(configured(folder, "artery", fleet)))
    return Case(assembly, list(merge(*sent, key=attrgetter("arrival"))))


def simulated(name: str, seed: int, epoch: int, seconds: float) -> list[Message]:
    """What a patient sends from ``epoch`` (ns) on, with sensors that have no fault."""
    simulation = Patient.individual(seed).simulate(seconds, seed)
    return list(transmit(simulation, twin=name, seed=seed, channels=("abp", "r_peak")).messages(epoch))
