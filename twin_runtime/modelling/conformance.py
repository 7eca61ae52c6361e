"""What a model must do, as tests to subclass: offered as ``twin_runtime.testing.ModelTests``."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import numpy as np

from twin_runtime.core import FloatArray
from twin_runtime.modelling.dimensions import declared_units, unit_faults
from twin_runtime.modelling.ensemble import draw_prior
from twin_runtime.modelling.evaluation import Sample
from twin_runtime.modelling.model import Model, physical
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.random import numbered_keys, perturb
from twin_runtime.modelling.signals import InputSignals, Points, interpolate, no_points
from twin_runtime.modelling.variables import Parameter, Prior, Shape
from twin_runtime.units import conversion

SEED, TWINS, MEMBERS = 1, 3, 8
SWING = 7.3
"""Seconds in which a signal goes once through its range."""
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

    def assert_same(self, ours: FloatArray, theirs: FloatArray) -> None:
        """Equal to the tolerance, each column of the last axis measured by its largest value."""
        scale = np.maximum(np.abs(theirs).max(axis=(0, 1), initial=0.0), 1e-9)
        np.testing.assert_allclose(ours / scale, theirs / scale, rtol=0.0, atol=self.tolerance)

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
            | {"known": float(number % 2)}
            for number, (row, signals) in enumerate(visited[::7])
        ]

    def test_the_units_of_its_formulas_check_out(self) -> None:
        model = self.model()
        if isinstance(model, OdeModel):
            assert not list(unit_faults(model, declared_units(model), self.samples(model)))

    def test_a_wrong_unit_of_any_variable_or_input_would_be_noticed(self) -> None:
        model = self.model()
        if isinstance(model, OdeModel):
            units, samples = declared_units(model), self.samples(model)
            for name in units.keys() - set(self.scale_free):
                for wrong in (f"({units[name]}) * cd", f"({units[name]}) * min / s"):
                    noticed = next(unit_faults(model, {**units, name: wrong}, samples), "")
                    assert noticed, f"no formula shows that {name} is not measured in {wrong}"

    def test_names_are_unique_and_units_are_known(self) -> None:
        model = self.model()
        for table in (model.quantities, model.variables, model.inputs):
            assert len({named.name for named in table}) == len(table)
            for named in table:
                conversion(f"{named.unit} * 1", named.unit)  # raises UnitError for one that does not exist
        assert [q.name for q in model.quantities][: len(model.outputs)] == [output.name for output in model.outputs]

    def test_an_ensemble_of_the_prior_stays_finite_over_a_minute(self) -> None:
        model = self.model()
        for x, signals in self.minute(model):
            assert np.isfinite(x).all()
            assert np.isfinite(model.observe(x, self.tick, signals)).all()

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
            assert alone.tobytes() == after[twins].tobytes()
            assert at_points[:, :, :-1].tobytes() == predicted[twins].tobytes()
            assert imbalance.tobytes() == residual[twins].tobytes()
            assert model.observe(alone, self.tick, theirs).tobytes() == observed[twins].tobytes()

    def test_the_same_arguments_give_the_same_bits_and_stay_as_they_are(self) -> None:
        model = self.model()
        x, signals = self.settled(model)
        points = self.points(model)
        before = [array.tobytes() for array in (*signals, *points)]
        first, again = (advanced(model, x, self.tick, signals, points) for _ in range(2))
        assert [array.tobytes() for array in first] == [array.tobytes() for array in again]
        assert [array.tobytes() for array in (*signals, *points)] == before

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
        self.assert_same(predicted, observed)

    def test_a_tick_in_two_halves_is_the_same_as_a_whole_one(self) -> None:
        model = self.model()
        x, signals = self.settled(model)
        whole, _, _ = advanced(model, x, self.tick, signals)
        half, _, _ = advanced(model, x, self.tick / 2, signals)
        later = signals._replace(times=signals.times - self.tick / 2)
        halves, _, _ = advanced(model, half, self.tick / 2, later)
        self.assert_same(model.observe(halves, self.tick / 2, later), model.observe(whole, self.tick, signals))

    def test_parameters_are_left_as_they_are(self) -> None:
        model = self.model()
        x, signals = self.settled(model)
        after, _, _ = advanced(model, x, self.tick, signals, self.points(model))
        given = [j for j, variable in enumerate(model.variables) if isinstance(variable, Parameter)]
        assert after[:, :, given].tobytes() == x[:, :, given].tobytes()

    def test_what_it_conserves_is_conserved(self) -> None:
        model = self.model()
        x, signals = self.settled(model)
        assert np.abs(advanced(model, x, self.tick, signals)[2]).max() < 1e-9

    def test_a_model_with_another_prior_is_another_model(self) -> None:
        model = self.model()
        assert self.model().fingerprint == model.fingerprint
        variable = next(v for v in model.variables if v.prior.sd > 0.0)
        wider = replace(variable.prior, sd=2.0 * variable.prior.sd)
        assert self.model({variable.name: wider}).fingerprint != model.fingerprint


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
