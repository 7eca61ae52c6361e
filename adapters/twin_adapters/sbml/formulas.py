"""Formulas of SBML as Python's: MathML, as libsbml parses it, written for physics functions."""

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import libsbml

TIME = "time"
"""The name by which formulas ask for the model's time."""


class Formula(NamedTuple):
    """An expression in Python, and the names that it asks for."""

    text: str
    names: frozenset[str]


class Unsupported(Exception):
    """A formula contains something that has no translation; its text says what."""


def _call(function: str) -> Callable[..., str]:
    return lambda *words: f"{function}({', '.join(words)})"


def _joined(sign: str, nothing: str) -> Callable[..., str]:
    return lambda *words: f"({f' {sign} '.join(words)})" if words else nothing


def _minus(*words: str) -> str:
    return f"(-{words[0]})" if len(words) == 1 else f"({words[0]} - {words[1]})"


def _log(*words: str) -> str:
    if len(words) == 1 or words[0] == "10.0":
        return f"math.log10({words[-1]})"
    return f"(math.log({words[1]}) / math.log({words[0]}))"


def _root(*words: str) -> str:
    if len(words) == 1 or words[0] == "2.0":
        return f"math.sqrt({words[-1]})"
    return f"({words[1]} ** (1.0 / {words[0]}))"


def _piecewise(*words: str) -> str:
    """Values and conditions in turn, then the value otherwise."""
    if len(words) % 2 == 0:
        raise Unsupported("a piecewise formula without a value otherwise")
    text = words[-1]
    for value, condition in reversed(list(zip(words[:-1:2], words[1:-1:2], strict=True))):
        text = f"({value} if {condition} else {text})"
    return text


def _compared(sign: str) -> Callable[..., str]:
    def chain(*words: str) -> str:
        pairs = pairwise(words)
        return f"({' and '.join(f'{one} {sign} {other}' for one, other in pairs)})"

    return chain


def _power(base: str, exponent: str) -> str:
    return f"({base} ** {exponent})"


WRITTEN: Mapping[int, Callable[..., str]] = {
    libsbml.AST_PLUS: _joined("+", "0.0"),
    libsbml.AST_TIMES: _joined("*", "1.0"),
    libsbml.AST_MINUS: _minus,
    libsbml.AST_DIVIDE: lambda one, other: f"({one} / {other})",
    libsbml.AST_POWER: _power,
    libsbml.AST_FUNCTION_POWER: _power,
    libsbml.AST_FUNCTION_ROOT: _root,
    libsbml.AST_FUNCTION_LN: _call("math.log"),
    libsbml.AST_FUNCTION_LOG: _log,
    libsbml.AST_FUNCTION_EXP: _call("math.exp"),
    libsbml.AST_FUNCTION_ABS: _call("abs"),
    libsbml.AST_FUNCTION_FLOOR: lambda x: f"float(math.floor({x}))",
    libsbml.AST_FUNCTION_CEILING: lambda x: f"float(math.ceil({x}))",
    libsbml.AST_FUNCTION_FACTORIAL: lambda x: f"math.gamma({x} + 1.0)",
    libsbml.AST_FUNCTION_MIN: _call("min"),
    libsbml.AST_FUNCTION_MAX: _call("max"),
    libsbml.AST_FUNCTION_PIECEWISE: _piecewise,
    libsbml.AST_RELATIONAL_EQ: _compared("=="),
    libsbml.AST_RELATIONAL_NEQ: _compared("!="),
    libsbml.AST_RELATIONAL_GT: _compared(">"),
    libsbml.AST_RELATIONAL_GEQ: _compared(">="),
    libsbml.AST_RELATIONAL_LT: _compared("<"),
    libsbml.AST_RELATIONAL_LEQ: _compared("<="),
    libsbml.AST_LOGICAL_AND: _joined("and", "True"),
    libsbml.AST_LOGICAL_OR: _joined("or", "False"),
    libsbml.AST_LOGICAL_NOT: lambda x: f"(not {x})",
    libsbml.AST_LOGICAL_XOR: _joined("!=", "False"),
    libsbml.AST_CONSTANT_E: lambda: "math.e",
    libsbml.AST_CONSTANT_PI: lambda: "math.pi",
    libsbml.AST_CONSTANT_TRUE: lambda: "True",
    libsbml.AST_CONSTANT_FALSE: lambda: "False",
    libsbml.AST_FUNCTION_SIN: _call("math.sin"),
    libsbml.AST_FUNCTION_COS: _call("math.cos"),
    libsbml.AST_FUNCTION_TAN: _call("math.tan"),
    libsbml.AST_FUNCTION_ARCSIN: _call("math.asin"),
    libsbml.AST_FUNCTION_ARCCOS: _call("math.acos"),
    libsbml.AST_FUNCTION_ARCTAN: _call("math.atan"),
    libsbml.AST_FUNCTION_SINH: _call("math.sinh"),
    libsbml.AST_FUNCTION_COSH: _call("math.cosh"),
    libsbml.AST_FUNCTION_TANH: _call("math.tanh"),
}
"""How an element is written, given what its children are written as."""
NUMBERS = (libsbml.AST_INTEGER, libsbml.AST_REAL, libsbml.AST_REAL_E, libsbml.AST_RATIONAL, libsbml.AST_NAME_AVOGADRO)
NAMED = {libsbml.AST_FUNCTION_DELAY: "delay", libsbml.AST_FUNCTION_RATE_OF: "rateOf", libsbml.AST_LAMBDA: "lambda"}


def formula(node: Any) -> Formula:  # noqa: ANN401  # libsbml's ASTNode
    """A formula in Python. Raises :class:`Unsupported`."""
    kind = node.getType()
    if kind == libsbml.AST_NAME:
        return Formula(node.getName(), frozenset({node.getName()}))
    if kind == libsbml.AST_NAME_TIME:
        return Formula(TIME, frozenset({TIME}))
    if kind in NUMBERS:
        number = float(node.getValue())
        if not math.isfinite(number):
            raise Unsupported("a number that is not finite in a formula")
        return Formula(repr(number), frozenset())
    if kind not in WRITTEN:
        raise Unsupported(f"the element '{NAMED.get(kind) or node.getName() or node.getOperatorName() or kind}'")
    parts = [formula(node.getChild(k)) for k in range(node.getNumChildren())]
    try:
        text = WRITTEN[kind](*(part.text for part in parts))
    except TypeError:
        raise Unsupported(f"'{libsbml.formulaToL3String(node)}', with {len(parts)} arguments") from None
    return Formula(text, frozenset().union(*(part.names for part in parts)))
