"""Whether the declaration of a model holds together: checked before anything is compiled, all faults reported."""

import inspect
import keyword
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from twin_runtime.errors import ModelError, all_of, did_you_mean
from twin_runtime.modelling.formulas import formula_faults, is_formula
from twin_runtime.modelling.physics import declared_name
from twin_runtime.modelling.places import place_in_function, place_of_class
from twin_runtime.modelling.variables import (
    Conserved,
    Constant,
    Input,
    Output,
    Parameter,
    Prior,
    Shape,
    State,
    Variable,
)

EXAMPLES = {
    "name": 'name = "tank"',
    "table": 'table = (State("level", "m", Normal(1.0, 0.3)),)',
    "rate": "rate = rate, a function with @physics above it",
    "step": "step = 0.1, the longest step of the integration in seconds",
}
"""What every model of differential equations declares, as it may be written."""
TUPLES = {
    "table": 'State("level", "m", Normal(1.0, 0.3))',
    "inputs": 'Input("pump", "m/s")',
    "outputs": 'Output("level", "m")',
    "conserved": 'Conserved("energy", "J", stored, inflow)',
}
"""What the tables of a model hold, as it may be written."""
GIVEN = "known"
"""The name by which a formula asks whether the inputs are observed."""


@cache
def check_declaration(cls: Any) -> None:  # noqa: ANN401  # a class of OdeModel
    """Raise one :class:`ModelError` with everything that is wrong with the declaration of a model."""
    faults = list(_missing(cls)) or [*_table_faults(cls), *_output_faults(cls), *_event_faults(cls)]
    faults = faults or list(_function_faults(cls))
    if faults:
        raise all_of(faults)


def formulas_of(cls: Any) -> dict[str, Any]:  # noqa: ANN401
    """The physics functions of a model by what they are for."""
    named = {"rate": cls.rate} | {f"events[{name}]": function for name, function in cls.events.items()}
    if cls.jump is not None:
        named["jump"] = cls.jump
    named |= {f"output {o.name}": o.function for o in cls.outputs if o.function is not None}
    named |= {f"stored {each.name}": each.stored for each in cls.conserved}
    return named | {f"inflow {each.name}": each.inflow for each in cls.conserved}


def available(cls: Any) -> list[str]:  # noqa: ANN401
    """What the formulas of a model may ask for."""
    signals = [given.name for given in cls.inputs if given.shape is not Shape.EVENT]
    return [*(entry.name for entry in cls.table), *signals, GIVEN]


def _fault(cls: Any, what: str, remedy: str) -> ModelError:  # noqa: ANN401
    return ModelError(what, where=place_of_class(cls), remedy=remedy)


def _missing(cls: Any) -> Iterator[ModelError]:  # noqa: ANN401
    for attribute, example in EXAMPLES.items():
        if not hasattr(cls, attribute):
            yield _fault(cls, f"model {cls.__name__} does not declare its {attribute}", f"write {example}")
    for attribute, example in TUPLES.items():
        if not isinstance(getattr(cls, attribute, ()), tuple | list):
            what = f"{attribute} of model {cls.__name__} is no tuple, it is {getattr(cls, attribute)!r:.60}"
            yield _fault(cls, what, f"write {attribute} = ({example},), with the comma")
    if not isinstance(cls.events, Mapping):
        yield _fault(cls, f"events of model {cls.__name__} is no table", 'write events = {"beat": beat}')
    if not (isinstance(step := getattr(cls, "step", 1.0), int | float) and 0.0 < step < math.inf):
        yield _fault(cls, f"expected a step above 0 s, got {step!r}", f"write {EXAMPLES['step']}")


def _table_faults(cls: Any) -> Iterator[ModelError]:  # noqa: ANN401
    kinds = (State, Parameter, Constant)
    rows: list[tuple[str, Any, tuple[type, ...]]] = [("table", entry, kinds) for entry in cls.table]
    rows += [("inputs", entry, (Input,)) for entry in cls.inputs]
    rows += [("conserved", entry, (Conserved,)) for entry in cls.conserved]
    for table, entry, expected in rows:
        if not isinstance(entry, expected):
            names = " or ".join(kind.__name__ for kind in expected)
            yield _fault(cls, f"expected a {names} in {table}, got {entry!r}", f"write {TUPLES[table]}")
        else:
            yield from _entry_faults(cls, entry)
    counts = Counter(getattr(entry, "name", repr(entry)) for _, entry, _ in rows)
    for name in (name for name, count in counts.items() if count > 1):
        yield _fault(cls, f"{counts[name]} variables or inputs are named '{name}'", "give each a name of its own")
    if not any(isinstance(entry, State) for entry in cls.table):
        yield _fault(cls, "expected a State in the table, got none", f"write {EXAMPLES['table']}")


