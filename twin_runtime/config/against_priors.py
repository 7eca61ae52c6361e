"""What the priors of a configuration and those of its model must agree on."""

import re
from collections.abc import Iterator, Mapping
from statistics import NormalDist
from typing import Any

from twin_runtime.config.document import Problem
from twin_runtime.config.twin_type import TwinType
from twin_runtime.errors import ModelError
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.variables import Bounded, Fixed, LogNormal, Normal, Prior

OUTSIDE = 0.01
"""A prior may leave what the model allows with so much probability on either side: a wide normal has tails."""
REACH = NormalDist().inv_cdf(1.0 - OUTSIDE)
SPELLINGS = ((r"Fixed\((\S+?)\)", r"{ fixed = \1 }"), (r"LogNormal\((\S+), (\S+)\)", r"{ lognormal = [\1, \2] }"))
"""How a configuration spells what Python spells otherwise."""


def prior_of(given: Mapping[str, Any]) -> Prior:
    """A prior as a configuration spells it: ``{"lognormal": (1.5, 0.3)}``."""
    match given:
        case {"normal": (mean, sd)}:
            return Normal(mean, sd)
        case {"lognormal": (median, sd)}:
            return LogNormal(median, sd)
        case {"bounded": bounds}:
            return Bounded(*bounds)
        case _:
            return Fixed(given["fixed"])


def unfit_priors(twin_type: TwinType, model: Model) -> Iterator[Problem]:
    """Priors that make no sense, and those that allow what the model does not."""
    declared = {variable.name: variable.prior for variable in model.variables}
    for name, section in twin_type.model.priors.items():
        key = ("model", "priors", name)
        try:
            prior = prior_of(section.given)
        except ModelError as error:
            yield Problem(key, error.what, _as_in_toml(error.remedy))
            continue
        if name in declared and (problem := _outside(name, prior, declared[name])):
            yield Problem(key, *problem)


def _outside(name: str, prior: Prior, declared: Prior) -> tuple[str, str] | None:
    """What is wrong with a prior that leaves what the model allows, and what to do; None if it does not."""
    low, high = sorted(prior.physical(prior.centre + reach * prior.sd) for reach in (-REACH, REACH))
    if declared.low <= low and high <= declared.high:
        return None
    allowed = f"above {declared.low:g}" if declared.high == float("inf") else f"{declared.low:g} to {declared.high:g}"
    if prior.sd == 0.0:
        return f"expected a value of {name} {allowed}, got {low:g}", "give a value that the model allows"
    what = f"expected {name} {allowed}, as the model has it, but 98 % of this prior are {low:.4g} to {high:.4g}"
    return what, "write it as lognormal, which is positive, or bounded, or make it narrower"


def _as_in_toml(remedy: str) -> str:
    for python, toml in SPELLINGS:
        remedy = re.sub(python, toml, remedy)
    return remedy
