"""Scalar physics functions: one spelling for Numba, for plain Python and for the unit check."""

import inspect
import types
from collections.abc import Callable
from typing import Any, TypeVar, cast

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
    names = {
        name: plain(value) if hasattr(value, "py_func") else value
        for name, value in source.__globals__.items()
        if name in source.__code__.co_names
    }
    return types.FunctionType(source.__code__, {"__builtins__": __builtins__, **names}, source.__name__)


def arguments(function: PhysicsFunction) -> tuple[str, ...]:
    """The names of the arguments of a physics function."""
    return tuple(inspect.signature(getattr(function, "py_func", function)).parameters)
