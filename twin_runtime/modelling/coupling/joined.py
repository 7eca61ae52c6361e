"""Models of any kind as parts of a whole: they advance one after the other, and exchange values at intervals."""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from twin_runtime.core import FloatArray, Quantity
from twin_runtime.errors import ModelError
from twin_runtime.modelling.coupling.composition import Composition
from twin_runtime.modelling.coupling.drives import Drive, drives_of
from twin_runtime.modelling.coupling.exchange import PartPoints, Period, signals_of
from twin_runtime.modelling.coupling.links import Flux, Link, Signal
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.positions import Positions, positions_of
from twin_runtime.modelling.signals import InputSignals, Points
from twin_runtime.modelling.splitting import GAUSS_SEIDEL, check_splitting, turns
from twin_runtime.modelling.variables import Input, Output, Prior, Variable

Values = Mapping[str, FloatArray]
"""Values ``[twin, member]`` of inputs of parts, by their names in the whole."""


class Face(NamedTuple):
    """What links see of a part."""

    table: Sequence[Variable]
    inputs: Sequence[Input]
    outputs: Sequence[Output]
    ports: Sequence[Any] = ()
    conserved: Sequence[Any] = ()


class Readings(NamedTuple):
    """When a tick has readings, and where what is predicted of them and what is not balanced goes."""

    points: Points
    predicted: FloatArray
    residual: FloatArray


class Part(NamedTuple):
    """A part and where its rows stand in the whole: its columns, its inputs (-1: driven), its outputs."""

    model: Model
    columns: slice
    inputs: tuple[int, ...]
    outputs: slice


