"""One fused Numba kernel from a declaration: all sub-steps of all members with the variables in registers.

Its generated source is written to a cache folder under a name that is a hash of everything it depends on, so that the
compiled machine code is found again by the next process.
"""

import hashlib
import inspect
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numba

from twin_runtime.modelling import schedule, signals, spaces
from twin_runtime.modelling.kernel_cache import discard_broken_kernels
from twin_runtime.modelling.kernel_source import Declaration, kernel_source, physics_functions
from twin_runtime.modelling.physics import PhysicsFunction, called, constants, physics
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
    jit = numba.njit(error_model="numpy")
    return jit(names["advance"]), jit(names["observe"])


def _on_disk(source: str, functions: Mapping[str, PhysicsFunction], model: type) -> tuple[Kernel, Kernel]:
    texts = map(inspect.getsource, [schedule, signals, spaces, *physics_modules(functions.values())])
    parts = (source, *texts, repr(constants(functions.values())), numba.__version__)
    name = f"twin_kernel_{model.__name__.lower()}_{hashlib.sha256(''.join(parts).encode()).hexdigest()[:16]}"
    if name not in sys.modules:
        _load(name, _decorated(source), functions)
    module = sys.modules[name]
    return module.advance, module.observe


def physics_modules(functions: Iterable[PhysicsFunction]) -> list[ModuleType]:
    """The modules in which some physics functions and those that they call are written."""
    return [sys.modules[name] for name in sorted({function.__module__ for function in called(functions)})]


def _decorated(source: str) -> str:
    return "from numba import njit" + source.replace("\ndef ", "\n@njit(cache=True, error_model='numpy')\ndef ")


def _load(name: str, source: str, functions: Mapping[str, PhysicsFunction]) -> None:
    """Import the source under a name, from a file where Numba finds what it has compiled from it."""
    path = cache_folder() / f"{name}.py"
    if not path.exists() or path.read_bytes() != source.encode():
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".tmp", delete=False) as file:
            file.write(source)
        Path(file.name).replace(path)
    discard_broken_kernels(path.parent.glob(f"__pycache__/{name}.*.nb[ic]"))
    module = ModuleType(name)
    vars(module).update(TRANSFORMS | dict(functions), __file__=str(path))
    sys.modules[name] = module
    exec(compile(source, path, "exec"), vars(module))


def cache_folder() -> Path:
    """Where compiled kernels are kept: ``TWIN_CACHE``, else the user's cache folder."""
    base = os.environ.get("TWIN_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "twin-runtime" / "kernels"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
