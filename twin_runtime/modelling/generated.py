"""Generated sources: kept in a cache folder under a name that is a hash of everything they depend on.

So the machine code compiled from them is found again by the next process.
"""

import hashlib
import inspect
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType

import numba

from twin_runtime.modelling.kernel_cache import discard_broken_kernels
from twin_runtime.modelling.physics import PhysicsFunction, called, constants


def generated(
    name: str, source: str, functions: Mapping[str, PhysicsFunction], modules: Iterable[ModuleType] = ()
) -> ModuleType:
    """The module of a source that calls ``functions`` by the names given here, and what it imports of ``modules``.

    Its own name is ``name`` and a hash of all that it depends on: the source, the functions and those that they call,
    with their modules and constants, the ``modules``, and Numba's version.
    """
    texts = map(inspect.getsource, [*modules, *modules_of(functions.values())])
    called_by = [f"{alias} = {function.__module__}.{function.__qualname__}" for alias, function in functions.items()]
    parts = (source, *texts, *called_by, repr(constants(functions.values())), numba.__version__)
    module = f"{name}_{hashlib.sha256(''.join(parts).encode()).hexdigest()[:16]}"
    if module not in sys.modules:
        _load(module, source, functions)
    return sys.modules[module]


def modules_of(functions: Iterable[PhysicsFunction]) -> list[ModuleType]:
    """The modules in which some functions and those that they call are written, by name."""
    return [sys.modules[name] for name in sorted({function.__module__ for function in called(functions)})]


def _load(name: str, source: str, functions: Mapping[str, PhysicsFunction]) -> None:
    """Import the source under a name, from a file where Numba finds what it has compiled from it."""
    path = cache_folder() / f"{name}.py"
    if not path.exists() or path.read_bytes() != source.encode():
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".tmp", delete=False) as file:
            file.write(source)
        Path(file.name).replace(path)
    discard_broken_kernels(path.parent.glob(f"__pycache__/{name}.*.nb[ic]"))
    module = ModuleType(name)
    vars(module).update(functions, __file__=str(path))
    sys.modules[name] = module
    exec(compile(source, path, "exec"), vars(module))


def cache_folder() -> Path:
    """Where compiled kernels are kept: ``TWIN_CACHE``, else the user's cache folder."""
    base = os.environ.get("TWIN_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "twin-runtime" / "kernels"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
