"""Generated sources: kept in a cache folder under a name that is a hash of everything they depend on.

So the machine code compiled from them is found again by the next process.
"""

import hashlib
import importlib.util
import inspect
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numba

from twin_runtime.errors import ModelError


def generated(name: str, source: str, functions: Mapping[str, Callable[..., Any]], texts: Iterable[str]) -> ModuleType:
    """The module of a source that calls ``functions`` by name.

    Its own name is ``name`` and a hash of the source, of the ``texts`` on which it depends otherwise, and of Numba's
    version.
    """
    parts = (source, *texts, numba.__version__)
    module = f"{name}_{hashlib.sha256(''.join(parts).encode()).hexdigest()[:16]}"
    if module not in sys.modules:
        _load(module, source, functions)
    return sys.modules[module]


def _load(name: str, source: str, functions: Mapping[str, Callable[..., Any]]) -> None:
    path = cache_folder() / f"{name}.py"
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".tmp", delete=False) as file:
            file.write(source)
        Path(file.name).replace(path)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ModelError(f"cannot load the kernel {path}", remedy="delete the file; it is made again")
    module = importlib.util.module_from_spec(spec)
    vars(module).update(functions)
    sys.modules[name] = module
    spec.loader.exec_module(module)


def cache_folder() -> Path:
    """Where compiled kernels are kept: ``TWIN_CACHE``, else the user's cache folder."""
    base = os.environ.get("TWIN_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "twin-runtime" / "kernels"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def modules_of(functions: Iterable[Callable[..., Any]]) -> list[ModuleType]:
    """The modules in which functions are written, and the compiled functions that they call, by name."""
    names = {name for function in functions for name in _module_names(function)}
    return [sys.modules[name] for name in sorted(names)]


def texts_of(modules: Iterable[ModuleType]) -> list[str]:
    """Their sources."""
    return [inspect.getsource(module) for module in modules]


def _module_names(function: Callable[..., Any]) -> Iterator[str]:
    python = getattr(function, "py_func", function)
    yield python.__module__
    for name in python.__code__.co_names:
        called = python.__globals__.get(name)
        if callable(called) and hasattr(called, "py_func"):
            yield from _module_names(called)
