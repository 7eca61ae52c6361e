"""A configuration file that is right, and what a user may make of it."""

from pathlib import Path

import pytest

from twin_runtime.config import load
from twin_runtime.errors import ConfigError

Change = tuple[str, str]
"""What stands in the right file, and what a user wrote in its place."""

RIGHT = """\
[twin]
name = "artery"
model = "artery"
twins = ["patient-1"]
tick = "40 ms"
wait = "100 ms"
lateness = "5 s"

[model.priors]
compliance = { lognormal = [1.5, 0.3] }

[sensors.abp]
observes = "pressure"
topic = "{twin}/abp"
unit = "mmHg"
noise = 2.0
range = [-30, 300]

[inputs.r_peak]
unit = "1"

[trust.checks]
age = { degraded = 1.5 }
"""


def written(folder: Path, *changes: Change) -> Path:
    """The right file with some changes, as a user might have made them."""
    text = RIGHT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "artery.toml"
    path.write_text(text, encoding="utf-8")
    return path


def complaint(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value)
