"""A check that another package provides is judged like those of the runtime, and a wrong one is one clear error."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.packages import install
from tests.ward import TICK, recorded
from twin_runtime.config import load
from twin_runtime.errors import ConfigError, TwinError
from twin_runtime.runs.assembly import Assembly, assemble
from twin_runtime.runs.replay import replay_recording
from twin_runtime.store.reader import Reader
from twin_runtime.testing import MemoryRecording
from twin_runtime.vvuq.checks import CHECKS, names
from twin_runtime.vvuq.found import MOST, checks_found

WARD = """\
[twin]
name = "ward"
model = "windkessel"
twins = ["patient-0"]
tick = "40 ms"
wait = "100 ms"
lateness = "1 s"
clock = "stream"

[sensors.abp]
observes = "pressure"
unit = "mmHg"
noise = 20.0

[inputs.flow]
unit = "mL/s"
"""
"""A sensor that is ten times better than is stated of it: intervals are far too wide."""

PAGE = (REPOSITORY / "models" / "README.md").read_text().partition("## A check of your own")[2]
[EXAMPLE], [SETTINGS] = (re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL) for kind in ("python", "toml"))


def provide(folder: Path, monkeypatch: pytest.MonkeyPatch, points: str, name: str, text: str) -> None:
    """Install a package with these checks in a module of this name."""
    site = install(folder / "site", f"[twin_runtime.checks]\n{points}\n", {name: text})
    monkeypatch.syspath_prepend(str(site))


def assembled(folder: Path, settings: str = "") -> Assembly:
    path = folder / "ward.toml"
    path.write_text(WARD + settings, encoding="utf-8")
    return assemble(load(path))


def run(folder: Path, settings: str = "") -> dict[str, Any]:
    """The summary of ten seconds of a pressure that goes up and down from reading to reading, stored at their end."""
    store = folder / "ward.db"
    store.unlink(missing_ok=True)
    alternating = [
        reading._replace(value=80.0 + 2.0 * (-1) ** (reading.time // TICK)) if reading.channel == "abp" else reading
        for reading in recorded(250)
    ]
    return replay_recording(assembled(folder, settings), MemoryRecording(alternating), store=store)


@pytest.fixture
def wide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example of the page, installed."""
    provide(tmp_path, monkeypatch, "wide = tinkering_wide:WIDE", "tinkering_wide", EXAMPLE)
    return tmp_path


