"""A mapping is complete, or every mistake is reported with file, line, key, what was expected, and the remedy."""

from pathlib import Path

import pytest

from tests.adapters.recordings.conftest import Load
from twin_adapters.recordings import read_mapping
from twin_runtime.errors import ConfigError, RecordingError

STREAM = '[[streams]]\nchannel = "x"\nfile = "a.csv"\nvalue = "x"\nunit = "1"\n'

MISTAKES = {
    "a misspelt key": (STREAM + 'vlaue = "x"', "test.recording.toml:6: streams[0].vlaue: unknown key", "value"),
    "no unit": (STREAM.replace('unit = "1"', ""), "streams[0].unit: expected, but missing", 'unit = "mmHg"'),
    "no channel": (STREAM.replace('channel = "x"', ""), "streams[0].channel: expected, but missing", "sensor or input"),
    "no file": (STREAM.replace('file = "a.csv"', ""), "streams[0]: expected `file`, got none", "[recording]"),
    "no streams": ('[recording]\nname = "x"', "streams: expected, but missing", "a table [[streams]]"),
    "an empty list": ("streams = []", "expected at least one table [[streams]]", "one for each channel"),
    "neither value": (STREAM.replace('value = "x"', ""), "expected `value` (a column) or `constant`", "got neither"),
    "two values": (STREAM + "constant = 1.0", "expected `value` (a column) or `constant`", "got both"),
    "a wrong time unit": (STREAM + 'time_unit = "sec"', "time_unit: expected 'ns', 'us', 'ms', 's'", 'got "sec"'),
    "a negative column": (STREAM + "time = -1", "expected the name of a column or its number from 0, got -1", ":6:"),
    "a wrong period": (STREAM + 'period = "4 parsecs"', "expected a duration such as", "got '4 parsecs'"),
    "an epoch of no place": (
        "[recording]\nepoch = 2020-01-01T00:00:00\n" + STREAM,
        "recording.epoch: expected a date-time with an offset such as 2020-01-01T00:00:00Z",
        "got 2020-01-01 00:00:00",
    ),
    "an epoch in quotes": ('[recording]\nepoch = "2020-01-01"\n' + STREAM, "expected a date-time", "unquoted"),
    "two units": (
        STREAM + STREAM.replace('"1"', '"m"') + 'twin = "b"',
        "streams[0].unit: expected one unit for channel 'x', got '1' and 'm'",
        "convert the values",
    ),
    "no TOML": ("[[streams]\n", "test.recording.toml:1:10: not TOML", "[brackets]"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_reported_with_its_place_and_its_remedy(mistake: str, load_mapping: Load) -> None:
    text, *parts = MISTAKES[mistake]
    with pytest.raises(ConfigError) as error:
        load_mapping(text)
    assert "test.recording.toml" in str(error.value)
    for part in parts:
        assert part in str(error.value)


def test_every_mistake_is_reported_at_once(load_mapping: Load) -> None:
    with pytest.raises(ConfigError) as error:
        load_mapping('[recording]\nnmae = "x"\ntime_unit = "sec"\n' + STREAM + "colour = 1")
    assert [
        key for key in ("recording.nmae", "recording.time_unit", "streams[0].colour") if key in str(error.value)
    ] == [
        "recording.nmae",
        "recording.time_unit",
        "streams[0].colour",
    ]


def test_a_missing_file_reports_where_it_was_looked_for_and_names_the_option(
    tmp_path: Path, load_mapping: Load
) -> None:
    with pytest.raises(RecordingError) as error:
        load_mapping(STREAM)
    assert f"there is no file 'a.csv' in {tmp_path}" in str(error.value)
    assert "--data" in str(error.value)
    with pytest.raises(RecordingError, match=r"there is no file 'a.csv' in /nowhere/at/all"):
        load_mapping(STREAM, Path("/nowhere/at/all"))


def test_an_unknown_column_lists_the_columns_there_are(tmp_path: Path, load_mapping: Load) -> None:
    (tmp_path / "a.csv").write_text("time,pressure\n0,1\n")
    with pytest.raises(RecordingError, match="there is no column 'x'; there are 'time', 'pressure'"):
        load_mapping(STREAM)
    with pytest.raises(RecordingError, match="there is no column 7"):
        load_mapping(STREAM.replace('value = "x"', "value = 7"))


def test_an_unknown_format_lists_the_formats_there_are(tmp_path: Path, load_mapping: Load) -> None:
    (tmp_path / "a.xls").write_text("")
    with pytest.raises(ConfigError, match=r"there is no format 'xls'; there are csv, .*parquet, wfdb"):
        load_mapping(STREAM.replace("a.csv", "a.xls"))


def test_a_value_of_the_recording_holds_for_streams_without_their_own(tmp_path: Path) -> None:
    path = tmp_path / "test.recording.toml"
    path.write_text(
        '[recording]\ntime = "t"\ntwin = "a"\ncolumns = ["t", "x"]\n' + STREAM + STREAM + 'time = 3\ntwin = "b"'
    )
    first, second = read_mapping(path).placed
    assert (first.time, first.twin, first.columns) == ("t", "a", ("t", "x"))
    assert (second.time, second.twin, second.columns) == (3, "b", ("t", "x"))
