"""What identifies a model: its sources, wherever they are written, and its variables as they are set."""

import importlib
import sys
from pathlib import Path

import pytest

from tests.modelling.oscillator import Oscillator
from twin_models.pipe import Pipe
from twin_runtime.modelling.variables import Fixed

PHYSICS = """
from twin_runtime.modelling.physics import physics

@physics
def loss(amount):
    return 0.0 - {factor} * amount
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


def fingerprint(folder: Path, factor: float, step: float) -> str:
    """Of a model whose class, base and physics are written in three modules."""
    sources = {"spring_physics": PHYSICS.format(factor=factor), "spring_base": BASE.format(step=step), "spring": MODEL}
    folder.mkdir()
    for name, text in sources.items():
        (folder / f"{name}.py").write_text(text, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        made = importlib.import_module("spring").Spring().fingerprint
        for name in sources:
            del sys.modules[name]
    return str(made)


def test_a_change_in_any_module_that_makes_a_model_changes_its_fingerprint(tmp_path: Path) -> None:
    first = fingerprint(tmp_path / "first", factor=0.5, step=0.1)
    assert fingerprint(tmp_path / "again", factor=0.5, step=0.1) == first
    assert fingerprint(tmp_path / "base", factor=0.5, step=0.2) != first
    assert fingerprint(tmp_path / "physics", factor=0.6, step=0.1) != first


def test_priors_walks_and_settings_are_part_of_the_fingerprint() -> None:
    made = (
        Oscillator(),
        Oscillator({"damping": Fixed(0.0)}),
        Oscillator(walk={"damping": 0.1}),
        Pipe(),
        Pipe(wall=False),
        Pipe(cells=50),
    )
    assert len({model.fingerprint for model in made}) == len(made)
