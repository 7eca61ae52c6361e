"""``settings`` of a model or of a part: what its class, or the reader of its file, takes by name."""

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from twin_runtime.config.document import Key, Problem
from twin_runtime.errors import did_you_mean

GIVEN_BY_RUNTIME = {"priors", "walk"}
"""What every model is made of, besides its settings."""


def settings_of(made: Callable[..., Any]) -> Collection[str] | None:
    """The settings that a model takes; None if any."""
    parameters = inspect.signature(made).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return None
    return parameters.keys() - GIVEN_BY_RUNTIME


def unknown_settings(
    name: str, known: Collection[str] | None, settings: Mapping[str, Any], key: Key
) -> Iterator[Problem]:
    """The settings that are not among the known ones of a model."""
    for setting in settings:
        if known is not None and setting not in known:
            remedy = did_you_mean(setting, known) or "remove it: this model has no settings"
            yield Problem((*key, setting), f"unknown setting of model '{name}'", remedy)
