"""The kernel compiled from a declaration: what it may contain, and where it is kept."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.modelling.oscillator import Oscillator, kicked
from twin_runtime.core import FloatArray
from twin_runtime.errors import ModelError
from twin_runtime.modelling.ensemble import draw_prior
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.random import numbered_keys
from twin_runtime.modelling.signals import InputSignals, Points, no_points
from twin_runtime.modelling.variables import Normal, Output, State

REPOSITORY = Path(__file__).resolve().parents[2]
COMPILE = "from tests.modelling.test_kernel import decayed; print(decayed().hex())"


@physics
def asks_for_mass(position: float, velocity: float, mass: float) -> tuple[float, float]:
    """A rate that needs what the model does not declare."""
    return velocity, -position / mass


@physics
def asks_for_an_event(position: float, velocity: float, kick: float) -> tuple[float, float]:
    """A rate that takes an event for a signal."""
    return velocity, kick * position


def results(model: OdeModel) -> FloatArray:
    """What an ensemble driven by everything there is comes to: states, predictions and quantities in one row."""
    x = draw_prior(model.variables, numbered_keys(1, 2), 4)
    times = np.array([[[0.0, 0.5], [0.21, np.inf]], [[0.1, 0.9], [0.0, 0.3]]])
    signals = InputSignals(times, np.array([[[1.0, 2.0], [1.0, 1.0]], [[-3.0, 0.0], [1.0, 1.0]]]), np.ones(2))
    points = Points(np.array([[0.0, 0.7], [0.3, np.inf]]), np.array([[0, 1], [1, -1]]))
    predicted = np.zeros((2, 4, 2))
    model.advance(x, 1.0, signals, points, predicted, np.empty(2))
    return np.concatenate([array.ravel() for array in (x, predicted, model.observe(x, 1.0, signals))])


@physics
def decaying(amount: float) -> float:
    """A rate of decay."""
    return -0.5 * amount


class Decay(OdeModel):
    """The smallest model that there can be."""

    name = "decay"
    table = (State("amount", "kg", Normal(1.0, 0.1)),)
    rate = decaying
    step = 0.1


def decayed() -> bytes:
    """An ensemble of the small model and its quantities after a second."""
    model, nothing = Decay(), np.empty((2, 0, 0))
    x, signals = draw_prior(model.variables, numbered_keys(1, 2), 4), InputSignals(nothing, nothing, np.ones(2))
    model.advance(x, 1.0, signals, no_points(2), np.empty((2, 4, 0)), np.empty(2))
    return x.tobytes() + model.observe(x, 1.0, signals).tobytes()


def start_again(folder: Path) -> bytes:
    """The small model as the next process would run it that keeps its kernels in a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWIN_CACHE", str(folder))
        for name in [name for name in sys.modules if name.startswith("twin_kernel_decay_")]:
            patch.delitem(sys.modules, name)
        return decayed()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the kernels of the small model."""
    folder = tmp_path_factory.mktemp("cache")
    start_again(folder)
    return folder


def empty(content: bytes) -> bytes:
    """Nothing of a file."""
    return content[:0]


def half(content: bytes) -> bytes:
    """The first half of a file."""
    return content[: len(content) // 2]


def without_end(content: bytes) -> bytes:
    """A file cut where a pickle could end."""
    return content[: content.rindex(b".", 0, -1) + 1]


def declared(**changes: Any) -> OdeModel:  # noqa: ANN401  # a declaration may contain anything
    """An oscillator declared inside a function, as in a notebook, with some changes."""
    made: Callable[[], OdeModel] = type("Sketch", (Oscillator,), changes)
    return made()


def test_a_kernel_from_the_disk_and_one_in_memory_give_the_same_bits() -> None:
    class Sketch(Oscillator):
        """The same model where there is no module to keep it."""

    assert results(Sketch()).tobytes() == results(Oscillator()).tobytes()


def test_a_kernel_is_compiled_once_and_found_by_the_next_process(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path))
    shutil.copytree(cache, tmp_path, dirs_exist_ok=True)

    def kept() -> dict[Path, int]:
        return {file: file.stat().st_mtime_ns for kind in ("*.py", "*.nbc") for file in tmp_path.rglob(kind)}

    compiled = kept()
    done = subprocess.run([sys.executable, "-c", COMPILE], cwd=REPOSITORY, check=True, capture_output=True)
    assert len(compiled) == 3  # the source, and the machine code of advance and observe
    assert kept() == compiled
    assert done.stdout.decode().strip() == decayed().hex()


@pytest.mark.parametrize(
    "damage",
    [
        {"*.advance*.nbi": empty, "*.observe*.nbc": empty},
        {"*.advance*.nbc": half, "*.observe*.nbi": half},
        {"*.advance*.nbc": without_end, "*.observe*.nbi": without_end},
        {"*.py": empty},
    ],
    ids=["empty", "half", "without their end", "the source empty"],
)
def test_files_that_are_not_whole_are_made_again(
    damage: Mapping[str, Callable[[bytes], bytes]], cache: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(cache, folder)
    for pattern, damaged in damage.items():
        (file,) = folder.rglob(pattern)
        file.write_bytes(damaged(file.read_bytes()))
    assert start_again(folder) == decayed()
    kept = {file: file.stat().st_mtime_ns for file in folder.rglob("*.*")}
    assert len(kept) == 5  # the source, an index and the machine code of advance and observe
    assert start_again(folder) == decayed()
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*.*")} == kept


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"rate": asks_for_mass},
            "test_kernel.py:28: rate asks for 'mass', which model Sketch does not declare; remedy: declare it, or use "
            "one of: position, velocity, stiffness, damping, push, known",
        ),
        ({"rate": asks_for_an_event}, "rate asks for 'kick', which model Sketch does not declare"),
        ({"jump": asks_for_mass}, "jump asks for 'mass', which model Sketch does not declare"),
        ({"events": {"kick": asks_for_mass}}, "events[kick] asks for 'mass'"),
        ({"outputs": (Output("weight", "kg", asks_for_mass),)}, "output weight asks for 'mass', which model Sketch"),
        (
            {"outputs": (Output("speed", "m/s"),)},
            "model Sketch: output 'speed' has no function, and there is no variable of that name in m/s; remedy: "
            "give it a physics function, or name a variable and its unit: position (m), velocity (m/s), ",
        ),
        ({"outputs": (Output("velocity", "km/h"),)}, "there is no variable of that name in km/h"),
        ({"events": {"push": kicked}}, "model Sketch: events names 'push', which is no event input"),
        ({"events": {"shove": kicked}}, "model Sketch: events names 'shove', which is no event input"),
    ],
)
def test_a_declaration_that_does_not_hold_together_is_refused_before_anything_runs(
    changes: dict[str, object], expected: str
) -> None:
    with pytest.raises(ModelError) as refused:
        declared(**changes)
    assert expected in str(refused.value)


def test_a_model_may_have_no_inputs_no_outputs_and_names_that_the_kernel_uses_itself() -> None:
    @physics
    def falling(x, h):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        return h, -9.81

    class Stone(OdeModel):
        name = "stone"
        table = tuple(
            type(variable)(name, variable.unit, variable.prior)
            for name, variable in zip(("x", "h"), Oscillator.table, strict=False)
        )
        rate = falling
        step = 0.1

    model = Stone()
    x = draw_prior(model.variables, numbered_keys(1, 1), 2)
    before, nothing = x.copy(), np.empty((1, 0, 1))
    points = Points(np.empty((1, 0)), np.empty((1, 0), np.int64))
    model.advance(x, 2.0, InputSignals(nothing, nothing, np.ones(1)), points, np.empty((1, 2, 0)), np.empty(1))
    np.testing.assert_allclose(x[0, :, 0], before[0, :, 0] + 2.0 * before[0, :, 1] - 0.5 * 9.81 * 4.0)


def test_an_event_that_no_function_answers_changes_nothing() -> None:
    without_events = declared(events={})
    x = draw_prior(without_events.variables, numbered_keys(1, 1), 2)
    kicked_once, never = (np.array([[[-np.inf], [moment]]]) for moment in (0.1, np.inf))
    points = Points(np.empty((1, 0)), np.empty((1, 0), np.int64))
    ends = []
    for times in (kicked_once, never):
        after = x.copy()
        without_events.advance(
            after, 0.2, InputSignals(times, 0.0 * x[:, :, :1], np.ones(1)), points, np.empty((1, 2, 0)), np.empty(1)
        )
        ends.append(after)
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-12)
