"""What a physics function may contain, found before it is compiled, so that errors name the line and what to write."""

import builtins
import dis
import inspect
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from types import CodeType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from twin_runtime.errors import ModelError, did_you_mean
from twin_runtime.modelling.physics import called, is_constant
from twin_runtime.modelling.places import code_of, place_in_function, place_of_class, place_of_function

WRITE_PHYSICS = "write @physics above it (from twin_runtime.modelling.physics import physics)"
ALLOWED = "in a formula stand numbers, math.*, if, min, max, abs and other @physics functions"
OF_THE_MOMENT = {"datetime", "random", "secrets", "time"}
"""Modules whose functions give another value at every call."""
IN_PYTHON = {
    "abs": "abs(x)",
    "absolute": "abs(x)",
    "clip": "min(max(x, low), high)",
    "max": "max(x, y)",
    "maximum": "max(x, y)",
    "min": "min(x, y)",
    "minimum": "min(x, y)",
    "power": "x**y",
    "sign": "math.copysign(1.0, x)",
    "square": "x**2",
    "where": "a if condition else b",
}
"""What to write for a function of NumPy that ``math`` has under no name."""


class Name(NamedTuple):
    """A name that a function takes from outside: its parts (``math.exp``), its line, its value."""

    parts: tuple[str, ...]
    line: int
    value: Any

    @property
    def text(self) -> str:
        """The name as it is written."""
        return ".".join(self.parts)


class _Missing:
    """The value of a name that is not defined."""


MISSING = _Missing()


def formula_faults(label: str, function: Any, known: Iterable[str], model: type) -> Iterator[ModelError]:  # noqa: ANN401
    """What is wrong with a formula and with those that it calls.

    ``known`` are the names that it may ask for, of the class ``model``.
    """
    if not is_formula(function):
        yield _not_compiled(label, function, model)
        return
    known = list(known)
    for each in called([function]):
        own = label if each is function else f"{each.__name__}, which {label} calls,"
        if changed := list(_changed_globals(own, each)):
            yield from changed
            continue
        for name in _names(each):
            yield from _name_faults(own, each, name, known)


def is_formula(function: Any) -> bool:  # noqa: ANN401
    """Whether it has been compiled by ``@physics``."""
    return hasattr(function, "py_func")


def _not_compiled(label: str, function: Any, model: type) -> ModelError:  # noqa: ANN401
    if not inspect.isfunction(function):
        where = place_of_class(model)
        return ModelError(f"{label} is {_kind(function)}, not a physics function", where=where, remedy=ALLOWED)
    where = place_in_function(function, "def ")
    if next(iter(inspect.signature(function).parameters), "") == "self":
        what = f"{label} is a method, but a formula takes numbers by their names and no 'self'"
        return ModelError(what, where=where, remedy=f"write it as a function above the class, and {WRITE_PHYSICS}")
    return ModelError(f"{label} is a plain function, '{function.__name__}'", where=where, remedy=WRITE_PHYSICS)


def _names(function: Any) -> Iterator[Name]:  # noqa: ANN401
    """The names that a function takes from outside."""
    source = function.py_func
    enclosing = inspect.getclosurevars(source).nonlocals
    for code in _codes(source.__code__):
        steps = list(dis.get_instructions(code))
        for k, step in enumerate(steps):
            line = (step.positions.lineno if step.positions else None) or code.co_firstlineno
            if step.opname in {"LOAD_GLOBAL", "LOAD_NAME"}:
                value = source.__globals__.get(step.argval, getattr(builtins, step.argval, MISSING))
                yield _attribute_of(Name((step.argval,), line, value), steps[k + 1 :])
            elif step.opname == "LOAD_DEREF" and step.argval in enclosing:
                yield Name((step.argval,), line, enclosing[step.argval])


