"""What a wrong model is told: one or two lines, with the file, the line and what to write instead."""

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from twin_runtime.errors import ModelError
from twin_runtime.modelling.integration import Trial
from twin_runtime.modelling.trial import tried

RIGHT = """\
import math

import numpy as np

from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Constant, Fixed, Input, LogNormal, Normal, Output, Parameter, State

LIMIT = 2.0


def limited(x):
    return min(x, LIMIT)


@physics
def outflow(level, leak):
    return leak * level


@physics
def rate(level, heat, leak, cooling, pump):
    return pump - outflow(level, leak), 0.0 - cooling * heat


@physics
def depth(level):
    return level


class Tank(OdeModel):
    name = "tank"
    table = (
        State("level", "m", Normal(1.0, 0.1)),
        State("heat", "J", LogNormal(5.0, 0.1)),
        Parameter("leak", "1/s", LogNormal(0.1, 0.3)),
        Parameter("cooling", "1/s", LogNormal(0.2, 0.3)),
    )
    inputs = (Input("pump", "m/s"),)
    outputs = (Output("depth", "m", depth),)
    rate = rate
    step = 0.1
"""
RATE = "return pump - outflow(level, leak), 0.0 - cooling * heat"
"""Line 23."""


def of(folder: Path, *changes: tuple[str, str], tick: float = 1.0, **ranges: tuple[float, float]) -> Trial:
    """The right model with some changes, tried."""
    text = RIGHT
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return imported(text, folder, tick, ranges)


