"""A calibrated configuration is the user's own file with other priors, and can be read again."""

import tomllib
from pathlib import Path

import pytest

from tests.config.files import Change, written
from twin_runtime.calibration import Posterior
from twin_runtime.calibration.configuration import calibrated
from twin_runtime.config import load
from twin_runtime.config.against_model import create_model
from twin_runtime.errors import ConfigError
from twin_runtime.modelling.variables import Bounded, LogNormal, Normal, Prior

FOUND = {"pulse": LogNormal(41.5, 0.02), "compliance": LogNormal(2.5, 0.1)}
COMMENTS = ("Calibrated by a recording.", " ".join(["a long remark"] * 20))


def text(path: Path, found: dict[str, Prior] | None = None) -> str:
    given = FOUND if found is None else found
    return calibrated(
        load(path).types[0], [Posterior(name, "1", prior, prior) for name, prior in given.items()], COMMENTS
    )


@pytest.mark.parametrize(
    "change",
    [
        ("[model.priors]", "[model.priors]"),
        ("[model.priors]\ncompliance = { lognormal = [1.5, 0.3] }\n", ""),
        ("[model.priors]\ncompliance = { lognormal = [1.5, 0.3] }\n", "[model.walk]\npulse = 0.1\n"),
        ("[model.priors]\ncompliance = {", "[model]\npriors.compliance = {"),
        ("[model.priors]\ncompliance = { lognormal = [1.5, 0.3] }", "[model]\npriors = { pulse = { fixed = 1.0 } }"),
        ("[model.priors]\ncompliance = { lognormal = [1.5, 0.3] }", "[model.priors.pulse]\nlognormal = [1.0, 2.0]"),
    ],
    ids=["a table", "nothing", "another table", "dotted keys", "one line", "a table a prior"],
)
def test_posteriors_come_to_where_the_priors_were(change: Change, tmp_path: Path) -> None:
    path = written(tmp_path, change)
    path.write_text(text(path))
    model = create_model(load(path).types[0])
    priors = {variable.name: variable.prior for variable in model.variables}
    assert {name: priors[name] for name in FOUND} == FOUND


def test_all_else_stays_as_the_user_wrote_it(tmp_path: Path) -> None:
    remark = ('unit = "1"\n', "unit = '1'   # a count\n\n\n")
    path = written(tmp_path, ("[model.priors]", "# what we believe\n[model.priors]  # before"), remark)
    before, after = path.read_text(), text(path)
    lines = after.partition("\n\n")[2].splitlines()
    old = before.splitlines()
    assert [line for line in old if line not in lines] == ["compliance = { lognormal = [1.5, 0.3] }"]
    assert [line for line in lines if line not in old] == [
        "compliance = { lognormal = [2.5, 0.1] }",
        "pulse = { lognormal = [41.5, 0.02] }",
    ]


def test_a_remark_behind_a_prior_stays_behind_it(tmp_path: Path) -> None:
    path = written(tmp_path, ("[1.5, 0.3] }", "[1.5, 0.3] }  # by age"))
    assert "compliance = { lognormal = [2.5, 0.1] }  # by age" in text(path)


def test_whence_they_come_stands_above_in_lines_that_can_be_read(tmp_path: Path) -> None:
    head = text(written(tmp_path)).partition("\n\n")[0].splitlines()
    assert head[0] == "# Calibrated by a recording."
    assert len(head) == 4
    assert all(line.startswith("# ") and len(line) <= 120 for line in head)


def test_distributions_of_every_kind_can_be_written(tmp_path: Path) -> None:
    found = {"pulse": Bounded(10.0, 90.0, 41.0, 0.2), "p_c": Normal(-3.0, 1e-7)}
    priors = tomllib.loads(text(written(tmp_path), found))["model"]["priors"]
    assert priors["pulse"] == {"bounded": [10.0, 90.0, 41.0, 0.2]}
    assert priors["p_c"] == {"normal": [-3.0, 1e-7]}


def test_a_posterior_that_has_run_into_its_bound_is_refused(tmp_path: Path) -> None:
    stuck = Bounded(0.0, 1.0, 1.0 - 1e-12)
    with pytest.raises(ConfigError, match="expected a median between the bounds"):
        text(written(tmp_path), {"pulse": stuck})
