"""Whatever text a file holds, its rows have the numbers that another parser finds there, or it is refused."""

import csv
import io
import math
from contextlib import suppress
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin_adapters.recordings import Layout
from twin_adapters.recordings.csv import read
from twin_adapters.recordings.notation import HeaderLines
from twin_runtime.errors import RecordingError

MARKS = [*'0123456789.,;"-+eE# \t\r\n|xNaAinf\0é', "\r\n", ",5\n", "1.5,", '"",', "\n\n", "NaN", "-999", "1e400"]
"""What files of numbers are made of, and what breaks them."""

Decimal = Literal[".", ","]
Texts = st.lists(st.sampled_from(MARKS), max_size=30).map("".join)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("texts") / "a.csv"


def by_another_parser(text: str, decimal: str, delimiter: str) -> list[float]:
    """The number in the first cell of each row below remarks; NaN where there is none."""
    lines = io.StringIO(text, newline="").readlines()
    while lines and lines[0].startswith("#"):
        lines.pop(0)
    return [_number(record, decimal) for record in csv.reader(lines, delimiter=delimiter)]


def _number(record: list[str], decimal: str) -> float:
    with suppress(ValueError):
        return float(record[0].replace(decimal, ".")) if record else math.nan
    return math.nan


@pytest.mark.parametrize(("decimal", "delimiter"), [(".", ","), (",", ";")])
@given(text=Texts)
def test_a_row_has_the_number_that_stands_in_it(decimal: Decimal, delimiter: str, path: Path, text: str) -> None:
    path.write_bytes(text.encode())
    layout = Layout(header=False, decimal=decimal, delimiter=delimiter)
    with suppress(RecordingError):
        found = read(path, layout).numbers(0)
        np.testing.assert_array_equal(found, by_another_parser(text, decimal, delimiter))


@pytest.mark.parametrize("header", [True, False, ["names", "units"]])
@settings(max_examples=50)
@given(content=st.one_of(Texts.map(str.encode), st.binary(max_size=60)))
def test_any_bytes_are_read_or_refused_with_a_remedy(header: HeaderLines, path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        table = read(path, Layout(header=header))
        for column in range(len(table.names)):
            table.cells(column)
            table.spelled(column)
    except RecordingError as error:
        said = error
    else:
        return
    assert said.remedy
    assert said.where.startswith(str(path))


@settings(max_examples=50)
@given(
    rows=st.lists(
        st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**63), 2**63 - 1)), min_size=1
    ),
    delimiter=st.sampled_from(",;|\t "),
)
def test_numbers_that_were_written_come_back_to_the_last_bit(
    path: Path, rows: list[tuple[float, int]], delimiter: str
) -> None:
    path.write_text("".join(f"{value!r}{delimiter}{whole}\n" for value, whole in rows))
    table = read(path, Layout(header=False, delimiter=delimiter if delimiter == " " else ""))
    assert table.numbers(0).tolist() == [value for value, _ in rows]
    assert table.column(1).tolist() == [whole for _, whole in rows]
