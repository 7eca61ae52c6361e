"""Whether a model integrates from its prior: its steps, what is lost, what is not conserved."""

import copy
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from twin_runtime.core import FloatArray
from twin_runtime.errors import ModelError
from twin_runtime.modelling.ensemble import draw_prior
from twin_runtime.modelling.evaluation import DRAWS, SEED, Formula, prior_samples
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.ode import OdeModel, operators_of
from twin_runtime.modelling.physics import arguments, plain
from twin_runtime.modelling.places import place_of_class
from twin_runtime.modelling.random import numbered_keys
from twin_runtime.modelling.signals import InputSignals, no_points
from twin_runtime.modelling.spaces import Space
from twin_runtime.modelling.splitting import Operator
from twin_runtime.modelling.stability import growing, rounded_down
from twin_runtime.modelling.variables import Shape, State

FEW = 0.1
"""A share of members up to which a fault on the prior is only mentioned."""
TICKS, LARGEST = 10, 100_000
"""How long an ensemble runs without readings, and how many numbers it may have."""
IMBALANCE, UNTRUSTED = 1e-6, 1e-3
"""From which on the check ``conservation`` calls a twin degraded, and untrusted."""
COARSE = 0.01
"""The error of a tick, as a share of the spread of the prior, from which on a shorter step is recommended."""


class Trial(NamedTuple):
    """What is wrong with a model, so that no twin could run with it, and what to mind."""

    faults: Sequence[ModelError] = ()
    remarks: Sequence[ModelError] = ()


def unstable(model: OdeModel, tick: float) -> Trial:
    """Members whose fastest mode grows by the steps of the model; of parts with steps of their own, by theirs."""
    trials = [_unstable(model, operator, tick) for operator in operators_of(type(model))]
    return Trial([e for trial in trials for e in trial.faults], [e for trial in trials for e in trial.remarks])


def _unstable(model: OdeModel, operator: Operator, tick: float) -> Trial:
    """The same for what advances together, while the rest stands still."""
    samples, step = prior_samples(model, DRAWS, {}), min(operator.step, tick)
    rate = Formula("rate", operator.rate, plain(operator.rate), arguments(operator.rate), operator.states)
    widths = {v.name: _width(v) for v in model.variables if isinstance(v, State)}
    modes = growing(rate, samples, [widths[name] for name in operator.states], step)
    if not modes:
        return Trial()
    fastest = max(modes)
    what = (
        f"with steps of {step:g} s the integration diverges in {len(modes)} of {len(samples)} members of the prior: "
        f"{fastest.state} settles within {1.0 / fastest.rate:.2g} s"
    )
    remedy = f"write step = {rounded_down(1.0 / fastest.rate):g}; if that is too fast to be true, rates are per second"
    error = ModelError(what, where=place_of_class(type(model)), remedy=remedy)
    return Trial([error]) if len(modes) > FEW * len(samples) else Trial([], [error])


def _width(variable: State) -> float:
    """The size of a state: its spread, in its own unit."""
    prior = variable.prior
    return max(abs(prior.physical(prior.centre + prior.sd) - prior.physical(prior.centre)), 1e-9)


def lost(model: Model, tick: float) -> Trial:
    """Members that have no numbers after some ticks without readings."""
    x = drawn(model, _members(model))
    for number in range(1, TICKS + 1):
        advanced(model, x, tick)
        gone = ~np.isfinite(x[0]).all(axis=1)
        if gone.any():
            error = _lost_members(model, x[0], gone, tick * number)
            return Trial([error]) if number == 1 and gone.mean() > FEW else Trial([], [error])
    return Trial()


def _members(model: Model) -> int:
    """Members enough to be told apart, and few enough for a large field to be tried at once."""
    return max(2, min(DRAWS, LARGEST // len(model.variables)))


def _lost_members(model: Model, x: FloatArray, gone: npt.NDArray[np.bool_], seconds: float) -> ModelError:
    """Which variable has no number any more; a positive one first, for it takes the others with it."""
    broken = [v for v, column in zip(model.variables, x[gone].T, strict=True) if not np.isfinite(column).all()]
    bounded = [v for v in broken if isinstance(v, State) and v.prior.space is not Space.IDENTITY]
    share = f"{int(gone.sum())} of {gone.size} members of the prior"
    what = f"{share} are lost within {seconds:g} s, with inputs at their defaults"
    where = place_of_class(type(model))
    if bounded:
        prior = "LogNormal keeps it positive" if bounded[0].prior.space is Space.LOG else "Bounded keeps it in bounds"
        what = f"{what}: {bounded[0].name} leaves what its prior allows"
        return ModelError(what, where=where, remedy=f"{prior}: let its rate vanish there, or give it a Normal prior")
    what = f"{what}: {broken[0].name} grows beyond all numbers"
    return ModelError(what, where=where, remedy="look for a wrong sign in rate, or write a shorter step")


def unbalanced(model: Model, tick: float) -> Trial:
    """What a tick leaves unaccounted for of what the model conserves."""
    residual = advanced(model, drawn(model, _members(model)), tick)[0] if model.conserves else 0.0
    if residual <= IMBALANCE:
        return Trial()
    what = f"{model.conserves} is not conserved: a tick of {tick:g} s leaves {residual:.2g} of it unaccounted for"
    remedy = "compare the rates with what flows in, term by term; if they agree, write a shorter step"
    error = ModelError(what, where=place_of_class(type(model)), remedy=remedy)
    return Trial([error]) if residual > UNTRUSTED else Trial([], [error])


def coarse(model: OdeModel, tick: float) -> Trial:
    """A tick in its own steps, compared with one in half of them; of no interest where it diverges."""
    if any(unstable(model, tick)):
        return Trial()
    step, finer = min(model.step, tick), copy.copy(model)
    vars(finer)["step"] = 0.5 * step
    x, exact = drawn(model, DRAWS), drawn(model, DRAWS)
    advanced(model, x, tick)
    advanced(finer, exact, tick)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.abs(x - exact).max(axis=(0, 1)) / [variable.prior.sd for variable in model.variables]
    error = np.nan_to_num(error, posinf=0.0)  # what is known exactly has no spread to be measured by
    worst = int(error.argmax())
    if not error[worst] > COARSE:
        return Trial()
    name = model.variables[worst].name
    what = f"steps of {step:g} s are coarse: a tick is off by {error[worst]:.2g} of the spread of {name}"
    remedy = f"write step = {rounded_down(0.5 * step):g}"
    return Trial([], [ModelError(what, where=place_of_class(type(model)), remedy=remedy)])


def drawn(model: Model, members: int) -> FloatArray:
    """An ensemble of one twin, drawn from the prior."""
    return draw_prior(model.variables, numbered_keys(SEED, 1), members)


def undriven(model: Model) -> InputSignals:
    """Inputs at their defaults, and no event."""
    events = [given.shape is Shape.EVENT for given in model.inputs]
    times = np.where(events, np.inf, -np.inf)[None, :, None]
    return InputSignals(times, np.array([[[given.default] for given in model.inputs]]).reshape(times.shape), np.ones(1))


def advanced(model: Model, x: FloatArray, tick: float) -> FloatArray:
    """Advance an ensemble in place by a tick without readings; the residual."""
    residual = np.empty(1)
    model.advance(x, tick, undriven(model), no_points(1), np.empty((*x.shape[:2], 0)), residual)
    return residual
