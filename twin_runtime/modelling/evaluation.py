"""Formulas in plain Python: what they are, the samples of the prior on which they are tried, and what they give."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from twin_runtime.errors import ModelError
from twin_runtime.modelling.declaration import formulas_of
from twin_runtime.modelling.ensemble import draw_prior
from twin_runtime.modelling.formulas import ALLOWED
from twin_runtime.modelling.model import physical
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import arguments, called, plain
from twin_runtime.modelling.places import code_of, line_at, place_in_function, raised_in
from twin_runtime.modelling.random import numbered_keys
from twin_runtime.modelling.variables import Constant, State

Sample = Mapping[str, float]
"""A value for every variable, constant and signal of a model and for ``known``, each in its own unit."""
SEED, DRAWS = 1, 64
"""Of the draws from the prior on which a model is tried."""


SINGLE = ("output", "stored", "inflow")
"""What formulas with one result are for; the others give a value for each state."""


class Formula(NamedTuple):
    """A physics function of a model, in plain Python too, with the names of its arguments and of its results."""

    label: str
    function: Callable[..., Any]
    in_python: Callable[..., Any]
    arguments: tuple[str, ...]
    results: tuple[str, ...]

    @property
    def files(self) -> set[str]:
        """The files in which it and the formulas that it calls are written."""
        return {code.co_filename for code in map(code_of, called([self.function])) if code}


def formulas(model: OdeModel) -> Iterator[Formula]:
    """All physics functions of a model."""
    states = tuple(v.name for v in model.variables if isinstance(v, State))
    for label, function in formulas_of(type(model)).items():
        purpose, _, name = label.partition(" ")
        results = (name,) if purpose in SINGLE else states
        yield Formula(label, function, plain(function), arguments(function), results)


def prior_samples(model: OdeModel, draws: int, inputs: Mapping[str, Sequence[float]]) -> list[Sample]:
    """The medians of the prior, then ``draws`` from it; ``inputs`` take their values in turn, else their defaults."""
    centre = np.array([variable.prior.centre for variable in model.variables])
    drawn = draw_prior(model.variables, numbered_keys(SEED, 1), max(draws, 1))[0, :draws]
    rows = physical(np.concatenate([centre[None], drawn]), model.variables)
    fixed = {entry.name: entry.value for entry in model.table if isinstance(entry, Constant)}
    signals = [given for given in model.inputs if given.has_value]
    return [
        {v.name: float(value) for v, value in zip(model.variables, row, strict=True)}
        | {given.name: _nth(inputs.get(given.name, ()), k, given.default) for given in signals}
        | fixed
        | {"known": float(k % 2)}
        for k, row in enumerate(rows)
    ]


def _nth(values: Sequence[float], k: int, default: float) -> float:
    return values[k % len(values)] if values else default


class Evaluation(NamedTuple):
    """What a formula gives for a sample: results that are all numbers, or the ``reason`` why they are none."""

    results: tuple[float, ...]
    reason: str = ""
    where: str = ""


def evaluate(formula: Formula, sample: Sample) -> Evaluation:
    """A formula for a sample.

    Raises :class:`ModelError` where it could not give numbers for any sample: a wrong number of results, a word in
    place of a number.
    """
    try:
        given = formula.in_python(*[sample[name] for name in formula.arguments])
    except (ArithmeticError, ValueError) as error:
        return Evaluation((), str(error).replace("float ", ""), raised_in(error, formula.files))
    except Exception as error:  # the code is not ours, and may raise anything
        where = raised_in(error, formula.files)
        if "complex" in str(error):
            return Evaluation((), "a root of a negative number", where)
        what = f"{formula.label} fails in `{line_at(where)}`: {error}"
        raise ModelError(what, where=where, remedy=ALLOWED) from None
    return _judged(formula, given if isinstance(given, tuple) else (given,))


def _judged(formula: Formula, given: tuple[Any, ...]) -> Evaluation:
    """The results of a formula, if they are as many numbers as it must give."""
    if len(given) == len(formula.results) and all(isinstance(value, float | int) for value in given):
        reason = "" if all(map(math.isfinite, given)) else "the result is not finite"
        return Evaluation(given, reason, _end(formula) if reason else "")
    expected = f"{len(formula.results)}: {', '.join(formula.results)}"
    if given == (None,):
        what = f"{formula.label} returns nothing, expected {expected}"
        raise ModelError(what, where=_end(formula), remedy="end it with return and the results")
    for value in given:
        if isinstance(value, complex):
            return Evaluation((), "a root of a negative number", _end(formula))
        if not isinstance(value, float | int):
            what = f"{formula.label} returns {value!r}, a {type(value).__name__}, expected numbers"
            raise ModelError(what, where=_end(formula), remedy=_remedy(formula))
    what = f"{formula.label} returns {_counted(len(given))}, expected {expected}"
    raise ModelError(what, where=_end(formula), remedy=_remedy(formula))


def _end(formula: Formula) -> str:
    """The place where a formula returns its results."""
    return place_in_function(formula.function, "return")


def _counted(count: int) -> str:
    return f"{count} value{'' if count == 1 else 's'}"


def _remedy(formula: Formula) -> str:
    """How the last line of a formula is written."""
    prefix = {"rate": "rate_of_"}.get(formula.label, "")
    results = ", ".join(f"{prefix}{name}" for name in formula.results)
    if formula.label.startswith(SINGLE):
        return f"return one number, {results}"
    return f"return {results}{', in the order of the states in the table' if len(formula.results) > 1 else ''}"
