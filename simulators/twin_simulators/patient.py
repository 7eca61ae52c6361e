"""A simulated patient: a living heart whose beats vary with breathing and vascular tone, ejecting into the arteries."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from twin_runtime.core import SECOND, FloatArray
from twin_simulators.asset import Asset, Signal, Simulation, Truth, sample_times
from twin_simulators.circulation import Circulation, Ejections, Vessels, Waveform

SAMPLE_PERIOD = 8_000_000
"""Nanoseconds between two samples of pressure and flow: 125 Hz."""

WARM_UP = 30.0
"""Seconds simulated before the start, many time constants, so that nothing of the first guess is left."""

MAYER_FREQUENCY = 0.1
"""Hz of the slow wave of vascular tone in the heart's period."""

VARIETY = {"heart_rate": 0.08, "stroke_volume": 0.08, "impedance": 0.15, "resistance": 0.1, "compliance": 0.15}
"""How much patients differ: standard deviation of the logarithm of each property."""


class Patient(Asset):
    """An adult at rest. Signals: ``abp`` (mmHg) and ``flow`` (mL/s) at 125 Hz, and ``r_peak``, a 1 at each R peak."""

    heart_rate: float = Field(72.0, ge=30, le=150, description="mean heart rate [1/min]")
    stroke_volume: float = Field(70.0, gt=0, description="mean stroke volume [mL]")
    ejection_time: float = Field(0.30, gt=0, description="duration of ejection [s]")
    pre_ejection: float = Field(0.10, ge=0, description="from the R peak to the opening of the aortic valve [s]")
    waveform: Waveform = Field("half-sine", description="shape of ejection")
    impedance: float = Field(0.05, ge=0, description="characteristic impedance of the aorta, Rc [mmHg s/mL]")
    resistance: float = Field(1.0, gt=0, description="peripheral resistance, Rd [mmHg s/mL]")
    compliance: float = Field(1.5, gt=0, description="arterial compliance, C [mL/mmHg]")
    distal_pressure: float = Field(0.0, ge=0, description="pressure behind the resistance, Pd [mmHg]")
    respiratory_rate: float = Field(14.0, gt=0, description="breaths [1/min]")
    sinus_arrhythmia: float = Field(0.04, ge=0, le=0.15, description="swing of the period with breathing, as a share")
    mayer_wave: float = Field(0.02, ge=0, le=0.1, description="swing of the period at 0.1 Hz, as a share")
    beat_noise: float = Field(0.01, ge=0, le=0.05, description="standard deviation of the period, as a share")
    stroke_variation: float = Field(0.05, ge=0, le=0.3, description="swing of stroke volume with breathing, as a share")
    step_at: float = Field(0.0, ge=0, description="when the peripheral resistance changes [s]")
    step_factor: float = Field(1.0, gt=0, description="by what it is multiplied then (0.7: vasodilation)")

    @model_validator(mode="after")
    def _ejections_fit_into_beats(self) -> Self:
        shortest = 60 / self.heart_rate * (1 - self.sinus_arrhythmia - self.mayer_wave - 3 * self.beat_noise)
        if self.ejection_time >= shortest:
            raise ValueError(f"ejection_time {self.ejection_time} s is not below the shortest beat, {shortest:.3f} s")
        return self

    @classmethod
    def individual(cls, seed: int) -> Self:
        """A patient of the normal range: the most important properties are spread by 8 to 15 %, never beyond 2 sd."""
        deviations = np.clip(np.random.default_rng([seed, 1]).standard_normal(len(VARIETY)), -2, 2)
        usual = cls()
        return cls.model_validate(
            {
                name: getattr(usual, name) * float(np.exp(spread * deviation))
                for (name, spread), deviation in zip(VARIETY.items(), deviations, strict=True)
            }
        )

    def simulate(self, duration: float, seed: int) -> Simulation:
        """Run for ``duration`` seconds. The truth is given at each sample of the pressure."""
        beats = _beat_train(self, duration, np.random.default_rng([seed, 2]))
        ejections = Ejections(
            beats.r_peaks + self.pre_ejection, self.ejection_time, beats.stroke_volumes, self.waveform
        )
        vessels = Vessels(
            self.impedance, self.resistance, self.compliance, self.distal_pressure, self.step_at, self.step_factor
        )
        mean_pressure = self.distal_pressure + self.resistance * self.stroke_volume * self.heart_rate / 60
        circulation = Circulation(vessels, ejections, initial=mean_pressure)
        times = sample_times(duration, SAMPLE_PERIOD)
        pressure, flow = circulation.pressure(times / SECOND), circulation.flow(times / SECOND)
        peaks = beats.r_peaks[(beats.r_peaks >= 0) & (beats.r_peaks < duration)]
        signals = (
            Signal("abp", "mmHg", times, pressure),
            Signal("r_peak", "1", np.rint(peaks * SECOND).astype(np.int64), np.ones(len(peaks))),
            Signal("flow", "mL/s", times, flow),
        )
        return Simulation(signals, _truth(self, beats, vessels, signals))


@dataclass(frozen=True, slots=True)
class _Beats:
    """One entry a beat: R peak and the time to the next (s), stroke volume (mL)."""

    r_peaks: FloatArray
    periods: FloatArray
    stroke_volumes: FloatArray


def _beat_train(patient: Patient, duration: float, rng: np.random.Generator) -> _Beats:
    """Beats from the warm-up until past the end. Breathing in shortens the period and lowers the stroke volume."""
    mean_period = 60 / patient.heart_rate
    breath, mayer, first = rng.uniform(0, 1, 3)
    rows, at = [], -WARM_UP - first * mean_period
    while at < duration:
        breathing = np.sin(2 * np.pi * (patient.respiratory_rate / 60 * at + breath))
        tone = np.sin(2 * np.pi * (MAYER_FREQUENCY * at + mayer))
        noise = patient.beat_noise * np.clip(rng.standard_normal(), -3, 3)
        period = mean_period * (1 + patient.sinus_arrhythmia * breathing + patient.mayer_wave * tone + noise)
        rows.append((at, period, patient.stroke_volume * (1 + patient.stroke_variation * breathing)))
        at += period
    return _Beats(*np.array(rows).T)


def _truth(patient: Patient, beats: _Beats, vessels: Vessels, signals: tuple[Signal, Signal, Signal]) -> Truth:
    pressure, _, flow = signals
    seconds = pressure.times / SECOND
    beat = np.searchsorted(beats.r_peaks, seconds, side="right") - 1
    columns = {
        "pressure": ("mmHg", pressure.values),
        "flow": ("mL/s", flow.values),
        "resistance": ("mmHg*s/mL", vessels.resistance_at(seconds)),
        "compliance": ("mL/mmHg", np.full(len(seconds), patient.compliance)),
        "impedance": ("mmHg*s/mL", np.full(len(seconds), patient.impedance)),
        "stroke_volume": ("mL", beats.stroke_volumes[beat]),
        "heart_period": ("s", beats.periods[beat]),
        "cardiac_output": ("mL/s", beats.stroke_volumes[beat] / beats.periods[beat]),
    }
    values = {name: column for name, (_, column) in columns.items()}
    return Truth(seconds, values, {name: unit for name, (unit, _) in columns.items()})
