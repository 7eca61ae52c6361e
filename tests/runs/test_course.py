"""What a picture shows of a store: every tick, or the limits of many in one point."""

from pathlib import Path

import numpy as np
import pytest

from tests.ward import TICK, at, message, messages, ward
from twin_runtime.core import Message, Trust
from twin_runtime.runs import course
from twin_runtime.runs.course import HIGH_90, LEAST, LOW_50, LOW_90, MOST, Course, courses, stretches, worst_first
from twin_runtime.runs.fold import Fold
from twin_runtime.store.reader import Reader
from twin_runtime.store.store import Store

TICKS = 120


def stored(path: Path, come: list[Message], patients: int = 1) -> None:
    """A store of what a ward makes of some messages."""
    assembly = ward(patients)
    fold, router = Fold(assembly, "stream"), assembly.router()
    with Store.create_or_open(path, assembly.identity) as store:
        store.write(fold.take(entry for each in come for entry in router.read(each)), list(fold.run()))
        store.write((), list(fold.finish()))


def drawn(path: Path, span: int = 0) -> list[Course]:
    with Reader.open(path) as reader:
        return courses(reader, span)


def test_every_tick_is_a_point_with_its_estimates_and_readings(tmp_path: Path) -> None:
    stored(tmp_path / "ward.db", messages(TICKS))
    [found] = drawn(tmp_path / "ward.db")
    assert (found.twin, found.stride, len(found.time)) == ("patient-0", 1, TICKS)
    assert found.time.tolist() == [at(number + 1) for number in range(TICKS)]
    with Reader.open(tmp_path / "ward.db") as reader:
        records = list(reader.latest())
    place = [quantity.name for quantity in found.known.quantities].index("pressure")
    assert found.limits[:, place, LOW_90].tolist() == [float(r.figures[0, place, 2]) for r in records]
    assert found.limits[:, place, MOST].tolist() == [float(r.figures[0, place, 0]) for r in records]
    assert (np.diff(found.limits[:, place, [LOW_90, LOW_50]]) > 0).all(), "the 50 % interval lies inside the 90 % one"
    assert found.known.sensed == {"abp": "pressure"}
    assert found.readings["abp"].time.tolist() == [at(number + 0.5) for number in range(TICKS)]
    assert "flow" not in found.readings, "an input is compared with nothing"


def test_many_ticks_are_thinned_out_to_their_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(tmp_path / "ward.db", messages(TICKS))
    [whole] = drawn(tmp_path / "ward.db")
    monkeypatch.setattr(course, "POINTS", 13)
    [found] = drawn(tmp_path / "ward.db")
    assert (found.stride, len(found.time)) == (10, 12)
    groups = whole.limits.reshape(12, 10, -1, 6)
    assert (found.limits[..., LOW_90] == groups[..., LOW_90].min(axis=1)).all()
    assert (found.limits[..., LEAST] == groups[..., LEAST].min(axis=1)).all()
    assert (found.limits[..., HIGH_90] == groups[..., HIGH_90].max(axis=1)).all()


def test_only_the_newest_span_is_shown(tmp_path: Path) -> None:
    stored(tmp_path / "ward.db", messages(TICKS))
    [found] = drawn(tmp_path / "ward.db", 20 * TICK)
    assert found.time.tolist() == [at(number + 1) for number in range(TICKS - 20, TICKS)]
    assert found.readings["abp"].time.min() == at(TICKS - 20 + 0.5)


def test_a_reading_that_the_gate_refused_is_among_the_refused(tmp_path: Path) -> None:
    come = messages(TICKS)
    come[2 * 100] = message(100.5, 250.0)
    stored(tmp_path / "ward.db", come)
    [found] = drawn(tmp_path / "ward.db")
    assert found.refused["abp"].time.tolist() == [at(100.5)]
    assert found.refused["abp"].value.tolist() == [250.0]


def test_a_late_reading_revises_what_was_refused(tmp_path: Path) -> None:
    """What is refused in the end does not depend on the order of arrival."""
    come = messages(TICKS)
    come[2 * 100] = message(100.5, 250.0)
    stored(tmp_path / "in-order.db", come)
    assembly = ward()
    fold, router = Fold(assembly, "stream"), assembly.router()
    late = come[:196] + come[206:] + come[196:206]
    with Store.create_or_open(tmp_path / "late.db", assembly.identity) as store:
        for each in late:
            store.write(fold.take(router.read(each)), list(fold.run()))
        store.write((), list(fold.finish()))
    [one], [other] = drawn(tmp_path / "in-order.db"), drawn(tmp_path / "late.db")
    assert one.refused["abp"].time.tolist() == other.refused["abp"].time.tolist() == [at(100.5)]


def test_the_worst_twin_comes_first_and_its_verdicts_are_told_as_stretches(tmp_path: Path) -> None:
    """The second patient's pressure fails: its age makes the twin degraded, then untrusted."""
    come = [each for each in messages(1200, 2) if each.topic != "patient-1/abp" or each.arrival < at(100)]
    stored(tmp_path / "ward.db", come, 2)
    found = worst_first(drawn(tmp_path / "ward.db"))
    assert [each.twin for each in found] == ["patient-1", "patient-0"]
    last = stretches(found[0])[-1]
    assert last.trust == Trust.UNTRUSTED
    assert "age" in last.reasons
    assert last.stop == len(found[0].time)
    assert sum(each.stop - each.first for each in stretches(found[0])) == len(found[0].time)
