"""Values of observations, gathered into rows and columns: a row a value, and one a sample of a waveform."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np

from twin_adapters.recordings.fhir_resources import Observation, SampledData, Valued
from twin_adapters.recordings.mapping import UNIX_EPOCH
from twin_adapters.recordings.table import MISSING, Cells
from twin_adapters.recordings.times import LATEST
from twin_adapters.recordings.unit_spelling import runtime_unit
from twin_runtime.core import FloatArray, IntArray
from twin_runtime.durations import NANOSECONDS
from twin_runtime.errors import RecordingError, UnitError
from twin_runtime.units import Conversion, conversion


class Run(NamedTuple):
    """Values of one code in rows that follow each other, with what their observation says."""

    code: str
    title: str
    unit: str
    times: IntArray
    """Nanoseconds since 1970; MISSING where the observation tells no instant."""
    values: FloatArray
    observation: Observation


class Column(NamedTuple):
    """The values of one code in one unit: the places of its runs, each with its way into that unit."""

    unit: str
    title: str
    runs: dict[int, Conversion]


class Rows:
    """The values of all observations, in the order of the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._runs: list[Run] = []
        self._local: set[bool] = set()

    def add(self, observation: Observation) -> None:
        """Append the values that it holds. Raises ``ValueError`` where they cannot be understood."""
        runs = [run for valued in (observation, *observation.component) for run in _runs(valued, observation)]
        if runs and _has_instant(observation):
            self._local.add(_moment(observation.time()).tzinfo is None)
        self._runs += runs

    @property
    def count(self) -> int:
        """How many rows there are."""
        return sum(len(run.times) for run in self._runs)

    @property
    def local(self) -> bool:
        """Whether the times have no offset from UTC. Raises :class:`RecordingError` where only some have one."""
        if len(self._local) > 1:
            what = "some observations have a time with an offset from UTC, others have one without"
            raise RecordingError(what, where=str(self._path), remedy="give all of them an offset, or none")
        return True in self._local

    def times(self) -> Cells:
        """The time of every row."""
        return np.concatenate([run.times for run in self._runs]).view("datetime64[ns]")

    def texts(self, name: str) -> Cells:
        """``subject``, ``device`` or ``status`` of every row."""
        texts = np.array([_text(run.observation, name) for run in self._runs], dtype=np.object_)
        return np.repeat(texts, [len(run.times) for run in self._runs])

    def columns(self) -> Mapping[str, Column]:
        """A column a code. Units that convert become the first of them; others have a column of their own."""
        codes: dict[str, list[Column]] = {}
        for place, run in enumerate(self._runs):
            columns = codes.setdefault(run.code, [])
            if not any(_joins(run, place, column) for column in columns):
                columns.append(Column(run.unit, run.title, {place: Conversion(1.0, 0.0)}))
        return {
            code if len(columns) == 1 else f"{code} ({column.unit or '1'})": column
            for code, columns in codes.items()
            for column in columns
        }

    def cells(self, column: Column) -> Cells:
        """One column, NaN in the rows of others. Raises :class:`RecordingError` for values without an instant."""
        values = np.full(self.count, np.nan)
        last = np.cumsum([len(run.times) for run in self._runs]).tolist()
        for place, (scale, offset) in column.runs.items():
            run = self._runs[place]
            if run.times[0] == MISSING:
                raise self._no_instant(run)
            values[last[place] - len(run.times) : last[place]] = run.values * scale + offset
        return values

    def _no_instant(self, run: Run) -> RecordingError:
        about = run.observation
        what = f"expected an instant for {run.code}, came {about.time() or 'no effective time'!r}"
        remedy = "give that observation a date and a time, or leave it out of the file"
        return RecordingError(what, where=f"{self._path}: Observation {about.id}", remedy=remedy)


def _joins(run: Run, place: int, column: Column) -> bool:
    """Add a run to a column, where its unit converts into that of the column."""
    try:
        column.runs[place] = conversion(run.unit or "1", column.unit or "1")
    except UnitError:
        return False
    return True


def _text(observation: Observation, name: str) -> str | None:
    if name == "status":
        return observation.status or None
    reference = observation.subject if name == "subject" else observation.device
    return reference.reference or reference.display or None


def _runs(valued: Valued, observation: Observation) -> Iterator[Run]:
    """What one value or component yields: nothing, one value, or a run for each dimension of a waveform."""
    first = _nanoseconds(observation)
    name, title = valued.code.name(), valued.code.title()
    if valued.value_sampled_data is not None:
        data = valued.value_sampled_data
        since, values = _samples(data)
        times = np.full(len(since), MISSING) if first is None else first + since
        for dimension, column in enumerate(values.T):
            code = name if data.dimensions == 1 else f"{name}[{dimension}]"
            yield Run(code, title, runtime_unit(data.origin.spelt()), times, column, observation)
        return
    number, unit = _number(valued)
    if number is not None:
        times = np.array([MISSING if first is None else first], dtype=np.int64)
        yield Run(name, title, unit, times, np.array([number]), observation)


def _number(valued: Valued) -> tuple[float | None, str]:
    """A single value and its unit; None where there is none, or only a bound."""
    quantity = valued.value_quantity
    if quantity is not None:
        return None if quantity.comparator else quantity.value, runtime_unit(quantity.spelt())
    number = valued.value_boolean if valued.value_integer is None else valued.value_integer
    return None if number is None else float(number), ""


def _samples(data: SampledData) -> tuple[IntArray, FloatArray]:
    """The times of samples in ns since the first moment, and the samples by dimension. Errors and limits are NaN."""
    words = [np.nan if word in ("E", "U", "L") else float(word) for word in data.data.split()]
    if not words or len(words) % data.dimensions:
        raise ValueError(f"expected sampled data of {data.dimensions} dimensions, came {len(words)} samples")
    values = np.array(words).reshape(-1, data.dimensions) * data.factor + (data.origin.value or 0.0)
    return _since(data, len(values)), values


def _since(data: SampledData, count: int) -> IntArray:
    unit = "ms" if data.period is not None else data.interval_unit
    if unit not in NANOSECONDS:
        raise ValueError(f"expected an interval in {', '.join(NANOSECONDS)}, came {unit!r}")
    if data.offsets:
        steps = np.array([float(word) for word in data.offsets.split()])
    else:
        step = data.interval if data.period is None else data.period
        if step is None or not step > 0:
            raise ValueError(f"expected a period above 0 between samples, came {step}")
        steps = step * np.arange(count, dtype=np.float64)
    if len(steps) != count or not np.all(np.abs(steps) * NANOSECONDS[unit] < LATEST / 2):
        raise ValueError(f"expected {count} times of samples within 146 years, came {len(steps)}")
    since: IntArray = np.rint(steps * NANOSECONDS[unit]).astype(np.int64)
    return since


def _has_instant(observation: Observation) -> bool:
    return "T" in observation.time()


def _nanoseconds(observation: Observation) -> int | None:
    """The time of an observation in UTC, or by its own clock where it has no offset; None without a time of day."""
    if not _has_instant(observation):
        return None
    moment = _moment(observation.time())
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UNIX_EPOCH.tzinfo)
    time = (aware - UNIX_EPOCH) // timedelta(microseconds=1) * 1000
    if not -LATEST / 2 < time < LATEST / 2:
        raise ValueError(f"expected a time between 1824 and 2116, came {observation.time()}")
    return time


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"expected a time such as 2020-01-01T12:00:00Z, came {text!r}") from None
