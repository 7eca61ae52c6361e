"""The configuration with its posteriors for priors, as a person wrote it otherwise."""

import tomllib
from collections.abc import Iterable
from textwrap import wrap
from typing import Any

import tomlkit

from twin_runtime.calibration.posterior import Posterior, spelled
from twin_runtime.config import Document, TwinType, loaded

WIDTH = 118
"""Characters in a line of comment."""


def calibrated(twin_type: TwinType, posteriors: Iterable[Posterior], comments: Iterable[str]) -> str:
    """The text of a configuration with posteriors as ``[model.priors]`` of a type, headed by ``comments``.

    All else stays as it stands in the file, comments too.

    Raises:
        ConfigError: The posteriors make no configuration that could be read again.
    """
    written = tomlkit.parse(twin_type.document.text)
    table: Any = written
    for name in twin_type.at:
        table = table[name]
    priors = table.setdefault("model", tomlkit.table()).setdefault("priors", tomlkit.table())
    for posterior in posteriors:
        [(name, numbers)] = spelled(posterior.posterior).items()
        priors[posterior.name] = tomlkit.value(f"{{ {name} = {numbers} }}")
    text = _commented(comments) + "\n" + tomlkit.dumps(written)
    loaded(Document(twin_type.document.path, text, tomllib.loads(text)))
    return text


def _commented(comments: Iterable[str]) -> str:
    lines = (wrap(comment, WIDTH, initial_indent="# ", subsequent_indent="#   ") for comment in comments)
    return "".join(f"{line}\n" for comment in lines for line in comment)
