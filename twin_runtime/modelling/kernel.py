"""One fused Numba kernel from a declaration: all sub-steps of all members with the variables in registers.

Its source is generated, so that the variables are scalars (see :mod:`twin_runtime.modelling.generated`).
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numba

from twin_runtime.modelling import balance, schedule, signals
from twin_runtime.modelling.generated import generated
from twin_runtime.modelling.kernel_source import Declaration, kernel_source, physics_functions
from twin_runtime.modelling.physics import PhysicsFunction, physics
from twin_runtime.modelling.spaces import TO_PHYSICAL, TO_SPACE

Kernel = Callable[..., None]

TRANSFORMS = {
    transform.__name__: physics(transform) for table in (TO_PHYSICAL, TO_SPACE) for transform in table.values()
}
"""The transforms by the names they bear in the generated source, compiled."""


def compile_kernels(declaration: Declaration) -> tuple[Kernel, Kernel]:
    """The kernels ``advance`` and ``observe`` of a declaration, compiled at their first call or found in the cache."""
    functions = physics_functions(declaration)
    source = kernel_source(declaration)
    module = inspect.getmodule(declaration.model)
    path = getattr(module, "__file__", None)
    if path is None or declaration.model.__qualname__ not in vars(module):
        return _in_memory(source, functions)
    return _on_disk(source, functions, declaration.model)


def _in_memory(source: str, functions: Mapping[str, PhysicsFunction]) -> tuple[Kernel, Kernel]:
    names: dict[str, Any] = {**TRANSFORMS, **functions}
    exec(compile(source, "<kernel>", "exec"), names)
    jit = numba.njit(error_model="numpy", nogil=True)
    return jit(names["advance"]), jit(names["observe"])


def _on_disk(source: str, functions: Mapping[str, PhysicsFunction], model: type) -> tuple[Kernel, Kernel]:
    name = f"twin_kernel_{model.__name__.lower()}"
    module = generated(name, _decorated(source), {**TRANSFORMS, **functions}, [schedule, signals, balance])
    return module.advance, module.observe


def _decorated(source: str) -> str:
    """With the interpreter left to other threads: a signal is answered during a long tick, too."""
    decorator = "@njit(cache=True, error_model='numpy', nogil=True)"
    return "from numba import njit" + source.replace("\ndef ", f"\n{decorator}\ndef ")
