"""Recordings of an arterial tree that is a Windkessel itself: its parameters are drawn, and so known."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tests.models.folded import EPOCH, patient_twin
from twin_runtime.calibration import prior_ensemble, segment_of
from twin_runtime.calibration.forward import predict
from twin_runtime.core import FloatArray, RawReading, Recording
from twin_runtime.runs.assembly import Assembly, assemble
from twin_runtime.testing import MemoryRecording
from twin_simulators.patient import Patient

NOISE = 2.0
"""Standard deviation of the pressure, mmHg, as the twin has it."""
OTHERS = 1000
"""Seeds from here on draw truths, those below draw ensembles."""


class Simulated(NamedTuple):
    """A recording, and the variables ``truth[variable]`` behind it, in their spaces."""

    recording: Recording
    truth: FloatArray


def deployment(**model_section: object) -> Assembly:
    return assemble(patient_twin("windkessel", {"flow": "mL/s"}, **model_section))


def simulated(assembly: Assembly, seed: int, seconds: float = 4.0, noise: float = NOISE) -> Simulated:
    """Pressure and flow at 125 Hz: the flow of a simulated patient, the pressure of a tree drawn from the prior."""
    signals = {signal.channel: signal for signal in Patient().simulate(seconds, seed).signals}
    flow = [(int(t), float(v)) for t, v in zip(signals["flow"].times, signals["flow"].values, strict=True)]
    [twin_type] = assembly.types
    truth = prior_ensemble(twin_type.fleet.model, OTHERS + seed, twin_type.fleet.twins[0], 1)
    silent = recorded(flow, np.zeros(len(flow)))
    pressure = predict(segment_of(assembly, silent), truth)[0]
    errors = np.random.default_rng(seed).normal(0.0, noise, pressure.size)
    return Simulated(recorded(flow, pressure + errors), truth[0])


def recorded(flow: list[tuple[int, float]], pressure: FloatArray, units: Mapping[str, str] | None = None) -> Recording:
    """Both signals, sampled at the same times."""
    return MemoryRecording(
        [
            RawReading("patient-1", channel, EPOCH + moment, value)
            for (moment, through), height in zip(flow, pressure.tolist(), strict=True)
            for channel, value in (("abp", height), ("flow", through))
        ],
        units,
    )