def _entry_faults(cls: Any, entry: Any) -> Iterator[ModelError]:  # noqa: ANN401
    if not all(map(_can_stand, str(entry.name).split("."))):
        what = f"'{entry.name}' cannot be the name of an argument"
        yield _fault(cls, what, "use letters, digits and '_', and no word of Python's own, nor 'known'")
    if isinstance(entry, Variable):
        yield from _variable_faults(cls, entry)
    number = getattr(entry, "value", getattr(entry, "default", 0.0))
    if not (isinstance(number, float | int) and math.isfinite(number)):
        what = f"expected a number for {type(entry).__name__.lower()} '{entry.name}', got {number!r}"
        yield _fault(cls, what, "give a finite number")


def _can_stand(word: str) -> bool:
    return word.isidentifier() and not keyword.iskeyword(word) and word != GIVEN and "__" not in word


def _variable_faults(cls: Any, entry: Variable) -> Iterator[ModelError]:  # noqa: ANN401
    if not isinstance(entry.prior, Prior):
        what = f"expected a prior of '{entry.name}', got {entry.prior!r}"
        yield _fault(cls, what, f"write Normal(mean, sd), LogNormal(median, sd) or Fixed({entry.prior})")
    if not 0.0 <= entry.walk < math.inf:
        what = f"expected a walk of '{entry.name}' of 0 or more, got {entry.walk}"
        yield _fault(cls, what, "give a standard deviation per square root of a second")


def _output_faults(cls: Any) -> Iterator[ModelError]:  # noqa: ANN401
    units = {entry.name: entry.unit for entry in cls.table if isinstance(entry, Variable)}
    for output in cls.outputs:
        if not isinstance(output, Output):
            yield _fault(cls, f"expected an Output in outputs, got {output!r}", 'write Output("level", "m")')
        elif output.function is None and units.get(output.name) != output.unit:
            yield _fault(
                cls,
                f"output '{output.name}' has no function, and there is no variable of that name in {output.unit}",
                "give it a physics function, or name a variable and its unit: "
                + ", ".join(f"{name} ({unit})" for name, unit in units.items()),
            )
    for name, count in Counter(o.name for o in cls.outputs if isinstance(o, Output)).items():
        if count > 1:
            yield _fault(cls, f"{count} outputs are named '{name}'", "give each a name of its own")


def _event_faults(cls: Any) -> Iterator[ModelError]:  # noqa: ANN401
    inputs = [given for given in cls.inputs if isinstance(given, Input) and given.shape is Shape.EVENT]
    for name in cls.events:
        if all(given.name != name for given in inputs):
            remedy = f"declare Input({name!r}, '1', shape=Shape.EVENT)"
            yield _fault(cls, f"events names '{name}', which is no event input", remedy)


def _function_faults(cls: Any) -> Iterator[ModelError]:  # noqa: ANN401
    valued = {f"events[{i.name}]": i.name for i in cls.inputs if i.shape is Shape.EVENT and i.has_value}
    for label, function in formulas_of(cls).items():
        known = [*available(cls), *([valued[label]] if label in valued else [])]
        yield from formula_faults(label, function, known, cls)
        if is_formula(function):
            yield from _argument_faults(cls, label, function, known)


def _argument_faults(cls: Any, label: str, function: Any, known: Sequence[str]) -> Iterator[ModelError]:  # noqa: ANN401
    for argument in inspect.signature(function.py_func).parameters.values():
        if told := _argument_fault(cls, argument, known):
            what, remedy = told
            yield ModelError(f"{label} {what}", where=place_in_function(function, "def "), remedy=remedy)


def _argument_fault(cls: Any, argument: inspect.Parameter, known: Sequence[str]) -> tuple[str, str] | None:  # noqa: ANN401
    """What is wrong with an argument, and what to do; None if nothing is."""
    if argument.kind in {argument.VAR_POSITIONAL, argument.VAR_KEYWORD}:
        return f"takes any arguments by {argument}", "name each of them"
    if argument.name == "self":
        return "is a method and asks for 'self'", "write it as a function above the class, without self"
    name = declared_name(argument.name)
    if name in known:
        return None
    return f"asks for '{name}', which model {cls.__name__} does not declare", _instead(name, known)


def _instead(name: str, known: Iterable[str]) -> str:
    near = did_you_mean(name, known)
    return near if near.startswith("did") else f"declare it, or use one of: {', '.join(known)}"
