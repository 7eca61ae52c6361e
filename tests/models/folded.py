"""Twins that have followed a stream to its end, and all their estimates on the way."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from twin_runtime.config import Config, TwinType
from twin_runtime.core import FIGURES, SECOND, FloatArray, IntArray, Recording
from twin_runtime.runs.assembly import Assembly, assemble
from twin_runtime.runs.replay import replay_recording
from twin_runtime.store.reader import Reader
from twin_simulators.faults import parse_fault
from twin_simulators.patient import Patient
from twin_simulators.transmission import transmit

EPOCH = 1_600_000_000 * SECOND
MEAN, SD, LOW, _, HIGH = range(len(FIGURES))


class Followed(NamedTuple):
    """One twin after a stream: ``seconds`` after its start at the end of each tick; then its trust, and figures."""

    summary: Mapping[str, Any]
    seconds: FloatArray
    trust: IntArray
    figures: Mapping[str, FloatArray]

    def between(self, begin: float, end: float) -> Self:
        """Its estimates in some seconds."""
        rows = (self.seconds > begin) & (self.seconds <= end)
        return self._replace(
            seconds=self.seconds[rows],
            trust=self.trust[rows],
            figures={name: values[rows] for name, values in self.figures.items()},
        )

    def error(self, quantity: str, truth: float) -> float:
        """The largest error of an estimate, as a share of the truth."""
        return float(np.abs(self.figures[quantity][:, MEAN] / truth - 1.0).max())

    def covered(self, quantity: str, truth: float) -> float:
        """How often the truth lay in the 90 % interval, as a share."""
        figures = self.figures[quantity]
        return float(np.mean((figures[:, LOW] <= truth) & (truth <= figures[:, HIGH])))

    def spread(self, quantity: str) -> FloatArray:
        """The standard deviations of an estimate."""
        return self.figures[quantity][:, SD]


def follow(  # one argument more than a replay: the folder for its store
    assembly: Assembly,
    recording: Recording,
    folder: Path,
    *,
    begin: float = 0.0,
    until: float = math.inf,
    horizons: Sequence[int] = (),
) -> Followed:
    """Replay a recording from ``begin`` to ``until`` seconds after its start through a single twin."""
    path = folder / "followed.db"
    first, end = recording.start + round(begin * SECOND), min(recording.start + until * SECOND, recording.end)
    summary = replay_recording(assembly, recording, begin=first, until=int(end), store=path, horizons=horizons)
    with Reader.open(path) as store:
        records = list(store.latest())
        names = [quantity.name for quantity in store.identity.types[0].quantities]
    figures = np.array([record.figures[0] for record in records])
    ends = np.array([(record.tick + 1) * assembly.types[0].fleet.tick - recording.start for record in records]) / SECOND
    trust = np.array([record.trust[0] for record in records])
    return Followed(summary, ends, trust, {name: figures[:, k] for k, name in enumerate(names)})


def follow_patient(
    patient: Patient, config: Config, folder: Path, *, duration: float, seed: int, noise: float = 2.0
) -> Followed:
    """A simulated patient, measured with so much noise (mmHg), and its twin."""
    channels = [channel.name for channel in config.types[0].channels]
    faults = [parse_fault(f"abp:noise,sd={noise}")]
    sent = transmit(patient.simulate(duration, seed), faults, twin="patient-1", seed=seed, channels=channels)
    return follow(assemble(config), sent.as_recording(EPOCH), folder)


def patient_twin(model: str, inputs: Mapping[str, str], **model_section: object) -> Config:
    """The configuration of a twin of a patient: pressure observed with 2 mmHg, and ``inputs`` by unit."""
    twin_type = TwinType.model_validate(
        {
            "twin": {"name": "patient", "model": model, "twins": ["patient-1"], "tick": "40 ms", "clock": "stream"},
            "model": model_section,
            "sensors": {"abp": {"observes": "pressure", "unit": "mmHg", "noise": 2.0}},
            "inputs": {name: {"unit": unit} for name, unit in inputs.items()},
        }
    )
    return Config.of(twin_type)