def imported(
    text: str, folder: Path, tick: float = 1.0, ranges: Mapping[str, tuple[float, float]] = MappingProxyType({})
) -> Trial:
    """The model of a source, tried."""
    (folder / "wrong_tank.py").write_text(text, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.delitem(sys.modules, "wrong_tank", raising=False)
        importlib.invalidate_caches()
        try:
            return tried(importlib.import_module("wrong_tank").Tank(), tick, ranges)
        except ModelError as error:
            return Trial([error])
        finally:
            patch.delitem(sys.modules, "wrong_tank", raising=False)


DECLARED = {
    "a missing @physics": (
        ("@physics\ndef depth", "\n\ndef depth"),
        ":28: output depth is a plain function, 'depth'; remedy: write @physics above it (from twin_runtime.",
    ),
    "a helper without @physics": (
        ("return leak * level", "return leak * limited(level)"),
        ":18: outflow, which rate calls, calls 'limited', a plain function; remedy: write @physics above limited",
    ),
    "a method": (
        ("    rate = rate\n", "    def rate(self, level):\n        return level\n"),
        ": rate is a method, but a formula takes numbers by their names and no 'self'; remedy: write it as a function",
    ),
    "no rate": (
        ("    rate = rate\n", ""),
        "model Tank does not declare its rate; remedy: write rate = rate, a function",
    ),
    "no step": (
        ("    step = 0.1\n", ""),
        "model Tank does not declare its step; remedy: write step = 0.1, the longest",
    ),
    "a step of 0": (("step = 0.1", "step = 0"), "expected a step above 0 s, got 0; remedy: write step = 0.1"),
    "a number for a rate": (("    rate = rate\n", "    rate = 1.0\n"), "rate is a float, not a physics function"),
    "a number for a prior": (
        ("Normal(1.0, 0.1)", "1.0"),
        "expected a prior of 'level', got 1.0; remedy: write Normal(mean, sd), LogNormal(median, sd) or Fixed(1.0)",
    ),
    "a negative walk": (
        ("Normal(1.0, 0.1)", "Normal(1.0, 0.1), walk=-1.0"),
        "expected a walk of 'level' of 0 or more, got -1.0; remedy: give a standard deviation per square root",
    ),
    "a text in the table": (
        ('State("heat", "J", LogNormal(5.0, 0.1))', '"heat"'),
        "expected a State or Parameter or Constant in table, got 'heat'; remedy: write State(",
    ),
    "one name twice": (('Input("pump"', 'Input("leak"'), "2 variables or inputs are named 'leak'; remedy: give each"),
    "a name that is none": (('State("heat"', 'State("the heat"'), "'the heat' cannot be the name of an argument"),
    "an unknown argument": (
        ("def rate(level, heat, leak, cooling, pump)", "def rate(level, heat, leek, cooling, pump)"),
        ":22: rate asks for 'leek', which model Tank does not declare; remedy: did you mean leak or level?",
    ),
    "an unknown name": (
        (RATE, "return pump - outflow(level, leek), 0.0 - cooling * heat"),
        ":23: rate uses 'leek', which is not defined; remedy: did you mean leak or level?",
    ),
    "a variable that is no argument": (
        ("def rate(level, heat, leak, cooling, pump)", "def rate(level, heat, leak, cooling)"),
        ":23: rate uses 'pump', which is not defined; remedy: take 'pump' as an argument",
    ),
    "a function without its module": (
        ("return leak * level", "return leak * exp(level)"),
        ":18: outflow, which rate calls, uses 'exp', which is not defined; remedy: write math.exp",
    ),
    "a function that math has not": (
        ("return leak * level", "return leak * math.sqroot(level)"),
        "uses 'math.sqroot', which is not defined; remedy: did you mean sqrt",
    ),
    "an array function": (
        ("return leak * level", "return leak * np.exp(level)"),
        ":18: outflow, which rate calls, uses np.exp, an array function; remedy: write math.exp",
    ),
    "an array function of another name": (
        ("return leak * level", "return leak * np.where(level > 0.0, level, 0.0)"),
        "uses np.where, an array function; remedy: write a if condition else b",
    ),
    "arcsin": (("return leak * level", "return leak * np.arcsin(level)"), "remedy: write math.asin"),
    "a list": (
        ("LIMIT = 2.0", "LIMIT = [2.0]"),
        ("return leak * level", "return leak * LIMIT[0]"),
        "uses 'LIMIT', a list, which is no number; remedy: make it a number, or a tuple of numbers",
    ),
    "a global that it changes": (
        ("return leak * level", "global LIMIT; LIMIT = level; return leak * level"),
        ":18: outflow, which rate calls, changes the global 'LIMIT', but a formula only gives results; remedy: make",
    ),
    "a global that something else changes": (
        ("    return min(x, LIMIT)", "    global LIMIT\n    LIMIT = x"),
        ("return leak * level", "return leak * LIMIT"),
        "uses 'LIMIT', which line 14 changes; a formula keeps the value of its first run; remedy: make it an Input",
    ),
    "random numbers": (
        ("import math\n", "import math\nimport random\n"),
        ("return leak * level", "return leak * level * random.random()"),
        "uses random.random, which gives another value at every call: no run could be replayed; remedy: let the vari",
    ),
    "a clock": (
        ("import math\n", "import math\nfrom time import time\n"),
        ("return leak * level", "return leak * level * time()"),
        "uses time, which gives another value at every call",
    ),
    "a print": (
        ("return leak * level", "print(level); return leak * level"),
        "prints, and would for every member in every step; remedy: declare what you want to see as an Output",
    ),
    "a forgotten comma": (
        ('inputs = (Input("pump", "m/s"),)', 'inputs = Input("pump", "m/s")'),
        "inputs of model Tank is no tuple, it is Input(",
    ),
    "a default that is no number": (
        ('Input("pump", "m/s")', 'Input("pump", "m/s", default="0")'),
        "expected a number for input 'pump', got '0'; remedy: give a finite number",
    ),
    "an output of nothing": (
        ('Output("depth", "m", depth)', 'Output("depth", "m")'),
        "output 'depth' has no function, and there is no variable of that name in m",
    ),
}
EVALUATED = {
    "one result too few": (
        (RATE, "return pump - outflow(level, leak)"),
        ":23: rate returns 1 value, expected 2: level, heat; remedy: return rate_of_level, rate_of_heat, in the order",
    ),
    "one result too many": ((RATE, "return level, heat, leak"), ":23: rate returns 3 values, expected 2: level, heat"),
    "nothing": (
        ("    return level\n", "    level\n"),
        ":26: output depth returns nothing, expected 1: depth; remedy: end it",
    ),
    "a text": (
        (RATE, "return 'fast' * heat, heat"),
        ":23: rate fails in `return 'fast' * heat, heat`: can't multiply sequence by non-int of type 'float'; remedy: ",
    ),
    "a text as a result": ((RATE, "return 'fast', heat"), ":23: rate returns 'fast', a str, expected numbers"),
    "an argument too many": (
        (RATE, "return pump - outflow(level, leak, heat), 0.0 - cooling * heat"),
        ": outflow() takes 2 positional arguments but 3 were given",
    ),
    "results in the wrong order": (
        (RATE, "return 0.0 - cooling * heat, pump - outflow(level, leak)"),
        ":23: the rate of level is in J/s, expected m/s; remedy: correct the formula, or the units in the table",
    ),
    "arguments of a helper in the wrong order": (
        (RATE, "return pump - outflow(leak, leak), 0.0 - cooling * heat"),
        ":23: rate adds or compares what is in m/s and what is in 1/s^2",
    ),
    "a rate by the hour": (
        ('Parameter("cooling", "1/s"', 'Parameter("cooling", "1/h"'),
        ":23: the rate of heat is 3600 times too large: it comes in J/h, taken for J/s; remedy: declare units",
    ),
    "an input in a larger unit": (
        ('Input("pump", "m/s")', 'Input("pump", "km/s")'),
        (RATE, "return pump, 0.0 - cooling * heat"),
        ":23: the rate of level is 1000 times too small: it comes in km/s, taken for m/s; remedy: declare units",
    ),
    "an output in another unit": (
        ('Output("depth", "m", depth)', 'Output("depth", "kg", depth)'),
        ":28: output depth is in m, expected kg; remedy: correct the formula, or the units in the table",
    ),
    "a number without a unit": (
        (RATE, "return pump - outflow(level, leak) - 9.81, 0.0 - cooling * heat"),
        ":23: rate adds, compares or takes as a plain number what is in m/s; remedy: a number in a formula has no unit",
    ),
    "a limit without a unit": (
        (RATE, "return (pump if level > 3.0 else 0.0) - outflow(level, leak), 0.0 - cooling * heat"),
        ":23: rate compares a quantity that has a unit with a plain number; remedy: a number in a formula has no unit",
    ),
    "an exponential of a length": (
        (RATE, "return pump - outflow(level, leak), 0.0 - cooling * heat * math.exp(0.0 - level)"),
        "takes as a plain number what is in m; remedy: functions of math take plain numbers: divide by a scale first",
    ),
    "a unit that does not exist": (
        ('State("heat", "J"', 'State("heat", "Jule"'),
        "state 'heat': unknown unit 'Jule'; remedy: did you mean ",
    ),
    "a division by an input that is 0": (
        (RATE, "return outflow(level, leak) * (pump / pump), 0.0 - cooling * heat"),
        ":23: rate gives no number on the prior, in 65 of 65 members: division by zero with level = 1, heat = 5, "
        "leak = 0.1, cooling = 0.2, pump = 0; remedy: give the input 'pump' another default than 0, or guard the form",
    ),
    "a root of what may be negative": (
        ("Normal(1.0, 0.1)", "Normal(0.0, 0.1)"),
        (RATE, "return pump, 0.0 - cooling * heat * math.sqrt(level / level)"),
        ":23: rate gives no number on the prior, in 1 of 65 members: division by zero with level = 0, heat = 5, "
        "leak = 0.1, cooling = 0.2, pump = 0; remedy: choose a prior that stays away from it (LogNormal is positive)",
    ),
    "an overflow": (
        (RATE, "return pump, 0.0 - cooling * heat * math.exp(1e6 * leak / leak)"),
        ":23: rate gives no number on the prior, in 65 of 65 members: math range error with",
    ),
}
INTEGRATED = {
    "steps that are too long": (
        ('Parameter("cooling", "1/s", LogNormal(0.2, 0.3))', 'Parameter("cooling", "1/s", LogNormal(720.0, 0.3))'),
        ":31: with steps of 0.1 s the integration diverges in 65 of 65 members of the prior: heat settles within "
        "0.00069 s; remedy: write step = 0.0006; if that is too fast to be true, rates are per second",
    ),
    "what Numba cannot": (
        (RATE, "from math import cos; return pump - outflow(level, leak), 0.0 - cooling * heat"),
        ":23: rate cannot be compiled: Use of unsupported opcode (IMPORT_NAME) found; remedy: in a formula stand",
    ),
    "a positive state that is driven below zero": (
        ('Parameter("cooling", "1/s"', 'Parameter("cooling", "J/s"'),
        ("LogNormal(0.2, 0.3)", "LogNormal(50.0, 0.3)"),
        (RATE, "return pump - outflow(level, leak), 0.0 - cooling"),
        ":31: 64 of 64 members of the prior are lost within 1 s, with inputs at their defaults: heat leaves what its "
        "prior allows; remedy: LogNormal keeps it positive: let its rate vanish there, or give it a Normal prior",
    ),
}
CASES = DECLARED | EVALUATED | INTEGRATED


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_wrong_model_is_told_what_to_write_instead(case: tuple[tuple[str, str] | str, ...], tmp_path: Path) -> None:
    *changes, expected = case
    trial = of(tmp_path, *changes)  # type: ignore[arg-type]
    told = "\n".join(map(str, trial.faults))
    assert str(expected) in told
    assert len(trial.faults) <= 2
    assert "Traceback" not in told


def test_what_leaves_doubt_is_no_error(tmp_path: Path) -> None:
    wide = ('Parameter("cooling", "1/s", LogNormal(0.2, 0.3))', 'Parameter("cooling", "1/s", LogNormal(9.0, 0.9))')
    divided = (RATE, "return pump - outflow(level, leak) * level / level, 0.0 - cooling * heat * (2.0 - pump / pump)")
    default = ('Input("pump", "m/s")', 'Input("pump", "m/s", default=0.1)')
    trial = of(tmp_path, wide, divided, default, pump=(0.0, 1.0))
    assert trial.faults == []
    told = "\n".join(map(str, trial.remarks))
    assert "rate gives no number at the ends of the range of its inputs, in 22 of 65 members: division by zero" in told
    assert len(trial.remarks) == 2
    assert "the integration diverges in 5 of 65 members of the prior: heat settles" in told


@pytest.mark.parametrize(
    "rates",
    ["0.0, 0.0 - cooling * heat", "max(pump - outflow(level, leak), 0.0), 0.0 if heat < 0.0 else 0.0 - cooling * heat"],
)
def test_nothing_is_nothing_in_any_unit(rates: str, tmp_path: Path) -> None:
    assert of(tmp_path, (RATE, f"return {rates}")).faults == []


FIELD = """\
import numpy as np
from numba import njit

from twin_runtime.modelling.field import FieldModel
from twin_runtime.modelling.variables import Normal, State


@njit
def carry(x):
    return np.roll(x, 1, axis=2)


class Tank(FieldModel):
    name = "tank"

    def __init__(self, priors=None, walk=None):
        super().__init__([State(f"c{k}", "m", Normal(1.0, 0.1)) for k in range(3)], ())

    def advance(self, x, duration, signals, points, predicted, residual):
        x[:] = carry(x)
"""
FIELDS = {
    "what Numba cannot": (
        "",
        "",
        ":10: the model cannot be compiled: there is no roll(array(number, 3d, C), 1, axis=2); remedy: write a loop",
    ),
    "an error of its own": (
        "carry(x)",
        "x[:, :, 5]",
        ":20: model tank fails in a tick: IndexError: index 5 is out of bounds",
    ),
    "what is lost": ("carry(x)", "x * np.nan", "64 of 64 members of the prior are lost within 1 s"),
}


@pytest.mark.parametrize("case", FIELDS.values(), ids=FIELDS.keys())
def test_a_field_that_fails_in_a_tick_is_told(case: tuple[str, str, str], tmp_path: Path) -> None:
    old, new, expected = case
    text = FIELD.replace(f"x[:] = {old}", f"x[:] = {new}") if old else FIELD
    trial = imported(text, tmp_path)
    (fault,) = trial.faults
    assert expected in str(fault)
    assert "wrong_tank.py" in str(fault)
