"""What the model description of an FMU says: its variables, its states, and whether its state can be saved."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fmpy import platform as this_platform
from fmpy import read_model_description, supported_platforms

from twin_adapters.fmu.units import unit_of
from twin_runtime.errors import ModelError

FLOATS = ("Real", "Float64")
WHOLE = ("Integer", "Enumeration", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
VERSIONS = ("2", "3")


@dataclass(frozen=True, slots=True)
class Scalar:
    """One scalar variable of an FMU.

    ``unit`` is None where it is not understood. ``settable``: before the FMU is initialised. ``start`` is its text.
    """

    name: str
    reference: int
    type: str
    causality: str
    variability: str
    settable: bool
    unit: str | None
    start: str | None
    low: float
    high: float
    note: str

    @property
    def is_float(self) -> bool:
        """Whether it is a number of 64 bits, which an ensemble can hold."""
        return self.type in FLOATS

    @property
    def is_parameter(self) -> bool:
        """Whether it can be estimated: a number that is set and then stays."""
        return self.is_float and self.settable and self.causality == "parameter"

    @property
    def value(self) -> float:
        """The number at which it starts, 0 where the FMU says none."""
        return float(self.start) if self.start is not None else 0.0


@dataclass(frozen=True)
class Description:
    """A co-simulation FMU: its file, a hash of it, and what its model description says."""

    file: Path
    digest: str
    model: Any
    """As fmpy reads it."""

    @property
    def version(self) -> str:
        """The version of FMI."""
        return str(self.model.fmiVersion)

    @cached_property
    def scalars(self) -> Mapping[str, Scalar]:
        """Its scalar variables by name."""
        units = {unit.name: unit for unit in self.model.unitDefinitions}
        return {v.name: _scalar(v, units) for v in self.model.modelVariables if not v.dimensions}

    @cached_property
    def states(self) -> tuple[str, ...]:
        """The continuous states that it lists, by the derivatives of its model structure."""
        found = [unknown.variable.derivative for unknown in self.model.derivatives if unknown.variable is not None]
        return tuple(v.name for v in found if v is not None and v.name in self.scalars)

    @property
    def listed(self) -> bool:
        """Whether all its continuous states are listed, as scalars."""
        return len(self.states) == len(self.model.derivatives) and bool(self.states)

    @property
    def saves(self) -> bool:
        """Whether its state can be saved as bytes and restored from them."""
        slave = self.model.coSimulation
        return slave is not None and bool(slave.canGetAndSetFMUstate) and bool(slave.canSerializeFMUstate)

    def refused(self) -> str:
        """Why no twin can run it here, whatever its state; empty if one can."""
        slave = self.model.coSimulation
        if slave is None:
            return "it is an FMU for model exchange, without a solver of its own: export it for co-simulation"
        if not slave.canHandleVariableCommunicationStepSize:
            return "it takes steps of one size only, and readings and inputs come at any time"
        if slave.needsExecutionTool:
            return "it needs the tool that exported it: export it with its solver"
        platforms = supported_platforms(str(self.file))
        if this_platform not in platforms:
            return f"it has no binary for {this_platform}, only {', '.join(platforms) or 'none'}"
        return ""


def described(file: Path) -> Description:
    """Read an FMU. Raises :class:`ModelError` for what is none."""
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        raise ModelError(what, where=str(file), remedy="check the path: it is relative to the configuration") from None
    try:
        model = read_model_description(str(file))
    except Exception as error:  # fmpy raises errors of all kinds for what is no FMU
        told = " ".join(str(error).split())
        remedy = "export it again, or mend its modelDescription.xml as said"
        raise ModelError(f"is no FMU that can be read: {told}", where=str(file), remedy=remedy) from None
    if not str(model.fmiVersion).startswith(VERSIONS):
        what = f"expected an FMU of FMI 2 or 3, got FMI {model.fmiVersion}"
        raise ModelError(what, where=str(file), remedy="export it for FMI 2 or 3")
    return Description(file, digest, model)


def _scalar(variable: Any, units: Mapping[str, Any]) -> Scalar:  # noqa: ANN401  # fmpy's ModelVariable
    declared = variable.declaredType
    known = {name: getattr(variable, name) or getattr(declared, name, None) for name in ("unit", "min", "max")}
    return Scalar(
        name=variable.name,
        reference=variable.valueReference,
        type=variable.type,
        causality=variable.causality or "local",
        variability=variable.variability or "continuous",
        settable=_settable(variable),
        unit=unit_of(known["unit"], units),
        start=variable.start,
        low=_number(known["min"], -math.inf),
        high=_number(known["max"], math.inf),
        note=variable.description or "",
    )


def _settable(variable: Any) -> bool:  # noqa: ANN401
    return bool(variable.causality == "input" or (variable.variability != "constant" and variable.initial == "exact"))


def _number(text: str | None, otherwise: float) -> float:
    try:
        return otherwise if text is None else float(text)
    except ValueError:
        return otherwise
