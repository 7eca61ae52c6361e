"""Recordings in MATLAB's .mat files, of versions 4 to 7.3: vectors, and the rows or columns of matrices, of one length.

A column is named by the expression that yields it in MATLAB: ``t``, ``y(:,2)``, ``val(1,:)``, ``run.pressure``. Which
length is that of the rows is settled by most of the numbers, or by ``table``, the name of a variable or a structure.
Where a scalar such as ``fs`` gives a sampling rate, a last column ``time`` counts seconds.
"""

import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.io import loadmat

from twin_adapters.recordings.mapping import Layout
from twin_adapters.recordings.reading import reading
from twin_adapters.recordings.table import Cells, Table
from twin_runtime.entry_points import missing
from twin_runtime.errors import RecordingError

Array = npt.NDArray[Any]

RATE = re.compile(r"(?i)fs|f_s|srate|sample_?rate|sampling_?(rate|frequency)|sfreq")
"""What the sampling rate is called."""
TIME = "time"
"""A last column that is computed where a file gives a sampling rate: seconds since the first sample."""
HDF5 = b"\x89HDF"
"""What stands behind the 512 bytes of text with which a file of version 7.3 begins."""
REMEDY = (
    "save variables of numbers: of a table or timetable T by "
    '`S = table2struct(timetable2table(T), "ToScalar", true); save("a.mat", "-struct", "S")`, times by posixtime'
)


def read(path: Path, layout: Layout) -> Table:
    """Read a whole file. ``layout.table`` names the variable or the structure to take."""
    with reading(path, "a MATLAB file", "name its `format`, or take the file from its source again"):
        content = _content(path)
        arrays = dict(_arrays(content))
        chosen = {name: array for name, array in arrays.items() if _is_of(name, layout.table)}
        if not chosen:
            raise _nothing(path, layout.table, arrays)
        rows = _rows(chosen.values())
        columns = dict(column for name, array in chosen.items() for column in _columns(name, array, rows))
        units: dict[int, str] = {}
        if (rate := _rate(content)) is not None and TIME not in columns:
            units[len(columns)] = "s"
            columns[TIME] = np.arange(rows) / rate
    cells = list(columns.values())
    return Table(path, rows, list(columns), cells.__getitem__, units)


def _content(path: Path) -> Mapping[str, Any]:
    with path.open("rb") as file:
        is_hdf5 = file.read(512 + len(HDF5))[512:] == HDF5
    if is_hdf5:
        return _hdf5(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        variables = loadmat(path, simplify_cells=True)
    return {name: value for name, value in variables.items() if not name.startswith("__")}


def _hdf5(path: Path) -> dict[str, Any]:
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise missing(error, f"{path} (MATLAB 7.3)") from error

    def value(item: Any) -> Any:  # noqa: ANN401 a group becomes a structure, a dataset an array
        if isinstance(item, h5py.Group):
            return {name: value(part) for name, part in item.items() if not name.startswith("#")}
        kind, array = item.attrs.get("MATLAB_class", b""), item[()]
        if kind == b"char" or "MATLAB_empty" in item.attrs or not isinstance(array, np.ndarray):
            return None
        return array.T.squeeze()  # MATLAB writes columns first

    with h5py.File(path, "r") as file:
        content: dict[str, Any] = value(file)
        return content


def _arrays(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Array]]:
    """All arrays of numbers or texts of one or two dimensions, of structures too, by their MATLAB names."""
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _arrays(value, f"{prefix}{name}.")
        elif records := _records(value):
            yield from _arrays(records, f"{prefix}{name}.")
        elif isinstance(value, np.ndarray) and value.ndim in (1, 2) and value.size > 1 and _is_plain(value):
            native = value.astype(value.dtype.newbyteorder("="))
            yield prefix + name, native.astype(np.object_) if value.dtype.kind == "U" else native


def _rate(content: Mapping[str, Any]) -> float | None:
    """The one sampling rate (Hz) that variables or fields of structures name; None where there is none, or several."""
    rates: set[float] = set()
    for name, value in content.items():
        if isinstance(value, dict):
            rates |= {rate for rate in [_rate(value)] if rate is not None}
        elif RATE.fullmatch(name) and np.size(value) == 1 and isinstance(value, int | float | np.number | np.ndarray):
            rates.add(float(np.ravel(value)[0]))
    return rates.pop() if len(rates) == 1 and min(rates) > 0 else None


def _records(value: Any) -> dict[str, Array]:  # noqa: ANN401 whatever a variable holds
    """The fields of an array of structures that hold one number each, as arrays."""
    if np.ndim(value) != 1 or not all(isinstance(one, dict) for one in value):
        return {}
    fields = {name: np.array([one.get(name) for one in value], dtype=np.object_) for name in value[0]}
    return {
        name: array.astype(np.float64)
        for name, array in fields.items()
        if array.ndim == 1 and all(isinstance(one, int | float) for one in array)
    }


def _is_plain(array: Array) -> bool:
    return array.dtype.kind in "fiubU" or (array.dtype.kind == "O" and all(isinstance(cell, str) for cell in array))


def _is_of(name: str, table: str) -> bool:
    return not table or name == table or name.startswith(f"{table}.")


def _rows(arrays: Any) -> int:  # noqa: ANN401 a view of arrays
    """The length that most of the numbers share."""
    sizes: dict[int, int] = {}
    for array in arrays:
        longest = max(array.shape)
        sizes[longest] = sizes.get(longest, 0) + array.size
    return max(sizes, key=lambda length: (sizes[length], length))


def _columns(name: str, array: Array, rows: int) -> Iterator[tuple[str, Cells]]:
    if array.shape == (rows,):
        yield name, array
    elif array.ndim == 2 and array.shape[0] == rows:
        yield from ((f"{name}(:,{place})", column) for place, column in enumerate(array.T, 1))
    elif array.ndim == 2 and array.shape[1] == rows:
        yield from ((f"{name}({place},:)", row) for place, row in enumerate(array, 1))


def _nothing(path: Path, table: str, arrays: Mapping[str, Array]) -> RecordingError:
    if arrays:
        what = f"there is no variable {table!r}; there are {', '.join(map(repr, arrays))}"
        return RecordingError(what, where=str(path), remedy="name one of these in `table`, or a structure of them")
    return RecordingError("expected arrays of numbers, came none", where=str(path), remedy=REMEDY)
