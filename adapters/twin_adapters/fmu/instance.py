"""One instance of a co-simulation FMU, of FMI 2 or 3, behind one interface."""

import atexit
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from fmpy import extract, instantiate_fmu
from fmpy.fmi1 import FMICallException

from twin_adapters.fmu.description import WHOLE, Description
from twin_runtime.errors import ModelError

FATAL = 4
"""The status after which an instance must not be called any more."""


class Failed(Exception):
    """An FMU has failed: which call, and what the FMU has said."""


class Given(NamedTuple):
    """Values of variables of one type, by their references."""

    type: str
    references: Sequence[int]
    values: Sequence[Any]


class Instance:
    """An instance that is begun anew from start values as often as it is asked to.

    Every failure is raised as :class:`Failed`; the next ``begin`` then makes a new instance.
    """

    def __init__(self, description: Description) -> None:
        self.description = description
        self._three = description.version.startswith("3")
        self._said = ""
        self._fmu: Any = None

    def begin(self, time: float, start: Sequence[Given]) -> None:
        """Start at a time from some values."""
        if self._fmu is None:
            self._fmu = self._made()
        else:
            self._call("reset")
        for given in start:
            self.set(given)
        if self._three:
            self._call("enterInitializationMode", startTime=time)
        else:
            self._call("setupExperiment", startTime=time)
            self._call("enterInitializationMode")
        self._call("exitInitializationMode")

    def step(self, time: float, length: float) -> None:
        """Advance from a time by some seconds."""
        outcome = self._call("doStep", time, length)
        if outcome is not None and (outcome[1] or outcome[2]):
            self._drop()
            raise Failed(f"doStep ended the simulation at {outcome[3]:g} s of {time + length:g}")

    def set(self, given: Given) -> None:
        """Set variables of one type."""
        if given.references:
            self._call(f"set{self._type(given.type)}", given.references, given.values)

    def get(self, references: Sequence[int]) -> list[float]:
        """The values of numbers of 64 bits."""
        return list(self._call("getFloat64" if self._three else "getReal", references)) if references else []

    def save(self) -> bytes:
        """The whole state as bytes."""
        state = self._call("getFMUState")
        try:
            return bytes(self._call("serializeFMUState", state))
        finally:
            self._call("freeFMUState", state)

    def restore(self, saved: bytes) -> None:
        """Take up a state again; ``begin`` must have been called before."""
        state = self._call("deserializeFMUState", saved)
        try:
            self._call("setFMUState", state)
        finally:
            self._call("freeFMUState", state)

    @property
    def begun(self) -> bool:
        """Whether there is an instance that has been begun and has not failed."""
        return self._fmu is not None

    def _type(self, declared: str) -> str:
        """How the calls for a type are named."""
        if declared == "Enumeration":
            return "Int64" if self._three else "Integer"
        return declared

    def _made(self) -> Any:  # noqa: ANN401  # fmpy is untyped
        folder = str(extracted(self.description.file, self.description.digest))
        try:
            return instantiate_fmu(folder, self.description.model, "CoSimulation", logger=self._log)
        except Exception as error:  # fmpy, the loader of the system or the FMU may raise anything
            raise Failed(f"cannot be instantiated: {error}{self._said}") from None

    def _call(self, function: str, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        if self._fmu is None:
            raise Failed("has no instance")
        try:
            return getattr(self._fmu, function)(*arguments, **named)
        except FMICallException as error:
            said, self._said = self._said, ""
            self._drop(fatal=error.status >= FATAL)
            raise Failed(f"{error}{said}".replace("..", ".")) from None

    def _drop(self, *, fatal: bool = False) -> None:
        """Free the instance, unless the standard forbids to touch it."""
        fmu, self._fmu = self._fmu, None
        if not fatal and fmu is not None:
            with suppress(Exception):
                fmu.freeInstance()

    def _log(self, *words: Any) -> None:  # noqa: ANN401  # FMI 2 gives five, FMI 3 four: the message comes last
        message = words[-1] or b""
        self._said = f" It says: {message.decode(errors='replace').strip()}"


def instantiated(description: Description) -> Instance:
    """An instance that could be begun. Raises :class:`ModelError` where it cannot."""
    instance = Instance(description)
    try:
        instance.begin(0.0, ())
    except Failed as error:
        where, remedy = str(description.file), "try it in the tool that exported it, on this machine"
        raise ModelError(f"cannot start: {error}", where=where, remedy=remedy) from None
    return instance


@cache
def extracted(file: Path, digest: str) -> Path:
    """The folder of an FMU's content, taken away when the process ends. ``digest`` tells versions of a file apart."""
    folder = Path(tempfile.mkdtemp(prefix="twin-fmu-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        extract(str(file), str(folder))
    except Exception as error:  # zip files are broken in many ways
        remedy = "export it again"
        raise ModelError(f"cannot be unpacked: {error}", where=str(file), remedy=remedy) from None
    return folder


def starting(description: Description, values: Mapping[str, Any]) -> list[Given]:
    """Start values from a configuration, by type. Raises :class:`ModelError` for what cannot be set so."""
    by_type: dict[str, list[tuple[int, Any]]] = {}
    for name, value in values.items():
        scalar = description.scalars[name]
        by_type.setdefault(scalar.type, []).append((scalar.reference, _typed(name, scalar.type, value)))
    return [Given(kind, *map(list, zip(*pairs, strict=True))) for kind, pairs in by_type.items()]


def _typed(name: str, kind: str, value: Any) -> Any:  # noqa: ANN401
    expected = bool if kind == "Boolean" else int if kind in WHOLE else str if kind == "String" else float
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(value, expected) and not (expected is int and isinstance(value, bool)):
        return value
    if expected is float and number:
        return float(value)
    words = {bool: "true or false", int: "a whole number", str: "a text", float: "a number"}
    raise ModelError(f"expected {words[expected]} as start of '{name}', got {value!r}", remedy="write it so")
