"""The checks that are installed: those of the runtime, then those of other packages, found by entry point.

A package provides a :class:`twin_runtime.vvuq.checks.Check` under the group ``twin_runtime.checks``.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint

import numpy as np

from twin_runtime import entry_points
from twin_runtime.errors import ModelError
from twin_runtime.vvuq.checks import CHECKS, Check, names
from twin_runtime.vvuq.evidence import EnsembleFigures, Evidence, Patience, gather
from twin_runtime.vvuq.judging import compiled
from twin_runtime.vvuq.memory import Layout

MOST = 63
"""Reasons are the bits of a signed 64-bit integer."""


def checks_found() -> tuple[Check, ...]:
    """All checks, in the order of the bits of reasons; those of other packages by name.

    Raises:
        TwinError: A check cannot be imported, or is none.
        ModelError: Two checks have one name, or there are more than fit.
    """
    points = entry_points.every(entry_points.CHECKS)
    checks = list(CHECKS)
    for point in points:
        check = _loaded(point)
        if check.name in names(checks):
            what = f"another check is named '{check.name}' already"
            raise ModelError(what, where=point.value, remedy="rename the check, or remove the package that provides it")
        checks.append(check)
    if len(checks) > MOST:
        packages = ", ".join(sorted({point.dist.name for point in points if point.dist}))
        what = f"expected at most {MOST} checks, got {len(checks)}"
        raise ModelError(what, remedy=f"remove a package that provides some: {packages}")
    return tuple(checks)


def configured(settings: Mapping[str, Mapping[str, float]]) -> tuple[Check, ...]:
    """The checks that are installed, with some thresholds replaced."""
    return tuple(_with(check, **{**check.thresholds, **settings.get(check.name, {})}) for check in checks_found())


def _with(check: Check, degraded: float, untrusted: float, z: float | None = None) -> Check:
    return replace(check, degraded=degraded, untrusted=untrusted, z=z)


def _loaded(point: EntryPoint) -> Check:
    check = entry_points.loaded(point)
    if not isinstance(check, Check):
        what = f"expected a twin_runtime.vvuq.checks.Check, got {type(check).__name__}"
        raise ModelError(what, where=point.value, remedy="name the Check in the entry point")
    if check.name != point.name:
        what = f"the entry point '{point.name}' names a check '{check.name}'"
        raise ModelError(what, where=point.value, remedy="give both the same name")
    if error := _wrong(check):
        given = "(evidence)" if check.z is None else "(evidence, z)"
        remedy = f"its figure must be a function of {given} that Numba compiles and that gives a number"
        raise ModelError(f"check '{check.name}' cannot be used: {error}", where=point.value, remedy=remedy)
    return check


@cache
def _wrong(check: Check) -> str:
    """What is wrong with the figure of a check: it is tried on a twin that has had no readings yet."""
    try:
        chance = () if check.z is None else (check.z,)
        figure: object = compiled(check.figure)(_no_evidence(), *chance)
    except Exception as error:  # the function is not ours, whatever it raises
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
    return "" if isinstance(figure, int | float) else f"its figure gave {type(figure).__name__}"


def _no_evidence() -> Evidence:
    layout, one = Layout(1, 0), np.ones(1)
    memory = layout.records(layout.fresh(1))
    patience, ensembles = Patience(one, one), EnsembleFigures(one, one, one, one)
    with np.errstate(all="ignore"):
        return gather.py_func(memory.twins[0], memory.sensors[0], 0, patience, ensembles, 0)