def _attribute_of(name: Name, following: Iterable[dis.Instruction]) -> Name:
    """The attribute that is taken of a module, of modules in it too; another name is itself."""
    for step in following:
        if not isinstance(name.value, ModuleType) or step.opname not in {"LOAD_ATTR", "LOAD_METHOD"}:
            break
        name = Name((*name.parts, step.argval), name.line, getattr(name.value, step.argval, MISSING))
    return name


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _name_faults(label: str, function: Any, name: Name, known: list[str]) -> Iterator[ModelError]:  # noqa: ANN401
    where = place_of_function(function, name.line)
    if name.value is MISSING:
        yield ModelError(f"{label} uses '{name.text}', which is not defined", where=where, remedy=_nearest(name, known))
    elif _of_the_moment(name.value):
        what = f"{label} uses {name.text}, which gives another value at every call: no run could be replayed"
        yield ModelError(what, where=where, remedy="let the variable drift by its walk, or make it an Input")
    elif name.value is print:
        what = f"{label} prints, and would for every member in every step"
        yield ModelError(what, where=where, remedy="declare what you want to see as an Output")
    elif _of_numpy(name.value):
        yield ModelError(f"{label} uses {name.text}, an array function", where=where, remedy=_scalar(name.parts[-1]))
    elif inspect.isfunction(name.value):
        what = f"{label} calls '{name.text}', a plain function"
        yield ModelError(what, where=where, remedy=f"{WRITE_PHYSICS.replace('it (', f'{name.text} (')}")
    elif not (callable(name.value) or isinstance(name.value, ModuleType) or is_constant(name.value)):
        what = f"{label} uses '{name.text}', {_kind(name.value)}, which is no number"
        yield ModelError(what, where=where, remedy="make it a number, or a tuple of numbers")
    elif is_constant(name.value) and (line := _rebound(function).get(name.text)):
        what = f"{label} uses '{name.text}', which line {line} changes; a formula keeps the value of its first run"
        yield ModelError(what, where=where, remedy="make it an Input or a Parameter, and ask for it by name")


def _nearest(name: Name, known: list[str]) -> str:
    """A remedy for a name that is not defined."""
    if len(name.parts) > 1:
        held = vars(math) if name.parts[0] == "math" else {}
        return did_you_mean(name.parts[-1], [n for n in held if not n.startswith("_")]) or "look up its name"
    if name.text in known:
        return f"take '{name.text}' as an argument: formulas ask for variables by name"
    if name.text in vars(math) or name.text == "math":
        return "write import math above it" if name.text == "math" else f"write math.{name.text}"
    return did_you_mean(name.text, known) or "define it, or declare it and take it as an argument"


def _of_the_moment(value: object) -> bool:
    """Whether it is a function of a clock, or of random numbers."""
    module = getattr(value, "__module__", None) or type(getattr(value, "__self__", None)).__module__
    return callable(value) and (module in OF_THE_MOMENT or module.startswith("numpy.random"))


def _of_numpy(value: object) -> bool:
    """Whether it is a function of NumPy; its numbers are numbers."""
    module = getattr(value, "__module__", None) or ""
    return isinstance(value, np.ufunc) or (callable(value) and module.partition(".")[0] == "numpy")


def _scalar(name: str) -> str:
    """What to write for a function of NumPy, for plain numbers."""
    own = name if hasattr(math, name) else name.replace("arc", "a", 1)
    if name in IN_PYTHON or not hasattr(math, own):
        return f"write {IN_PYTHON[name]}" if name in IN_PYTHON else ALLOWED
    return f"write math.{own}"


def _changed_globals(label: str, function: Any) -> Iterator[ModelError]:  # noqa: ANN401
    """Globals that a function changes."""
    for code in _codes(function.py_func.__code__):
        for step in dis.get_instructions(code):
            if step.opname in {"STORE_GLOBAL", "DELETE_GLOBAL"}:
                line = step.positions.lineno if step.positions else None
                what = f"{label} changes the global '{step.argval}', but a formula only gives results"
                remedy = "make it a State with a rate, and ask for it by name"
                yield ModelError(what, where=place_of_function(function, line or 0), remedy=remedy)


def _rebound(function: Callable[..., Any]) -> dict[str, int]:
    """The globals that any function of a function's module changes, each with a line that does so."""
    code, module = code_of(function), sys.modules.get(function.__module__)
    return _rebound_in(code.co_filename) if code and getattr(module, "__file__", None) == code.co_filename else {}


@cache
def _rebound_in(file: str) -> dict[str, int]:
    with open(file, encoding="utf-8") as source:  # noqa: PTH123  # as a code object names it
        whole = compile(source.read(), file, "exec")
    return {
        step.argval: (step.positions.lineno if step.positions else None) or code.co_firstlineno
        for code in list(_codes(whole))[1:]
        for step in dis.get_instructions(code)
        if step.opname == "STORE_GLOBAL"
    }


def _kind(value: object) -> str:
    """What a value is, in words."""
    name = "None" if value is None else f"a {type(value).__name__}"
    return name.replace("a int", "an int")
