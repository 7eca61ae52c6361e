"""Units: conversions against published numbers, and the errors where there is none."""

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pint import UnitRegistry

from twin_runtime.errors import UnitError
from twin_runtime.units import conversion, is_unit


@pytest.mark.parametrize(
    ("source", "target", "scale", "offset"),
    [
        # NIST SP 811 (2008), appendix B.8
        ("mmHg", "Pa", 133.3224, 0.0),
        ("cmH2O", "Pa", 98.0665, 0.0),
        ("bar", "kPa", 100.0, 0.0),
        ("psi", "kPa", 6.894757, 0.0),
        ("L/min", "m^3/s", 1.666667e-5, 0.0),
        ("rpm", "rad/s", 0.1047198, 0.0),
        ("degree", "rad", 0.01745329, 0.0),
        ("turn/min", "degree/s", 6.0, 0.0),
        ("kbyte/s", "bit/s", 8000.0, 0.0),
        ("degC", "K", 1.0, 273.15),
        ("degF", "degC", 1 / 1.8, -32 / 1.8),
        ("K", "degC", 1.0, -273.15),
        ("hour", "s", 3600.0, 0.0),
        # 1 Wood unit = 1 mmHg min/L = 8 MPa s/m3 = 80 dyn s/cm5
        ("mmHg*min/L", "MPa*s/m^3", 7.999343, 0.0),
        ("mmHg*min/L", "dyn*s/cm^5", 79.99343, 0.0),
        ("mmHg*s/mL", "mmHg*min/L", 1000 / 60, 0.0),
        ("L/min", "mL/s", 1000 / 60, 0.0),
        ("1/min", "Hz", 1 / 60, 0.0),
        ("%", "1", 0.01, 0.0),
        ("m³/h", "L/s", 1 / 3.6, 0.0),
        ("kg/h", "kg/s", 1 / 3600, 0.0),
        ("W/m/degC", "W/m/K", 1.0, 0.0),
    ],
)
def test_published_conversions(source: str, target: str, scale: float, offset: float) -> None:
    found = conversion(source, target)
    assert found.scale == pytest.approx(scale, rel=1e-6)
    assert found.offset == pytest.approx(offset, rel=1e-6)


@pytest.mark.parametrize(
    ("source", "target", "scale", "offset"),
    [("degC", "K", 1.0, 273.15), ("L/min", "mL/s", 1000 / 60, 0.0), ("degF", "degC", 5 / 9, -160 / 9)],
)
def test_factors_are_rounded_once(source: str, target: str, scale: float, offset: float) -> None:
    assert conversion(source, target) == (scale, offset)


def test_a_unit_is_itself_even_if_it_is_unknown() -> None:
    assert conversion("furlongs of tinsel", "furlongs of tinsel") == (1.0, 0.0)


@given(st.floats(-1e6, 1e6), st.sampled_from([("mmHg", "kPa"), ("degC", "degF"), ("kg/s", "kg/h")]))
def test_there_and_back_again(value: float, units: tuple[str, str]) -> None:
    there, back = conversion(*units), conversion(*reversed(units))
    assert (value * there.scale + there.offset) * back.scale + back.offset == pytest.approx(value, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("mmHg", "degC", "'mmHg' measures pressure, 'degC' measures temperature"),
        ("L/min", "kg/s", "'L/min' measures volume flow, 'kg/s' measures mass flow"),
        ("bar", "degC", "; remedy: give a unit of temperature, such as degC"),
        ("kg*m", "kg", "'kg*m' measures mass * length, 'kg' measures mass"),
        ("1", "mmHg", "'1' measures a plain number, 'mmHg' measures pressure"),
        ("C", "degC", "'C' measures electric charge, 'degC' measures temperature"),
        ("mmhg", "Pa", "unknown unit 'mmhg'; remedy: did you mean mmHg"),
        ("Pa", "degc", "unknown unit 'degc'; remedy: did you mean degC"),
        ("kg/", "kg", "'kg/' is not a unit; remedy: write it like"),
        ("2*m", "m", "'2*m' is not a unit"),
        ("(", "1", "'(' is not a unit"),
    ],
)  # fmt: skip
def test_what_cannot_be_converted_gives_the_reason(source: str, target: str, expected: str) -> None:
    with pytest.raises(UnitError) as caught:
        conversion(source, target)
    assert expected in str(caught.value)


@pytest.mark.parametrize("unit", ["rpm", "rad/s", "degree/min"])
def test_an_angle_is_no_plain_number(unit: str) -> None:
    for pair in ((unit, "1/min"), ("Hz", unit)):
        with pytest.raises(UnitError, match="differ by an angle, which is no plain number") as caught:
            conversion(*pair)
        assert all(f"'{name}' on both" in str(caught.value) for name in pair)


def test_an_amount_of_data_is_no_plain_number() -> None:
    with pytest.raises(UnitError, match="differ by an amount of data"):
        conversion("byte", "1")


@pytest.mark.parametrize(
    ("source", "target"),
    [("dB", "1"), ("1", "dB"), ("dBm", "W"), ("delta_degC", "degC"), ("degC", "delta_degF"), ("Qm^9", "qm^9")],
)
def test_what_no_factor_converts_is_refused(source: str, target: str) -> None:
    with pytest.raises(UnitError, match="no factor and offset that a number can hold") as caught:
        conversion(source, target)
    assert f"remedy: send values in {target}" in str(caught.value)


NAMES = st.sampled_from([*sorted(dir(UnitRegistry())), "yotta", "kdegC", "µ", "°", "%", "1"])
PRODUCTS = st.lists(NAMES, min_size=1, max_size=3).flatmap(
    lambda names: st.sampled_from(["*".join(names), "/".join(names), f"({names[0]})^-9", "k" + names[-1]])
)
TEXTS = PRODUCTS | st.text(max_size=30) | st.text("()*/^ °%1²9.'\"[]kmdegCB", max_size=40)


@settings(max_examples=400, deadline=None)
@given(TEXTS, PRODUCTS | st.sampled_from(["1", "K", "degC", "mmHg"]))
def test_no_text_raises_anything_but_an_error_of_units(source: str, target: str) -> None:
    try:
        found = conversion(source, target)
    except UnitError:
        return
    assert 0.0 < abs(found.scale) < math.inf
    assert math.isfinite(found.offset)


@pytest.mark.parametrize(
    "text", ["(" * 40 + "m" + ")" * 40, "(" * 9999 + "m" + ")" * 9999, "9**9**9**9", "km^99999999"]
)
def test_a_text_that_would_take_for_ever_is_no_unit(text: str) -> None:
    with pytest.raises(UnitError):
        conversion(text, "s")


def test_a_unit_with_many_spaces_is_refused_at_once() -> None:
    begin = time.monotonic()
    assert not is_unit("a  " * 32 + "!")
    assert time.monotonic() - begin < 1.0
