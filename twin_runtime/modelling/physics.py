"""Scalar physics functions: one spelling for Numba, for plain Python and for the unit check."""

import inspect
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numba import njit

PhysicsFunction = Callable[..., Any]
F = TypeVar("F", bound=PhysicsFunction)


def physics(function: F) -> F:
    """Compile a function of scalars.

    Only scalars, ``math.*``, ``if``, ``min``, ``max`` and other physics functions may stand in it.
    """
    return cast("F", njit(error_model="numpy")(function))


def plain(function: PhysicsFunction) -> PhysicsFunction:
    """The same function in plain Python, all the way down: it can be called with quantities that carry units."""
    source = getattr(function, "py_func", function)
    if hasattr(source, "with_units"):  # it stands for another in plain Python
        return cast("PhysicsFunction", source.with_units)
    names = {
        name: plain(value) if hasattr(value, "py_func") else value
        for name, value in source.__globals__.items()
        if name in source.__code__.co_names
    }
    return types.FunctionType(source.__code__, {"__builtins__": __builtins__, **names}, source.__name__)


def arguments(function: PhysicsFunction) -> tuple[str, ...]:
    """The names of what a physics function asks for; one that is made for a coupled model asks for ``part.name``."""
    return tuple(map(declared_name, inspect.signature(getattr(function, "py_func", function)).parameters))


def identifier(name: str) -> str:
    """A name of a coupled model, ``part.name``, as it stands in Python; others as they are."""
    return name.replace(".", "__")


def declared_name(argument: str) -> str:
    """The name that an argument stands for."""
    return argument.replace("__", ".")


class UsedConstant(NamedTuple):
    """A number, or an array or tuple of numbers, that a physics function refers to by name."""

    function: str
    name: str
    value: str


def called(functions: Iterable[PhysicsFunction]) -> list[PhysicsFunction]:
    """Some physics functions and those that they call, all the way down."""
    found = list(functions)
    for function in found:  # which grows meanwhile
        values = dict(_references(function)).values()
        found += [value for value in values if hasattr(value, "py_func") and value not in found]
    return found


def constants(functions: Iterable[PhysicsFunction]) -> list[UsedConstant]:
    """The constants that some functions and those that they call refer to."""
    return sorted(
        UsedConstant(f"{function.__module__}.{function.__qualname__}", name, _written(value))
        for function in called(functions)
        for name, value in _references(function)
        if is_constant(value)
    )


def _references(function: PhysicsFunction) -> Iterator[tuple[str, Any]]:
    """Names and values of what a function takes from outside: globals, attributes of modules, enclosing variables."""
    source = getattr(function, "py_func", function)
    names = source.__code__.co_names
    yield from inspect.getclosurevars(source).nonlocals.items()
    for name in names:
        yield from _reached(name, source.__globals__.get(name), names)


def _reached(name: str, value: object, names: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """A value by its name; of a module what it holds under some names, and so do the modules in it."""
    if isinstance(value, types.ModuleType):
        for n in names:
            if hasattr(value, n) and getattr(value, n) is not value:
                yield from _reached(f"{name}.{n}", getattr(value, n), [m for m in names if m != n])
    else:
        yield name, value


def is_constant(value: object) -> bool:
    """Whether a value may stand in a formula as a number, or as numbers."""
    if isinstance(value, tuple):
        return all(map(is_constant, value))
    return isinstance(value, complex | float | int | np.generic | np.ndarray)


def _written(value: object) -> str:
    """All digits of a constant."""
    return repr(value.tolist() if isinstance(value, np.ndarray) else value)
