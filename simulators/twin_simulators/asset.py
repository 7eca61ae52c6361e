"""What a simulated asset is: signals as perfect sensors would give them, and the truth that nobody measures.

Times of a simulation are relative: integer nanoseconds (``Signal``) or seconds (``Truth``) since its start. Where the
start lies in the world's time, the *epoch*, is decided when the asset is published or turned into a recording.
"""

import csv
import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from twin_runtime.core import SECOND, FloatArray, IntArray
from twin_runtime.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Signal:
    """One channel of an asset, without any fault of sensor or network: one entry a sample, increasing times in ns."""

    channel: str
    unit: str
    times: IntArray
    values: FloatArray

    def __len__(self) -> int:
        return len(self.times)


@dataclass(frozen=True, slots=True)
class Truth:
    """The hidden quantities of an asset: ``values[name]`` in ``units[name]`` at ``times`` (seconds, increasing)."""

    times: FloatArray
    values: Mapping[str, FloatArray]
    units: Mapping[str, str]

    def at(self, seconds: float) -> dict[str, float]:
        """Every quantity at the newest time not after ``seconds`` (at the first time if it lies before all)."""
        row = max(int(np.searchsorted(self.times, seconds, side="right")) - 1, 0)
        return {name: float(column[row]) for name, column in self.values.items()}

    def write(self, path: Path) -> None:
        """Write a table, by the suffix of ``path``: CSV (header ``name [unit]``) or JSON (``units`` and ``values``).

        Raises ConfigError for another suffix and where the file cannot be written.
        """
        writers = {".csv": self._write_csv, ".json": self._write_json}
        if path.suffix not in writers:
            raise ConfigError(
                f"cannot write the truth as {path.suffix or 'a file without a suffix'!r}, only as .csv or .json",
                where=str(path),
                remedy="name a file that ends in .csv or .json",
            )
        try:
            writers[path.suffix](path)
        except OSError as error:
            raise ConfigError(
                f"cannot be written: {error.strerror}", where=str(path), remedy="name a folder that exists"
            ) from error

    def _write_csv(self, path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["time [s]", *(f"{name} [{unit}]" for name, unit in self.units.items())])
            table.writerows(zip(self.times.tolist(), *(self.values[name].tolist() for name in self.units), strict=True))

    def _write_json(self, path: Path) -> None:
        columns = {"time": self.times, **self.values}
        values = {name: column.tolist() for name, column in columns.items()}
        path.write_text(json.dumps({"units": {"time": "s", **self.units}, "values": values}), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Simulation:
    """One run of an asset: what its sensors measure, and the truth behind it."""

    signals: tuple[Signal, ...]
    truth: Truth


class Asset(BaseModel):
    """A physical asset and its properties. A subclass declares the properties as fields and solves its own physics."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def individual(cls, seed: int) -> Self:
        """One of many such assets, drawn by the seed. Without a declared variety all are alike."""
        del seed
        return cls()

    @abstractmethod
    def simulate(self, duration: float, seed: int) -> Simulation:
        """Run for ``duration`` seconds. The same properties, duration and seed give the same run."""


def sample_times(duration: float, period: int) -> IntArray:
    """Times (ns) of a sensor that samples every ``period`` ns from the start until before ``duration`` (s)."""
    return np.arange(0, round(duration * SECOND), period, dtype=np.int64)
