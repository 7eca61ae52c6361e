"""What is known of a variable before and after, as distributions that a configuration can hold."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from twin_runtime.core import FloatArray
from twin_runtime.modelling.spaces import Space
from twin_runtime.modelling.variables import Prior, Variable
from twin_runtime.vvuq.scores import QUANTILE_90


class Posterior(NamedTuple):
    """A variable with its prior, and what a recording has made of it: normal distributions in the variable's space."""

    name: str
    unit: str
    prior: Prior
    posterior: Prior

    @property
    def kept(self) -> float:
        """The share of the prior's spread that is left."""
        return self.posterior.sd / self.prior.sd


def posteriors(variables: Sequence[Variable], columns: Sequence[int], members: FloatArray) -> tuple[Posterior, ...]:
    """The posteriors of some columns of an ensemble ``[member, variable]``: mean and spread in each one's space."""
    centre, sd = members.mean(axis=0), members.std(axis=0, ddof=1)
    return tuple(
        Posterior(v.name, v.unit, v.prior, replace(v.prior, centre=float(centre[j]), sd=float(sd[j])))
        for j, v in ((j, variables[j]) for j in columns)
    )


def interval(prior: Prior) -> tuple[float, float, float]:
    """The median, and the bounds of the central 90 %, in the variable's own unit."""
    reach = QUANTILE_90 * prior.sd
    return prior.physical(prior.centre), prior.physical(prior.centre - reach), prior.physical(prior.centre + reach)


def spelled(prior: Prior) -> dict[str, list[float]]:
    """The distribution as ``[model.priors]`` has it: ``{"lognormal": [1.5, 0.3]}``."""
    median, sd = _short(prior.physical(prior.centre)), _short(prior.sd)
    match prior.space:
        case Space.LOG:
            return {"lognormal": [median, sd]}
        case Space.LOGIT:
            return {"bounded": [prior.low, prior.high, median, sd]}
        case _:
            return {"normal": [median, sd]}


def _short(value: float) -> float:
    """Nine digits: more than any recording determines, and few enough to read."""
    return float(f"{value:.9g}")
