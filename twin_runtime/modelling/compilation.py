"""Numba's errors in a sentence: which formula, which line, what is not there."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from numba import float64
from numba.core.errors import NumbaError, UnsupportedBytecodeError

from twin_runtime.errors import ModelError
from twin_runtime.modelling.formulas import ALLOWED
from twin_runtime.modelling.physics import arguments, called
from twin_runtime.modelling.places import code_of, place, place_of_function

NUMBA_ERRORS = (NumbaError, UnsupportedBytecodeError)
"""What Numba raises where it cannot compile."""
HEADING = re.compile(r"Failed in \w+ mode pipeline.*")
SIGNATURE = re.compile(r">>> (.+)")
PLACE = re.compile(r'File "([^"]+)", line (\d+)|(?:at|from) (\S+) \((\d+)\)')
MISSING = re.compile(r"No (?:implementation|matching definition).*")
DETAILS = re.compile(r",? defined at .*|\. Raised from .*|\.[\d.]+(?=')")
TYPES = {"float64": "number", "int64": "number", "unicode_type": "text", "none": "None"}
"""What Numba calls the types of a formula."""


def compilation_fault(functions: Iterable[Callable[..., Any]], error: Exception) -> ModelError:
    """The first formula that cannot be compiled by itself, else the ``error`` of the whole; TWIN_DEBUG=1 shows it."""
    for function in reversed(called(functions)):
        compiled: Any = function
        try:
            compiled.compile((float64,) * len(arguments(function)))
        except Exception as cause:  # Numba lets errors of all kinds through
            return _in_words(f"{function.__name__} cannot be compiled", cause, function)
    return _in_words("the model cannot be compiled", error, None)


def _in_words(subject: str, error: Exception, function: Any) -> ModelError:  # noqa: ANN401  # compiled by Numba
    remedy = ALLOWED if function else "write a loop over numbers: Numba compiles a part of Python and NumPy only"
    fault = ModelError(f"{subject}: {_reason(str(error))}", where=_place(str(error), function), remedy=remedy)
    fault.__cause__ = error
    return fault


def _reason(text: str) -> str:
    """What a message of Numba's says, in one line."""
    signature = SIGNATURE.search(text)
    if MISSING.search(text) and signature:
        call = re.sub(r"Literal\[str\]\(.*?\)", "text", re.sub(r"Literal\[\w+\]\((.*?)\)", r"\1", signature[1]))
        for type_name, word in TYPES.items():
            call = call.replace(type_name, word)
        return f"there is no {call}"
    lines = [line.strip() for line in HEADING.sub("", text).splitlines() if line.strip()]
    return DETAILS.sub("", lines[0]).rstrip(":.") if lines else "Numba gives no reason"


def _place(text: str, function: Any) -> str:  # noqa: ANN401
    """The place that a message names in the file of a function, else that of the function."""
    code = code_of(function)
    for found in PLACE.finditer(text):
        file, line = found[1] or found[3], int(found[2] or found[4])
        if code is None or file.rpartition("/")[2] == code.co_filename.rpartition("/")[2]:
            return place(code.co_filename if code else file, line)
    return place_of_function(function)
