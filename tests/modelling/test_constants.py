"""Constants have units; temperatures in degC are differences, or count from absolute zero."""

import numpy as np
import pytest

from twin_runtime.modelling.dimensions import declared_units, unit_faults
from twin_runtime.modelling.evaluation import prior_samples
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.signals import InputSignals, no_points
from twin_runtime.modelling.trial import tried
from twin_runtime.modelling.variables import Constant, Fixed, Input, LogNormal, Normal, Output, Parameter, State


@physics
def radiated(
    temperature: float, absolute_zero: float, stefan_boltzmann: float, area: float, surroundings: float
) -> float:
    """Heat that a grey surface radiates to its surroundings (Stefan 1879, Boltzmann 1884)."""
    return area * stefan_boltzmann * ((temperature - absolute_zero) ** 4 - (surroundings - absolute_zero) ** 4)


@physics
def rate(
    temperature: float,
    absolute_zero: float,
    stefan_boltzmann: float,
    area: float,
    surroundings: float,
    loss: float,
    capacity: float,
) -> float:
    """The heat balance of a plate."""
    gone = radiated(temperature, absolute_zero, stefan_boltzmann, area, surroundings)
    return -(gone + loss * (temperature - surroundings)) / capacity


@physics
def shown(temperature: float, offset: float) -> float:
    """What a gauge with an offset shows."""
    return temperature + offset


@physics
def mistaken(temperature: float, loss: float) -> float:
    """A temperature in degC that is multiplied as it is."""
    return loss * temperature


@physics
def shifted(temperature: float) -> float:
    """A temperature made kelvin by a bare number."""
    return temperature + 273.15


class Plate(OdeModel):
    """A hot plate, in degC."""

    name = "plate"
    table = (
        State("temperature", "degC", Normal(200.0, 20.0)),
        Parameter("loss", "W/K", LogNormal(0.5, 0.2)),
        Parameter("offset", "delta_degC", Normal(0.0, 0.5)),
        Parameter("area", "m^2", Fixed(0.5)),
        Constant("capacity", "J/K", 900.0),
        Constant("absolute_zero", "degC", -273.15),
        Constant("stefan_boltzmann", "W/(m^2*K^4)", 5.670374419e-8),
    )
    inputs = (Input("surroundings", "degC", default=20.0),)
    outputs = (Output("shown", "degC", shown), Output("radiated", "W", radiated))
    rate = rate
    step = 0.5


def test_a_heat_balance_in_degrees_celsius_checks_out_and_runs() -> None:
    model = Plate()
    assert tried(model, 1.0, {}) == ([], [])
    assert [v.name for v in model.variables] == ["temperature", "loss", "offset", "area"]
    assert [q.name for q in model.quantities] == ["shown", "radiated", "temperature", "loss", "offset", "area"]
    x, signals = (
        np.array([[[200.0, np.log(0.5), 0.0, 0.5]]]),
        InputSignals(np.full((1, 1, 1), -np.inf), np.full((1, 1, 1), 20.0), np.ones(1)),
    )
    watts = 0.5 * 5.670374419e-8 * (473.15**4 - 293.15**4)
    assert model.observe(x, 0.0, signals)[0, 0, 1] == pytest.approx(watts, rel=1e-12)
    model.advance(x, 0.1, signals, no_points(1), np.empty((1, 1, 0)), np.empty(1))
    assert x[0, 0, 0] == pytest.approx(200.0 - 0.1 * (watts + 0.5 * 180.0) / 900.0, rel=1e-4)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            Output("shown", "W", mistaken),
            "output shown is 100 W by its numbers, and 236.575 by its units; remedy: give a",
        ),
        (
            Output("shown", "K", shifted),
            "a plain number what is in degC; remedy: a number in a formula has no unit: decl",
        ),
    ],
)
def test_a_temperature_that_is_no_difference_is_found(output: Output, expected: str) -> None:
    model = type("Sketch", (Plate,), {"outputs": (output,)})()
    (fault,) = unit_faults(model, declared_units(model), prior_samples(model, 3, {}))
    assert expected in str(fault)


def test_a_difference_in_kelvin_is_told_to_be_one_in_degrees_celsius() -> None:
    table = [Parameter("offset", "K", Normal(0.0, 0.5)) if e.name == "offset" else e for e in Plate.table]
    model = type("Sketch", (Plate,), {"table": tuple(table)})()
    (fault,) = unit_faults(model, declared_units(model), prior_samples(model, 3, {}))
    assert "output shown adds or multiplies a temperature in degC as if it were a difference" in str(fault)
    assert 'give a difference of temperatures the unit "delta_degC", and subtract Constant("absolute_zero"' in str(
        fault
    )


def test_a_constant_is_part_of_the_fingerprint() -> None:
    table = [Constant("capacity", "J/K", 950.0) if e.name == "capacity" else e for e in Plate.table]
    assert type("Plate", (Plate,), {"table": tuple(table)})().fingerprint != Plate().fingerprint
