"""What the checks remember from tick to tick: one row of numbers a twin, part of the state, with named columns.

The rows are stored and hashed as float64; kernels see records, which are views of them.
"""

from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt

from twin_runtime.assimilation.inflation import InflationMemory
from twin_runtime.core import FloatArray
from twin_runtime.modelling.signals import InputSamples

BINS = 10
"""Of a rank histogram."""

RecordArray = npt.NDArray[np.void]


class TwinMemory:
    """The columns of a twin. ``sum_`` counts from the start, ``window_`` fades with the window of the checks.

    ``_2`` sums the squares of the weights: how many readings the faded ones are worth.
    """

    trust: float
    better: float
    worse: float
    sum_assimilated: float
    sum_outliers: float
    sum_covered: float
    sum_width: float
    sum_nis: float
    sum_degrees: float
    window_nis: float
    window_degrees: float
    window_degrees_2: float
    window_covered: float
    window_compared: float
    window_compared_2: float
    sum_verdicts: FloatArray
    """Ticks by :class:`twin_runtime.core.Trust`."""
    sum_compared: float
    sum_inputs: float
    """Samples of inputs that were used, and values of sensors that were only confirmed."""
    sum_updates: float
    diverged: float
    """For how many ticks yet the twin counts as diverged."""
    sum_diverged: float
    paused: float
    """The tick since which the twin does not run; -1: it has not begun; 0: it runs."""
    sum_gaps: float
    """How often it has begun again after a pause."""
    window_replaced: float
    """Members that were lost and replaced, as a share of all."""
    sum_replaced: float
    sum_omitted: float
    """Readings that were not used because the run had fallen behind."""


class SensorMemory:
    """The columns of each sensor of a twin. ``_found`` is estimated from innovations, the same without it as stated."""

    newest: float
    """The tick of the newest reading."""
    refused: float
    """How many readings in a row the gate has refused."""
    window_bias: float
    window_count: float
    window_count_2: float
    window_outliers: float
    window_square: float
    window_share: float
    sum_readings: float
    sum_square: float
    sum_variance: float
    sum_crps: float
    sum_noise: float
    sum_noise_found: float
    sum_forecast: float
    sum_forecast_found: float
    sum_signal: float
    last_rank: float
    sum_ranks: float
    sum_ranks_2: float
    sum_ranks_lagged: float
    ranked: FloatArray
    """Readings by their rank among the members."""
    window_reopened: float
    value: float
    """Of the newest reading."""
    same_since: float
    """The tick since when the value has been the same."""


def _dtype(columns: type, shapes: dict[str, int]) -> np.dtype[np.void]:
    """Records with these columns, all float64."""
    fields = [(name, "f8", shapes.get(name, ())) for name in columns.__annotations__]
    return np.dtype((np.record, np.dtype(fields, align=True)))


TWIN, SENSOR = _dtype(TwinMemory, {"sum_verdicts": 3}), _dtype(SensorMemory, {"ranked": BINS})
TWIN_WIDTH, SENSOR_WIDTH = TWIN.itemsize // 8, SENSOR.itemsize // 8


class CheckMemory(NamedTuple):
    """Views of the memory: ``twins[twin]`` of :class:`TwinMemory`, ``sensors[twin, sensor]`` of :class:`SensorMemory`.

    Kernels change them in place.
    """

    twins: RecordArray
    sensors: RecordArray


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the columns of a twin type lie in a row of memory.

    ``variables`` counts those whose inflation is remembered: all of them, or none.
    """

    sensors: int
    inputs: int
    variables: int = 0

    @property
    def width(self) -> int:
        """Numbers a twin."""
        return TWIN_WIDTH + self.sensors * SENSOR_WIDTH + self.variables * 2 + self.inputs * 2

    def records(self, memory: FloatArray) -> CheckMemory:
        """The columns of the twins and of their sensors."""
        stop = TWIN_WIDTH + self.sensors * SENSOR_WIDTH
        return CheckMemory(by_twin(memory), memory[:, TWIN_WIDTH:stop].view(SENSOR))

    def by_variable(self, memory: FloatArray) -> InflationMemory:
        """Views of the inflation of every variable."""
        start = TWIN_WIDTH + self.sensors * SENSOR_WIDTH
        inflation = memory[:, start : start + self.variables * 2].reshape(len(memory), self.variables, 2)
        return InflationMemory(inflation[..., 0], inflation[..., 1])

    def by_input(self, memory: FloatArray) -> InputSamples:
        """Views of the newest sample of every input before the tick, its time in ns; NaN: none yet."""
        samples = memory[:, self.width - self.inputs * 2 :].reshape(len(memory), self.inputs, 2)
        return InputSamples(samples[..., 0], samples[..., 1])

    def fresh(self, twins: int) -> FloatArray:
        """The memory of twins that have had no reading yet."""
        memory = np.zeros((twins, self.width))
        by_twin(memory)["paused"] = -1.0
        sensors = self.records(memory).sensors
        sensors["newest"], sensors["value"] = -np.inf, np.nan
        for column in (*self.by_variable(memory), *self.by_input(memory)):
            column[:] = np.nan
        return memory

    def reset_window(self, memory: FloatArray, twin: int) -> None:
        """Empty the window of a twin, and what is remembered of its inflation, in place."""
        for columns, dtype in zip(self.records(memory), (TWIN, SENSOR), strict=True):
            for name in dtype.names or ():
                if name.startswith("window_"):
                    columns[name][twin] = 0.0
        for column in self.by_variable(memory):
            column[twin] = np.nan


def by_twin(memory: FloatArray) -> RecordArray:
    """A view ``[twin]`` of the columns of the twins."""
    return memory[:, :TWIN_WIDTH].view(TWIN)[:, 0]


def totals(memory: FloatArray) -> TwinMemory:
    """The columns of the twins, summed over them."""
    return cast("TwinMemory", memory[:, :TWIN_WIDTH].sum(axis=0).view(TWIN)[0])
