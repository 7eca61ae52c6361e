"""Durations: as people write them, and exact."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from twin_runtime.durations import NANOSECONDS, Duration, PositiveDuration, duration_text, parse_duration

LONGEST = 2**63 - 1


@pytest.mark.parametrize(
    ("written", "nanoseconds"),
    [
        ("40 ms", 40_000_000),
        ("40ms", 40_000_000),
        ("5 s", 5_000_000_000),
        ("2 min", 120_000_000_000),
        ("1.5 h", 5_400_000_000_000),
        ("1 d", 86_400_000_000_000),
        ("250 us", 250_000),
        ("250 µs", 250_000),
        ("7 ns", 7),
        (".5 s", 500_000_000),
        (0, 0),
        (0.0, 0),
    ],
)
def test_what_people_write_becomes_nanoseconds(written: object, nanoseconds: int) -> None:
    assert parse_duration(written) == nanoseconds


def test_decimal_fractions_are_exact_where_floats_are_not() -> None:
    assert parse_duration("0.3 s") == 300_000_000
    assert parse_duration("4611686018.427387903 s") == 4_611_686_018_427_387_903


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "soon",
        "5 parsecs",
        "-5 s",
        "5 s 3 ms",
        "1e3 s",
        "٣ s",
        "1/3 s",
        True,
        None,
        [5],
        -1,
        float("nan"),
        float("inf"),
    ],
)
def test_anything_else_is_refused_with_the_right_spelling(wrong: object) -> None:
    with pytest.raises(ValueError, match=r'expected a duration such as "40 ms", "5 s", "2 min" or "1.5 h", got'):
        parse_duration(wrong)


@pytest.mark.parametrize(("bare", "number"), [(40, "40"), ("30", "30"), (0.1, "0.1"), (1e-5, "0.00001"), (" 5 ", "5")])
def test_a_number_without_a_unit_is_refused(bare: object, number: str) -> None:
    with pytest.raises(ValueError, match=f'with its unit, such as "{number} ms" or "{number} s", got'):
        parse_duration(bare)


@pytest.mark.parametrize("wrong", ["0.5 ns", "0.0000000001 s", "1.00000000000000000000000000000000001 s", "300000 d"])
def test_what_nanoseconds_cannot_hold_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="whole number of nanoseconds below 292 years"):
        parse_duration(wrong)


@given(st.integers(0, LONGEST))
def test_every_duration_survives_being_written_and_read(nanoseconds: int) -> None:
    assert parse_duration(duration_text(nanoseconds)) == nanoseconds


@given(st.integers(1, 10**5), st.sampled_from(sorted(NANOSECONDS)))
def test_the_text_is_never_longer_than_what_was_written(count: int, unit: str) -> None:
    written = f"{count} {unit}"
    assert len(duration_text(parse_duration(written))) <= len(written)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0 s"),
        (40_000_000, "40 ms"),
        (90_000_000_000, "90 s"),
        (5_400_000_000_000, "90 min"),
        (1_500_000, "1500 us"),
    ],
)
def test_the_text_uses_the_longest_unit_that_needs_no_fraction(nanoseconds: int, text: str) -> None:
    assert duration_text(nanoseconds) == text


class Timing(BaseModel):
    model_config = ConfigDict(strict=True)

    tick: PositiveDuration
    wait: Duration = 0


def test_a_pydantic_field_reads_and_writes_durations() -> None:
    timing = Timing.model_validate({"tick": "40 ms"})
    assert (timing.tick, timing.wait) == (40_000_000, 0)
    assert timing.model_dump_json() == '{"tick":"40 ms","wait":"0 s"}'


def test_a_tick_of_zero_is_refused() -> None:
    with pytest.raises(ValidationError, match='expected a duration above zero such as "40 ms", got'):
        Timing.model_validate({"tick": "0 ms"})