class Joined:
    """A model whose ``parts`` are models of any kind: fields, foreign ones, models of differential equations.

    ``parts`` make a part from its priors and walks: a class of a model, or a partial call of one. They take turns
    within intervals of at most ``exchange`` seconds, in the order of their declaration ("gauss-seidel", order 1) or
    there and back by halves ("strang", order 2). A ``Signal`` holds what an output shows over a turn. The ends of a
    ``Flux`` are inputs, and what it ``carries`` is an output: taken once an interval, and given to both ends over the
    whole of it, so that what leaves one enters the other. A reading or an event within an interval is met at its own
    time by the part that has it. Raises :class:`ModelError` where parts and links do not fit.
    """

    name: ClassVar[str]
    parts: ClassVar[Mapping[str, Callable[..., Model]]]
    links: ClassVar[tuple[Link, ...]] = ()
    splitting: ClassVar[str] = GAUSS_SEIDEL
    exchange: ClassVar[float]

    def __init__(self, priors: Mapping[str, Prior] | None = None, walk: Mapping[str, float] | None = None) -> None:
        _check_declaration(type(self), {**(priors or {}), **(walk or {})})
        models = {n: make(priors=_of(n, priors or {}), walk=_of(n, walk or {})) for n, make in self.parts.items()}
        faces = {n: Face(m.variables, m.inputs, m.outputs) for n, m in models.items()}
        signals = [link for link in self.links if isinstance(link, Signal)]
        composition = Composition(type(self).__name__, faces, signals)
        self._drives = drives_of(composition, [link for link in self.links if isinstance(link, Flux)])
        self._carried = {target for drive in self._drives if drive.carried for target, _ in drive.targets}
        driven = {target for drive in self._drives for target, _ in drive.targets}
        self.variables = tuple(v for v in composition.table if isinstance(v, Variable))
        self.inputs = tuple(given for given in composition.inputs if given.name not in driven)
        self.outputs = tuple(replace(output, function=None) for output in composition.outputs)
        self.quantities = (
            *(Quantity(output.name, output.unit) for output in self.outputs),
            *(Quantity(f"{n}.{q.name}", q.unit) for n, m in models.items() for q in m.quantities[len(m.outputs) :]),
        )
        """The outputs of all parts, then what else they publish."""
        self._parts = dict(_placed(models, composition, [given.name for given in self.inputs]))
        self._turns = turns([self.exchange] * len(models), self.exchange, self.splitting)
        self._in_order = _in_order(self._drives, list(models))
        self._check_loops()

    @property
    def models(self) -> Mapping[str, Model]:
        """The parts by name."""
        return {name: part.model for name, part in self._parts.items()}

    @property
    def conserves(self) -> str:
        """What the parts conserve, each by itself, in words."""
        return " and ".join(dict.fromkeys(p.model.conserves for p in self._parts.values() if p.model.conserves))

    @property
    def fingerprint(self) -> str:
        """A hash of the parts, of the links and of the turns."""
        parts = [f"{n} {part.model.fingerprint}" for n, part in self._parts.items()]
        links = [*map(repr, self.links), repr((self.exchange, self.splitting, [i.name for i in self.inputs]))]
        return hashlib.sha256("".join([*parts, *links]).encode()).hexdigest()

    @property
    def positions(self) -> Positions | None:
        """Those of the one part that has some; None where none has, or where several have coordinates of their own."""
        found = [(part, known) for part in self._parts.values() if (known := positions_of(part.model)) is not None]
        if len(found) != 1:
            return None
        [(part, known)] = found
        variables = np.full((len(self.variables), known.variables.shape[1]), np.nan)
        outputs = np.full((len(self.outputs), known.outputs.shape[1]), np.nan)
        variables[part.columns], outputs[part.outputs] = known.variables, known.outputs
        return replace(known, variables=variables, outputs=outputs)

    def advance(
        self,
        x: FloatArray,
        duration: float,
        signals: InputSignals,
        points: Points,
        predicted: FloatArray,
        residual: FloatArray,
    ) -> None:
        """Advance the ensemble in place; see :class:`twin_runtime.modelling.model.Model`."""
        residual[:] = np.nan
        names, pieces = list(self._parts), max(1, math.ceil(duration / self.exchange - 1e-6))
        bounds = [duration * k / pieces for k in range(pieces + 1)]
        for start, end in pairwise(bounds):
            moments = dict.fromkeys(names, start)
            carried = {t: v for t, v in self._driven(x, moments, signals, {}).items() if t in self._carried}
            for turn in self._turns:
                name, until = names[turn.operator], end if turn.end == 1.0 else start + turn.end * (end - start)
                driven = self._driven(x, moments, signals, carried)
                readings = Readings(points, predicted, residual)
                self._advance_part(name, x, (moments[name], until), signals, driven, readings)
                moments[name] = until

    def observe(self, x: FloatArray, duration: float, signals: InputSignals) -> FloatArray:
        """All quantities at the end of the tick, ``[twin, member, quantity]``."""
        driven = self._driven(x, dict.fromkeys(self._parts, duration), signals, {})
        shown = [(part, self._shown(name, x, duration, signals, driven)) for name, part in self._parts.items()]
        outputs = [values[..., : len(part.model.outputs)] for part, values in shown]
        others = [values[..., len(part.model.outputs) :] for part, values in shown]
        return np.concatenate([*outputs, *others], axis=-1)

    def _driven(self, x: FloatArray, moments: Mapping[str, float], signals: InputSignals, carried: Values) -> Values:
        """What drives inputs, with each part at a moment of its own; ``carried`` is kept as it is.

        Outputs may follow inputs at once: where parts drive each other, they are asked again until nothing changes.
        What does not settle is NaN: a loop that only some states close, and the members in it are lost.
        """
        before, values = self._asked(x, moments, signals, carried)
        return {t: np.where(_same(before[t], value), value, np.nan) for t, value in values.items()}

    def _asked(
        self, x: FloatArray, moments: Mapping[str, float], signals: InputSignals, carried: Values
    ) -> tuple[Values, Values]:
        """What drives inputs, by the last two times that the parts were asked."""
        drives = [drive for drive in self._drives if not (carried and drive.carried)]
        sources = {drive.source.partition(".")[0] for drive in drives}
        before, values = dict[str, FloatArray](), dict(carried)
        for _ in range(1 if self._in_order else len(self._parts) + 1):
            before = dict(values)
            for name in (name for name in self._parts if name in sources):
                shown = self._shown(name, x, moments[name], signals, values)
                quantities = [q.name for q in self._parts[name].model.quantities]
                for drive in drives:
                    part, _, output = drive.source.partition(".")
                    if part == name:
                        found = shown[..., quantities.index(output)]
                        values |= {target: scale * found + offset for target, (scale, offset) in drive.targets}
            if all(t in before and _same(before[t], v).all() for t, v in values.items()):
                break
        return (values if self._in_order else before), values

    def _check_loops(self) -> None:
        """Raise :class:`ModelError` where outputs are made of themselves; tried on the medians of the prior."""
        x = np.array([[[variable.prior.centre for variable in self.variables]]])
        times = np.zeros((1, len(self.inputs), 1))
        values = np.array([given.default for given in self.inputs]).reshape(times.shape)
        moments, given = dict.fromkeys(self._parts, 0.0), InputSignals(times, values, np.ones(1))
        before, after = self._asked(x, moments, given, {})
        if not all(_same(before[target], value).all() for target, value in after.items()):
            loop = ", ".join(f"{drive.source} -> {target}" for drive in self._drives for target, _ in drive.targets)
            remedy = "let a state stand between them, such as what one of the parts stores"
            raise ModelError(f"algebraic loop: {loop}", where=f"model {self.name}", remedy=remedy)

    def _given(self, name: str, members: int, signals: InputSignals, driven: Values, turn: Period) -> InputSignals:
        """The inputs of a part over its turn; those that are not driven yet have their defaults."""
        part, held = self._parts[name], dict[int, FloatArray]()
        for k, given in enumerate(part.model.inputs):
            if part.inputs[k] < 0:
                value = driven.get(f"{name}.{given.name}")
                held[k] = np.full((len(signals.known), members), given.default) if value is None else value
        shapes = [given.shape for given in part.model.inputs]
        return signals_of(signals, part.inputs, shapes, held, members, turn)

    def _shown(self, name: str, x: FloatArray, moment: float, signals: InputSignals, driven: Values) -> FloatArray:
        """The quantities of a part at a moment, ``[twin, member, quantity]``."""
        given = self._given(name, x.shape[1], signals, driven, (moment, np.inf))
        part = self._parts[name]
        block = _block(x, part.columns, len(given.known))
        return part.model.observe(block, 0.0, given).reshape(*x.shape[:2], len(part.model.quantities))

    def _advance_part(
        self,
        name: str,
        x: FloatArray,
        turn: Period,
        signals: InputSignals,
        driven: Values,
        readings: Readings,
    ) -> None:
        """Advance a part over its turn, in place."""
        part = self._parts[name]
        given = self._given(name, x.shape[1], signals, driven, turn)
        block = _block(x, part.columns, len(given.known))
        own = PartPoints(readings.points, part.outputs, turn)
        points = own.repeated(len(given.known) // len(x))
        predicted = np.empty((*block.shape[:2], points.times.shape[1]))
        residual = np.empty(len(block))
        part.model.advance(block, turn[1] - turn[0], given, points, predicted, residual)
        x[..., part.columns] = block.reshape(*x.shape[:2], -1)
        own.put(readings.predicted, predicted.reshape(*x.shape[:2], -1))
        worst = np.fmax.reduce(residual.reshape(len(x), -1), axis=1)
        np.fmax(readings.residual, worst, out=readings.residual)


def _same(one: FloatArray, other: FloatArray) -> npt.NDArray[np.bool_]:
    return np.asarray((one == other) | (np.isnan(one) & np.isnan(other)))


def _block(x: FloatArray, columns: slice, rows: int) -> FloatArray:
    """The columns of a part, with each member as a twin of one where there are so many ``rows``."""
    return np.ascontiguousarray(x[..., columns]).reshape(rows, -1, columns.stop - columns.start)


def _of(part: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given for the variables of a part, by their names there."""
    return {name.removeprefix(f"{part}."): value for name, value in given.items() if name.startswith(f"{part}.")}


def _placed(models: Mapping[str, Model], composition: Composition, inputs: Sequence[str]) -> Iterator[tuple[str, Part]]:
    """The parts with their places in the whole; ``inputs`` are the names of those of the whole."""
    column = output = 0
    for name, model in models.items():
        signals = [composition.driven.get(f"{name}.{given.name}") for given in model.inputs]
        asked = [s.source if s else f"{name}.{i.name}" for s, i in zip(signals, model.inputs, strict=True)]
        yield (
            name,
            Part(
                model,
                slice(column, column := column + len(model.variables)),
                tuple(inputs.index(word) if word in inputs else -1 for word in asked),
                slice(output, output := output + len(model.outputs)),
            ),
        )


def _in_order(drives: Sequence[Drive], parts: Sequence[str]) -> bool:
    """Whether every part that drives others is driven only by parts before it: one look at each is enough."""
    sources = {drive.source.partition(".")[0] for drive in drives}
    pairs = [(d.source.partition(".")[0], t.partition(".")[0]) for d in drives for t, _ in d.targets]
    return all(target not in sources or parts.index(source) < parts.index(target) for source, target in pairs)


def _check_declaration(cls: type[Joined], given: Mapping[str, object]) -> None:
    """Raise :class:`ModelError` for intervals or turns that are none, or a prior or a walk of no part."""
    check_splitting(cls.splitting, f"model {cls.name}")
    if not 0.0 < getattr(cls, "exchange", 0.0) < math.inf:
        what = f"expected an exchange interval above 0 s, got {getattr(cls, 'exchange', 'none')}"
        raise ModelError(what, where=f"model {cls.name}", remedy="write exchange = 1.0, in seconds")
    for name in given:
        if name.partition(".")[0] not in cls.parts:
            remedy = f"write PART.VARIABLE, with one of the parts {', '.join(cls.parts)}"
            raise ModelError(f"unknown variable '{name}'", where=f"model {cls.name}", remedy=remedy)


def joined(
    name: str,
    parts: Mapping[str, Callable[..., Model]],
    links: tuple[Link, ...],
    splitting: str = "",
    exchange: float = 0.0,
) -> type[Joined]:
    """A whole of parts of any kind without a class statement, as a configuration declares it."""
    if not exchange:
        kinds = ", ".join(n for n, part in parts.items() if not (isinstance(part, type) and issubclass(part, OdeModel)))
        what = f"parts that are no differential equations ({kinds}) exchange values at intervals, and none is given"
        raise ModelError(what, where=f"model {name}", remedy='give an interval, such as exchange = "1 s"')
    given = {"name": name, "parts": dict(parts), "links": links, "exchange": exchange}
    return type(name, (Joined,), given | {"splitting": splitting or GAUSS_SEIDEL})
