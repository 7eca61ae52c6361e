"""Twins on recorded streams: as they were recorded, and with a sensor that fails."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from tests.conftest import REPOSITORY
from twin_adapters.recordings import load as load_recording
from twin_runtime.config import Config, load
from twin_runtime.core import SECOND, FloatArray, IntArray, RawReading, Recording
from twin_runtime.engine.tick import warm_up
from twin_runtime.runs.assembly import assemble
from twin_runtime.runs.replay import replay_recording
from twin_runtime.store.reader import Reader
from twin_runtime.testing import MemoryRecording
from twin_simulators.faults import Fault
from twin_simulators.packets import Packets

EXAMPLES = REPOSITORY / "deploy" / "examples"


@dataclass(frozen=True, slots=True)
class Stream:
    """A recording and the example that follows it; ``sensor`` may fail, so many ``seconds`` are replayed."""

    name: str
    example: str
    recording: str
    folder: str
    sensor: str
    seconds: float

    def config(self, **assimilation: object) -> Config:
        """The example's configuration with another assimilation."""
        config = load(EXAMPLES / self.example)
        [twin_type] = config.types
        how = twin_type.assimilation.model_copy(update=assimilation)
        return replace(config, types=(twin_type.model_copy(update={"assimilation": how}),))

    def recorded(self, replays: Path) -> Recording:
        """What was recorded, from a folder of recordings."""
        return load_recording(EXAMPLES / self.recording, replays / self.folder)


ARTERY = Stream("artery", "artery.toml", "surgery-patient.recording.toml", "surgery-patient", "abp", 300.0)
FRONT = Stream("pipe, front", "pipe.toml", "pipe-151202.recording.toml", "pipe", "outlet", 590.0)
PIPE = Stream("pipe", "pipe.toml", "pipe-160104.recording.toml", "pipe", "outlet", 3600.0)


class Followed(NamedTuple):
    """What a twin came to: its summary, CPU seconds a tick, and trust and reasons at ``seconds`` after the start.

    ``figures[tick, quantity, figure]`` are its estimates, newest revisions.
    """

    summary: Mapping[str, Any]
    cost: float
    seconds: FloatArray
    trust: IntArray
    reasons: tuple[tuple[str, ...], ...]
    figures: FloatArray


def follow(config: Config, recording: Recording, seconds: float) -> Followed:
    """Replay the first ``seconds`` of a recording through a twin."""
    assembly = assemble(config)
    warm_up(assembly.types[0].fleet)
    until = min(recording.start + round(seconds * SECOND), recording.end)
    with TemporaryDirectory() as folder:
        store = Path(folder) / "followed.db"
        began = time.process_time()
        summary = replay_recording(assembly, recording, until=until, store=store)
        spent = time.process_time() - began
        with Reader.open(store) as reader:
            records = list(reader.latest())
    ends = np.array([(record.tick + 1) * assembly.types[0].fleet.tick - recording.start for record in records]) / SECOND
    trust = np.array([record.trust[0] for record in records])
    complaints = tuple(assembly.types[0].identity.reasons(int(record.reasons[0])) for record in records)
    figures = np.array([record.figures[0] for record in records])
    return Followed(summary, spent / len(records), ends, trust, complaints, figures)


def with_faults(recording: Recording, channel: str, *faults: Fault) -> MemoryRecording:
    """A recording of which one channel met some faults; their windows count from the recording's start."""
    readings = list(recording.readings())
    others = [reading for reading in readings if reading.channel != channel]
    hit = [reading for reading in readings if reading.channel == channel]
    times = np.array([reading.time - recording.start for reading in hit], np.int64)
    values, numbers = np.array([reading.value for reading in hit]), np.arange(len(hit))
    packets = Packets(times, times, times, values, numbers)
    for fault in faults:
        packets, _ = fault.apply(packets, np.random.default_rng(0))
    faulty = [RawReading(hit[0].twin, channel, recording.start + packet.stamp, packet.value) for packet in packets]
    return MemoryRecording(others + faulty, recording.units)
