"""Units: conversions against published numbers, and the errors where there is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_runtime.errors import UnitError
from twin_runtime.units import conversion


@pytest.mark.parametrize(
    ("source", "target", "scale", "offset"),
    [
        # NIST SP 811 (2008), appendix B.8
        ("mmHg", "Pa", 133.3224, 0.0),
        ("cmH2O", "Pa", 98.0665, 0.0),
        ("bar", "kPa", 100.0, 0.0),
        ("psi", "kPa", 6.894757, 0.0),
        ("L/min", "m^3/s", 1.666667e-5, 0.0),
        ("rpm", "1/s", 0.1047198, 0.0),
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