class TestOfAnotherPackage:
    def test_it_follows_those_of_the_runtime(self, wide: Path) -> None:
        assert names(checks_found()) == (*names(CHECKS), "wide")
        assert checks_found()[: len(CHECKS)] == CHECKS
        assert assembled(wide).identity.types[0].checks == (*names(CHECKS), "wide")

    def test_its_complaint_is_in_verdicts_and_reasons(self, wide: Path) -> None:
        reported = run(wide)
        assert "wide" in reported["reasons"]
        assert reported["verdicts"]["degraded"] > 100
        with Reader.open(wide / "ward.db") as reader:
            last = list(reader.latest())[-1]
            assert "wide" in reader.identity.types[0].reasons(int(last.reasons[0]))
            assert last.trust[0] == 1

    def test_its_thresholds_are_set_like_others(self, wide: Path) -> None:
        assert "wide" in run(wide, SETTINGS)["reasons"]
        assert "wide" not in run(wide, "[trust.checks.wide]\ndegraded = 0.2\nuntrusted = 0.3\n")["reasons"]
        assert "wide" not in run(wide, "[trust.checks.wide]\nz = 1e6\n")["reasons"]
        assert run(wide, SETTINGS.replace("degraded", "untrusted"))["verdicts"]["untrusted"] > 50

    def test_a_name_that_is_nearly_right_gets_a_remedy(self, wide: Path) -> None:
        with pytest.raises(ConfigError, match=r"trust\.checks\.wied: unknown check; remedy: did you mean wide\?"):
            assembled(wide, "[trust.checks.wied]\ndegraded = 0.1\n")

    def test_one_that_does_not_complain_changes_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        without = run(tmp_path)
        provide(tmp_path, monkeypatch, "wide = tinkering_wide:WIDE", "tinkering_wide", EXAMPLE)
        reported = run(tmp_path, "[trust.checks.wide]\ndegraded = 1.0\nuntrusted = 1.0\n")
        assert reported["state_hash"] == without["state_hash"]
        assert reported["reasons"] == without["reasons"]

    def test_it_may_be_compiled_already_and_is_judged_the_same(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text = EXAMPLE.replace("import math", "import math\nfrom numba import njit")
        text = text.replace("def wide", '@njit(error_model="numpy")\ndef wide')
        provide(tmp_path, monkeypatch, "wide = tinkering_compiled:WIDE", "tinkering_compiled", text)
        assert "wide" in run(tmp_path)["reasons"]

    def test_a_figure_without_a_name_of_its_own_is_judged_in_memory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text = EXAMPLE.replace(
            '"uncertainty", wide', '"uncertainty", lambda evidence, z: evidence.covered - 0.9 - 0.0 * z'
        )
        provide(tmp_path, monkeypatch, "wide = tinkering_lambda:WIDE", "tinkering_lambda", text)
        assert "wide" in run(tmp_path)["reasons"]


WRONG = {
    "not there": ("wide = tinkering_{}:NARROW", EXAMPLE, "'wide' cannot be imported: AttributeError"),
    "broken": ("wide = tinkering_{}:WIDE", "1 / 0", "'wide' cannot be imported: ZeroDivisionError"),
    "no check": ("wide = tinkering_{}:wide", EXAMPLE, "expected a twin_runtime.vvuq.checks.Check, got function"),
    "another name": ("narrow = tinkering_{}:WIDE", EXAMPLE, "the entry point 'narrow' names a check 'wide'"),
    "a name of ours": (
        "age = tinkering_{}:WIDE",
        EXAMPLE.replace('"wide"', '"age"'),
        "another check is named 'age' already; remedy: rename the check",
    ),
    "no z": (
        "wide = tinkering_{}:WIDE",
        EXAMPLE.replace("(evidence, z)", "(evidence)").replace("z *", "3.0 *"),
        r"its figure must be a function of (evidence, z) that Numba compiles",
    ),
    "z that is not there": (
        "wide = tinkering_{}:WIDE",
        EXAMPLE.replace(", z=3.0)", ")"),
        "its figure must be a function of (evidence) that Numba compiles",
    ),
    "a figure of no evidence": (
        "wide = tinkering_{}:WIDE",
        EXAMPLE.replace("evidence.covered", "evidence.coverage"),
        "check 'wide' cannot be used: ",
    ),
    "no number": (
        "wide = tinkering_{}:WIDE",
        EXAMPLE.replace("return evidence.covered", "return evidence.bias"),
        "gave",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_one_is_one_clear_error(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points, text, reported = WRONG[case]
    module = "wrong_" + case.replace(" ", "_")
    provide(tmp_path, monkeypatch, points.format(module), f"tinkering_{module}", text)
    with pytest.raises(TwinError) as caught:
        assembled(tmp_path)
    assert reported in str(caught.value)
    assert f"tinkering_{module}:" in str(caught.value)
    assert "remedy: " in str(caught.value)


def test_no_more_than_there_are_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = "def of(evidence):\n    return 0.0\n\n"
    text = "from twin_runtime.vvuq.checks import Check\n\n" + many
    spare = MOST - len(CHECKS)
    text += "".join(f'C{k} = Check("c{k}", "validation", of, 1.0, 2.0)\n' for k in range(spare + 1))
    points = [f"c{k} = tinkering_many:C{k}" for k in range(spare + 1)]
    provide(tmp_path / "full", monkeypatch, "\n".join(points[:-1]), "tinkering_many", text)
    assert len(checks_found()) == MOST
    monkeypatch.undo()
    provide(tmp_path / "over", monkeypatch, "\n".join(points), "tinkering_many", text)
    with pytest.raises(TwinError, match=r"expected at most 63 checks, got 64; remedy: remove a package .*: tinkering"):
        checks_found()
