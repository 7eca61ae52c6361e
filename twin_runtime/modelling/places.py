"""Where code stands, for errors that point into it: ``folder/file.py:12``."""

import inspect
import linecache
import os
import traceback
from collections.abc import Collection
from pathlib import Path
from types import CodeType
from typing import Any


def code_of(function: Any) -> CodeType | None:  # noqa: ANN401  # whatever a user has written in its place
    """The code of a function, compiled by Numba or not; None of what is no Python function."""
    return getattr(getattr(function, "py_func", function), "__code__", None)


def place(file: str, line: int) -> str:
    """A place in a file, relative to where the program runs if it lies below."""
    path = Path(file)
    shown = path.relative_to(Path.cwd()) if path.is_absolute() and path.is_relative_to(Path.cwd()) else path
    return f"{shown}:{line}"


def place_of_function(function: Any, line: int = 0) -> str:  # noqa: ANN401
    """The place of a function, or of a line in it; empty where it is unknown."""
    code = code_of(function)
    return place(code.co_filename, line or code.co_firstlineno) if code else ""


def place_of_class(cls: type) -> str:
    """The place of a class, else its name: classes made by a call stand nowhere."""
    try:
        return place(inspect.getsourcefile(cls) or "", inspect.getsourcelines(cls)[1])
    except (OSError, TypeError):
        return f"model {cls.__name__}"


def place_in_function(function: Any, text: str) -> str:  # noqa: ANN401
    """The place of the last line of a function that contains a text, else that of its first line."""
    try:
        lines, first = inspect.getsourcelines(getattr(function, "py_func", function))
    except (OSError, TypeError):
        return place_of_function(function)
    own = [first + k for k, line in enumerate(lines) if text in line]
    return place_of_function(function, own[-1] if own else first)


def line_at(where: str) -> str:
    """The line of code at a place."""
    file, _, line = where.rpartition(":")
    return linecache.getline(file, int(line)).strip() if line.isdigit() else ""


def raised_in(error: BaseException, files: Collection[str]) -> str:
    """Where an exception was raised, by the innermost of some files; empty if it passed through none of them."""
    return _innermost([step for step in traceback.extract_tb(error.__traceback__) if step.filename in files])


def raised_outside(error: BaseException) -> str:
    """Where an exception was raised, by the innermost line that is not of this package or of Python itself."""
    own, python = str(Path(__file__).parents[1]), os.path.dirname(os.__file__)  # noqa: PTH120  # as frames spell it
    return _innermost(
        [
            step
            for step in traceback.extract_tb(error.__traceback__)
            if not step.filename.startswith(("<", own)) and _is_of(step.filename, python)
        ]
    )


def _is_of(file: str, python: str) -> bool:
    """Whether a file is no part of Python's library; installed packages lie below that."""
    return not file.startswith(python) or "site-packages" in file


def _innermost(steps: list[traceback.FrameSummary]) -> str:
    return place(steps[-1].filename, steps[-1].lineno or 0) if steps else ""
