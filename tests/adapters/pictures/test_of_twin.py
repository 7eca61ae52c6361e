"""Pictures of twins: what stands in them, read from the text of an SVG and from the parts of the figure."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from tests.runs.test_course import TICKS, drawn, stored
from tests.ward import at, message, messages
from twin_adapters.pictures import draw_twin
from twin_adapters.pictures.colours import TRUST
from twin_adapters.pictures.of_twin import figure_of
from twin_runtime.core import Trust
from twin_runtime.errors import ConfigError
from twin_runtime.runs.course import Course, worst_first


@pytest.fixture
def found(tmp_path: Path) -> list[Course]:
    come = messages(TICKS)
    come[2 * 100] = message(100.5, 250.0)
    stored(tmp_path / "ward.db", come)
    return drawn(tmp_path / "ward.db")


def test_it_has_units_words_and_a_mark_for_what_is_hidden(found: list[Course], tmp_path: Path) -> None:
    draw_twin(found, tmp_path / "ward.svg")
    text = (tmp_path / "ward.svg").read_text()
    for words in ("patient-0", "pressure, measured by abp", "mmHg", "resistance, hidden:", "time (UTC)", "2020-Sep-13"):
        assert words in text
    assert "refused as an outlier" in text
    assert "truth" not in text
    assert "http://www.w3.org" in text
    assert "<image" not in text, "every band is a shape"


def test_the_same_store_gives_the_same_bytes(found: list[Course], tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        draw_twin(found, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_a_png_is_small_and_not_empty(found: list[Course], tmp_path: Path) -> None:
    draw_twin(found, tmp_path / "ward.png")
    assert 5_000 < (tmp_path / "ward.png").stat().st_size < 150_000
    pixels = imread(tmp_path / "ward.png")
    assert np.unique(pixels.reshape(-1, pixels.shape[-1]), axis=0).shape[0] > 10


def test_one_quantity_and_the_truth(found: list[Course]) -> None:
    truth = {"pressure": (found[0].time, np.full(len(found[0].time), 80.0))}
    figure = figure_of(found, "pressure", truth)
    panel, verdict = figure.axes
    assert panel.get_title(loc="left") == "pressure, measured by abp"
    assert any((np.asarray(line.get_ydata(), float) == 80.0).all() for line in panel.lines)
    assert verdict.get_title(loc="left") == "verdict"


def test_a_far_off_reading_stays_in_the_picture(found: list[Course]) -> None:
    panel = figure_of(found, "pressure", {}).axes[0]
    low, high = panel.get_ylim()
    shown = [np.asarray(line.get_ydata(), float) for line in panel.lines]
    assert all(low <= value <= high for values in shown for value in values)
    assert at(100.5) in found[0].refused["abp"].time


def test_a_fleet_has_a_strip_for_each_twin(tmp_path: Path) -> None:
    come = [each for each in messages(1200, 3) if each.topic != "patient-1/abp" or each.arrival < at(100)]
    stored(tmp_path / "ward.db", come, 3)
    figure = figure_of(worst_first(drawn(tmp_path / "ward.db")), "pressure", {})
    assert [label.get_text() for label in figure.axes[-1].get_yticklabels()] == ["patient-1", "patient-0", "patient-2"]
    assert any("age" in text.get_text() for text in figure.axes[-1].texts)


def test_verdicts_are_told_apart_without_colour() -> None:
    assert len({hatch for _, hatch in TRUST.values()}) == len(Trust)


def test_another_suffix_is_refused(found: list[Course], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ends in \.png, \.svg, \.pdf.*remedy: name a file such as picture\.png"):
        draw_twin(found, tmp_path / "ward.xyz")
