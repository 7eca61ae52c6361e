"""What a model must do, as tests to subclass: offered as ``twin_runtime.testing.ModelTests``."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from unittest import SkipTest

import numpy as np

from twin_runtime.core import FloatArray, Quantity
from twin_runtime.modelling.dimensions import declared_units, unit_faults
from twin_runtime.modelling.ensemble import draw_prior
from twin_runtime.modelling.evaluation import Sample
from twin_runtime.modelling.model import Model, physical
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.random import numbered_keys, perturb
from twin_runtime.modelling.signals import InputSignals, Points, interpolate, no_points
from twin_runtime.modelling.variables import Constant, Parameter, Prior, Shape, Variable
from twin_runtime.units import conversion

SEED, TWINS, MEMBERS = 1, 3, 8
SWING = 7.3
"""Seconds in which a signal goes once through its range."""
BALANCED = 1e-9
"""How much of what a model conserves may be missing after a tick, as a share."""
SHIFT = 0.01
"""Added to the values on which formulas are tried: a zero would hide a wrong unit."""


class ModelTests(ABC):
    """What every model must do; subclass it, give the model and its ``inputs``, and let pytest collect the subclass."""

    inputs: Mapping[str, tuple[float, float]] = {}
    """The lowest and the highest plausible value of each signal, and seconds from event to event, by input."""
    tick = 0.1
    """Duration of a tick in seconds."""
    tolerance = 1e-6
    """How far a tick may be off that is cut into pieces, as a share of the largest value of a quantity: it depends on
    the order of the integration, and on how smooth the physics is."""
    scale_free: Collection[str] = ()
    """Variables and signals that may be measured in any unit, because every formula is proportional to them."""

    @abstractmethod
    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        """The model with some priors replaced."""

    def signals(self, model: Model, start: float) -> InputSignals:
        """Inputs over a tick that starts at ``start`` seconds: signals swing through their ranges, events are even."""
        signals = {
            (i, e): (_events if given.shape is Shape.EVENT else _knots)(
                i / TWINS, *self.inputs[given.name], start, self.tick
            )
            for e, given in enumerate(model.inputs)
            for i in range(TWINS)
        }
        width = max((signal.shape[1] for signal in signals.values()), default=0)
        times, values = np.full((2, TWINS, len(model.inputs), width), np.inf)
        for cell, signal in signals.items():
            times[cell][: signal.shape[1]], values[cell][: signal.shape[1]] = signal
        return InputSignals(times, values, np.ones(TWINS))

    def points(self, model: Model) -> Points:
        """Two readings a twin of every output, at different times of each twin."""
        outputs = np.tile(np.arange(2 * len(model.outputs)) % len(model.outputs), (TWINS, 1))
        times = np.sort(np.random.default_rng(SEED).uniform(0.0, self.tick, outputs.shape), axis=1)
        return Points(times, outputs)

    def prior(self, model: Model) -> FloatArray:
        """An ensemble drawn from the prior."""
        return draw_prior(model.variables, numbered_keys(SEED, TWINS), MEMBERS)

    def minute(self, model: Model) -> Iterator[tuple[FloatArray, InputSignals]]:
        """The ensemble after each tick of a minute with its random walk, and what has driven it."""
        x, keys = self.prior(model), numbered_keys(SEED, TWINS)
        walk = np.array([variable.walk for variable in model.variables]) * self.tick**0.5
        for number in range(round(60.0 / self.tick)):
            signals = self.signals(model, number * self.tick)
            perturb(x, walk, keys, number, x)
            x, _, _ = advanced(model, x, self.tick, signals)
            yield x, signals

    def settled(self, model: Model) -> tuple[FloatArray, InputSignals]:
        """An ensemble after some ticks, and what drives it through the next."""
        ticks = 5
        x = self.prior(model)
        for number in range(ticks):
            x, _, _ = advanced(model, x, self.tick, self.signals(model, number * self.tick))
        return x, self.signals(model, ticks * self.tick)

    def assert_same(self, ours: FloatArray, theirs: FloatArray, names: Sequence[str], what: str) -> None:
        """Equal to the tolerance, each column of the last axis measured by its largest value."""
        scale = np.maximum(np.abs(theirs).max(axis=(0, 1), initial=0.0), 1e-9)
        off = np.abs(ours - theirs) / scale
        if not (off <= self.tolerance).all():
            where = np.unravel_index(int(np.nan_to_num(off, nan=np.inf).argmax()), off.shape)
            raise AssertionError(
                f"{what}: {names[int(where[-1])]} is {ours[where]:.9g} one way and {theirs[where]:.9g} the other, off "
                f"by {off[where]:.2g} of its largest value, {self.tolerance:g} allowed; write a shorter step, look for "
                "what happens once a tick, or give the test another tolerance"
            )

    def samples(self, model: OdeModel) -> list[Sample]:
        """Values that variables and signals take together within a minute."""
        visited = [(physical(x[0, 0], model.variables), signals) for x, signals in self.minute(model)]
        return [
            {v.name: float(value) + SHIFT for v, value in zip(model.variables, row, strict=True)}
            | {
                given.name: interpolate(signals.times[0, e], signals.values[0, e], 0.0) + SHIFT
                for e, given in enumerate(model.inputs)
                if given.shape is not Shape.EVENT
            }
            | {given.name: 1.0 + SHIFT for given in model.inputs if given.shape is Shape.EVENT and given.has_value}
            | {entry.name: entry.value for entry in model.table if isinstance(entry, Constant)}
            | {"known": float(number % 2)}
            for number, (row, signals) in enumerate(visited[::7])
        ]

    def test_the_units_of_its_formulas_check_out(self) -> None:
        model = _ode(self.model())
        faults = list(unit_faults(model, declared_units(model), self.samples(model)))
        assert not faults, "\n".join(map(str, faults))

    def test_a_wrong_unit_of_any_variable_or_input_would_be_noticed(self) -> None:
        model = _ode(self.model())
        units, samples = declared_units(model), self.samples(model)
        for name in units.keys() - set(self.scale_free):
            for wrong in (f"({units[name]}) * cd", f"({units[name]}) * min / s"):
                noticed = next(unit_faults(model, {**units, name: wrong}, samples), None)
                assert noticed, (
                    f"no formula shows that {name} is not measured in {wrong}: take it out if nothing asks for it, or "
                    f"list it under scale_free if every formula is proportional to it"
                )

    def test_names_are_unique_and_units_are_known(self) -> None:
        model = self.model()
        for kind, table in (("quantity", model.quantities), ("variable", model.variables), ("input", model.inputs)):
            for name, count in Counter(named.name for named in table).items():
                assert count == 1, f"{count} columns are named by the {kind} '{name}': give each a name of its own"
            for named in table:
                conversion(f"{named.unit} * 1", named.unit)  # raises UnitError for one that does not exist
        outputs, first = [output.name for output in model.outputs], [quantity.name for quantity in model.quantities]
        assert first[: len(outputs)] == outputs, (
            f"expected the outputs first among the quantities, {outputs}, got {first[: len(outputs)]}: sensors are "
            "compared with them by their place"
        )

    def test_an_ensemble_of_the_prior_stays_finite_over_a_minute(self) -> None:
        model = self.model()
        variables, quantities = _names(model.variables), _names(model.quantities)
        for number, (x, signals) in enumerate(self.minute(model), 1):
            seconds = number * self.tick
            _assert_finite(x, variables, seconds)
            _assert_finite(model.observe(x, self.tick, signals), quantities, seconds)

    def test_a_twin_does_not_depend_on_the_others(self) -> None:
        model = self.model()
        x, signals = self.settled(model)
        points = self.points(model)
        after, predicted, residual = advanced(model, x, self.tick, signals, points)
        observed = model.observe(after, self.tick, signals)
        for twins in ([0], [2, 1], [1, 2, 0]):
            theirs = InputSignals(_padded(signals.times[twins]), _padded(signals.values[twins]), signals.known[twins])
            outputs = np.pad(points.outputs[twins], ((0, 0), (0, 1)), constant_values=-1)
            alone, at_points, imbalance = advanced(
                model, x[twins], self.tick, theirs, Points(_padded(points.times[twins]), outputs)
            )
            again = model.observe(alone, self.tick, theirs)
            for what, ours, others in (
                (f"states ({', '.join(_changed(alone, after[twins], _names(model.variables)))})", alone, after[twins]),
                ("predictions", at_points[:, :, :-1], predicted[twins]),
                ("residual", imbalance, residual[twins]),
                ("quantities", again, observed[twins]),
            ):
                assert ours.tobytes() == others.tobytes(), (
                    f"the {what} of twins {twins} are other bits by themselves than among {TWINS} twins, with one "
                    "empty knot and reading more: take each row by itself, and stop at times that are infinite"
                )

    def test_the_same_arguments_give_the_same_bits_and_stay_as_they_are(self) -> None:
        model = self.model()
        x, signals = self.settled(model)
        points = self.points(model)
        before = [array.tobytes() for array in (*signals, *points)]
        first, again = (advanced(model, x, self.tick, signals, points) for _ in range(2))
        for name, old, array in zip((*signals._fields, *points._fields), before, (*signals, *points), strict=True):
            assert array.tobytes() == old, f"advance changes '{name}', which others read, too: copy it first"
        for name, one, other in zip(("states", "predictions", "residual"), first, again, strict=True):
            assert one.tobytes() == other.tobytes(), (
                f"two calls of advance with the same arguments give other {name}: keep nothing from call to call, and "
                "fill every element"
            )

    def test_a_reading_is_predicted_at_its_own_time(self) -> None:
        model = self.model()
        x, signals = self.settled(model)
        points = self.points(model)
        _, predicted, _ = advanced(model, x, self.tick, signals, points)
        observed = np.empty_like(predicted)
        for twin, k in np.ndindex(points.times.shape):
            moment = float(points.times[twin, k])
            then, _, _ = advanced(model, x, moment, signals)
            observed[twin, :, k] = model.observe(then, moment, signals)[twin, :, points.outputs[twin, k]]
        names = [model.outputs[k].name for k in points.outputs[0]]
        self.assert_same(predicted, observed, names, "a reading inside a tick is not predicted at its own time")

    def test_a_tick_in_two_halves_is_the_same_as_a_whole_one(self) -> None:
        model = self.model()
        x, signals = self.settled(model)
        whole, _, _ = advanced(model, x, self.tick, signals)
        half, _, _ = advanced(model, x, self.tick / 2, signals)
        later = signals._replace(times=signals.times - self.tick / 2)
        halves, _, _ = advanced(model, half, self.tick / 2, later)
        ours, theirs = model.observe(halves, self.tick / 2, later), model.observe(whole, self.tick, signals)
        self.assert_same(ours, theirs, _names(model.quantities), f"{self.tick:g} s in two halves are not what they are")

    def test_parameters_are_left_as_they_are(self) -> None:
        model = self.model()
        x, signals = self.settled(model)
        after, _, _ = advanced(model, x, self.tick, signals, self.points(model))
        for j, variable in enumerate(model.variables):
            if isinstance(variable, Parameter):
                assert after[:, :, j].tobytes() == x[:, :, j].tobytes(), (
                    f"advance changes the parameter {variable.name} by up to "
                    f"{np.abs(after[:, :, j] - x[:, :, j]).max():.3g}: make it a State, or leave it as it is"
                )

    def test_what_it_conserves_is_conserved(self) -> None:
        model = self.model()
        if not model.conserves:
            raise SkipTest("the model declares nothing that it conserves")
        x, signals = self.settled(model)
        imbalance = float(np.abs(advanced(model, x, self.tick, signals)[2]).max())
        assert imbalance < BALANCED, (
            f"{model.conserves} is not conserved: a tick of {self.tick:g} s leaves {imbalance:.3g} of it unaccounted "
            "for; compare the rates with what flows in and out, term by term"
        )

    def test_a_model_with_another_prior_is_another_model(self) -> None:
        model = self.model()
        assert self.model().fingerprint == model.fingerprint, (
            "the same model twice has two fingerprints: put nothing into it that changes from run to run"
        )
        variable = next(v for v in model.variables if v.prior.sd > 0.0)
        wider = replace(variable.prior, sd=1.5 * variable.prior.sd)
        assert self.model({variable.name: wider}).fingerprint != model.fingerprint, (
            f"another prior of {variable.name} leaves the fingerprint as it is: pass 'priors' on to the model, and put "
            "its variables into the fingerprint"
        )


def _ode(model: Model) -> OdeModel:
    """The model, if it has formulas whose units can be checked."""
    if not isinstance(model, OdeModel):
        raise SkipTest("a model without formulas has no units to check")
    return model


def _names(table: Iterable[Variable | Quantity]) -> list[str]:
    return [named.name for named in table]


def _changed(ours: FloatArray, theirs: FloatArray, names: Sequence[str]) -> list[str]:
    """The names of the columns that differ."""
    return [name for k, name in enumerate(names) if ours[..., k].tobytes() != theirs[..., k].tobytes()]


def _assert_finite(values: FloatArray, names: Sequence[str], seconds: float) -> None:
    lost = ~np.isfinite(values)
    if lost.any():
        name = names[int(lost.any(axis=(0, 1)).argmax())]
        members = int(lost.any(axis=2).sum())
        raise AssertionError(
            f"after {seconds:.3g} s {name} is not finite in {members} of {lost.shape[0] * lost.shape[1]} members of "
            "the prior: `twin check` looks for the formula; else write a shorter step, or another prior"
        )


def advanced(
    model: Model, x: FloatArray, duration: float, signals: InputSignals, points: Points | None = None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The ensemble after some time, its predictions and the residual."""
    points = points or no_points(len(x))
    after, predicted, residual = x.copy(), np.empty((*x.shape[:2], points.times.shape[1])), np.empty(len(x))
    model.advance(after, duration, signals, points, predicted, residual)
    return after, predicted, residual


def _knots(phase: float, low: float, high: float, start: float, duration: float) -> FloatArray:
    """Times and values of a signal, four samples a tick; times count from ``start``."""
    times = duration / 4.0 * np.arange(-1, 7)
    swing = np.sin(2.0 * np.pi * ((start + times) / SWING + phase))
    return np.stack([times, low + (high - low) * 0.5 * (1.0 + swing)])


def _events(phase: float, low: float, high: float, start: float, duration: float) -> FloatArray:
    """Times and values of the events in a tick, from ``low`` to ``high`` seconds apart."""
    every = low + (high - low) * phase
    first, last = np.ceil(start / every - phase), np.ceil((start + duration) / every - phase)
    times = (np.arange(first, last) + phase) * every - start
    return np.stack([times, np.ones_like(times)])


def _padded(array: FloatArray) -> FloatArray:
    """One knot or one reading more that is none."""
    return np.concatenate([array, np.full_like(array[..., :1], np.inf)], axis=-1)
