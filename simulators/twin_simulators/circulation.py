"""A three-element Windkessel under a train of ejections, solved in closed form.

Between two events (valve opens, valve closes, resistance changes) the Windkessel

    P = Rc Q + Pc,    C dPc/dt = Q - (Pc - Pd) / Rd

is linear with an inflow Q made of a constant and sines, so each stretch has an exact solution: the steady response to
every sine, and an exponential that carries the difference from where the stretch began. There is no time step.

Westerhof, Lankhaar, Westerhof: The arterial Windkessel. Med Biol Eng Comput 47 (2009) 131-141.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from twin_runtime.core import FloatArray, IntArray

ComplexArray = npt.NDArray[np.complex128]
Waveform = Literal["half-sine", "raised-cosine"]


class Harmonic(NamedTuple):
    """The part ``real(amplitude * exp(i * frequency * t))`` of an ejection of 1 mL in 1 s; frequency in rad/s."""

    amplitude: complex
    frequency: float


HARMONICS: dict[Waveform, tuple[Harmonic, ...]] = {
    "half-sine": (Harmonic(-0.5j * np.pi, np.pi),),
    "raised-cosine": (Harmonic(1, 0.0), Harmonic(-1, 2 * np.pi)),
}
"""Shapes of ejection: pi/2 sin(pi t), and the smoother 1 - cos(2 pi t)."""


@dataclass(frozen=True, slots=True)
class Ejections:
    """Beats that do not overlap: when the valve opens (s, increasing), for how long (s), and stroke volumes (mL)."""

    opens: FloatArray
    duration: float
    volumes: FloatArray
    waveform: Waveform = "half-sine"


@dataclass(frozen=True, slots=True)
class Vessels:
    """Rc and Rd in mmHg s/mL, C in mL/mmHg, Pd in mmHg; Rd is multiplied by ``step_factor`` at ``step_at`` (s)."""

    impedance: float
    resistance: float
    compliance: float
    distal_pressure: float = 0.0
    step_at: float = 0.0
    step_factor: float = 1.0

    def resistance_at(self, seconds: FloatArray) -> FloatArray:
        """Rd at any time."""
        return self.resistance * np.where(seconds >= self.step_at, self.step_factor, 1.0)


class Circulation:
    """The solution from the first opening of the valve on, where the stored pressure Pc is ``initial`` (mmHg)."""

    def __init__(self, vessels: Vessels, ejections: Ejections, initial: float) -> None:
        opens, closes = ejections.opens, ejections.opens + ejections.duration
        self._vessels, self._ejections = vessels, ejections
        events = np.unique(np.concatenate([opens, closes, [vessels.step_at]]))
        self._begin = events[events >= opens[0]]
        beat = np.searchsorted(opens, self._begin, side="right") - 1
        self._opened = opens[beat]
        self._volume = np.where(self._begin < closes[beat], ejections.volumes[beat], 0.0)
        self._resistance = vessels.resistance_at(self._begin)
        self._initial = self._stored_from(initial)

    def flow(self, seconds: FloatArray) -> FloatArray:
        """Flow through the aortic valve, mL/s."""
        terms = self._inflow(self._stretch(seconds), seconds)
        return np.asarray(np.sum([term.real for term, _ in terms], axis=0))

    def pressure(self, seconds: FloatArray) -> FloatArray:
        """Aortic pressure P, mmHg."""
        stretch = self._stretch(seconds)
        departure = self._initial[stretch] - self._steady(stretch, self._begin[stretch])
        stored = self._steady(stretch, seconds) + departure * self._decay(stretch, seconds)
        return np.asarray(self._vessels.impedance * self.flow(seconds) + stored)

    def _stored_from(self, initial: float) -> FloatArray:
        """Pc at the beginning of every stretch, carried from one to the next."""
        stretch = np.arange(len(self._begin) - 1)
        at_begin, at_end = self._steady(stretch, self._begin[:-1]), self._steady(stretch, self._begin[1:])
        stored = np.full(len(self._begin), initial, dtype=np.float64)
        for i, decay in enumerate(self._decay(stretch, self._begin[1:])):
            stored[i + 1] = at_end[i] + (stored[i] - at_begin[i]) * decay
        return stored

    def _steady(self, stretch: IntArray, seconds: FloatArray) -> FloatArray:
        """Pc if the inflow of the stretch had gone on for ever: Pd + Rd Re(sum of a exp(iwt) / (1 + iw Rd C))."""
        resistance, tau = self._resistance[stretch], self._resistance[stretch] * self._vessels.compliance
        terms = self._inflow(stretch, seconds)
        response = [resistance * (term / (1 + 1j * frequency * tau)).real for term, frequency in terms]
        return np.asarray(self._vessels.distal_pressure + np.sum(response, axis=0))

    def _inflow(self, stretch: IntArray, seconds: FloatArray) -> list[tuple[ComplexArray, float]]:
        """Each harmonic of the inflow as a complex signal, with its frequency in rad/s."""
        duration = self._ejections.duration
        since, mean = (seconds - self._opened[stretch]) / duration, self._volume[stretch] / duration
        harmonics = HARMONICS[self._ejections.waveform]
        return [(mean * h.amplitude * np.exp(1j * h.frequency * since), h.frequency / duration) for h in harmonics]

    def _decay(self, stretch: IntArray, seconds: FloatArray) -> FloatArray:
        tau = self._resistance[stretch] * self._vessels.compliance
        return np.asarray(np.exp(-(seconds - self._begin[stretch]) / tau))

    def _stretch(self, seconds: FloatArray) -> IntArray:
        return np.searchsorted(self._begin, seconds, side="right") - 1
