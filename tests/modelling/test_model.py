"""What identifies a model: its sources, wherever they are written, and its variables as they are set."""

import importlib
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from tests.modelling.oscillator import Oscillator
from twin_models.pipe import Pipe
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.signals import InputSignals, no_points
from twin_runtime.modelling.variables import Fixed

T = TypeVar("T")
PHYSICS = """
from spring_constants import FACTOR
from twin_runtime.modelling.physics import physics

@physics
def loss(amount):
    return 0.0 - FACTOR * amount
"""
BASE = """
from spring_physics import loss
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Normal, State

@physics
def rate(amount):
    return loss(amount)

class Base(OdeModel):
    name = "base"
    table = (State("amount", "kg", Normal(1.0, 0.1)),)
    rate = rate
    step = {step}
"""
MODEL = """
from spring_base import Base

class Spring(Base):
    pass
"""


def fingerprint(model: OdeModel) -> str:
    """Its fingerprint."""
    return model.fingerprint


def left(model: OdeModel) -> float:
    """The share that is left after a second of decay."""
    x, nothing = np.ones((1, 1, 1)), np.empty((1, 0, 0))
    model.advance(x, 1.0, InputSignals(nothing, nothing, np.ones(1)), no_points(1), np.empty((1, 1, 0)), np.empty(1))
    return float(x[0, 0, 0])


def of_model(
    ask: Callable[[OdeModel], T], folder: Path, factor: float = 0.5, step: float = 0.1, doubled: str = ""
) -> T:
    """Something of a model whose class, base, physics and constants are written in four modules."""
    sources = {
        "spring_constants": f"FACTOR = {factor}",
        "spring_physics": PHYSICS.replace("FACTOR *", f"{doubled}FACTOR *"),
        "spring_base": BASE.format(step=step),
        "spring": MODEL,
    }
    folder.mkdir(parents=True)
    for name, text in sources.items():
        (folder / f"{name}.py").write_text(text, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("TWIN_CACHE", str(folder.parent))
        asked = ask(importlib.import_module("spring").Spring())
        for name in sources:
            del sys.modules[name]
    return asked


def test_a_change_in_any_module_that_makes_a_model_changes_its_fingerprint(tmp_path: Path) -> None:
    first = of_model(fingerprint, tmp_path / "first")
    assert of_model(fingerprint, tmp_path / "again") == first
    assert of_model(fingerprint, tmp_path / "base", step=0.2) != first
    assert of_model(fingerprint, tmp_path / "physics", doubled="2.0 * ") != first
    assert of_model(fingerprint, tmp_path / "constant", factor=0.6) != first


def test_a_constant_of_another_module_is_not_taken_from_an_old_kernel(tmp_path: Path) -> None:
    for factor in (0.5, 0.6):
        assert of_model(left, tmp_path / str(factor), factor) == pytest.approx(math.exp(-factor), rel=1e-4)


def test_a_helper_that_has_changed_is_not_taken_from_an_old_kernel(tmp_path: Path) -> None:
    assert of_model(left, tmp_path / "before") == pytest.approx(math.exp(-0.5), rel=1e-4)
    assert of_model(left, tmp_path / "after", doubled="2.0 * ") == pytest.approx(math.exp(-1.0), rel=1e-4)


def test_priors_walks_and_settings_are_part_of_the_fingerprint() -> None:
    models = (
        Oscillator(),
        Oscillator({"damping": Fixed(0.0)}),
        Oscillator(walk={"damping": 0.1}),
        Pipe(),
        Pipe(wall=False),
        Pipe(cells=50),
    )
    assert len({model.fingerprint for model in models}) == len(models)
