"""A configuration and its model must agree; where they do not, the user is reported by file and key."""

from pathlib import Path

import pytest

from tests.config.files import Change, written
from twin_runtime.config import load
from twin_runtime.config.against_model import check_against_model, create_model
from twin_runtime.errors import ConfigError
from twin_runtime.modelling.variables import LogNormal
from twin_runtime.runs.assembly import assemble

CVP = '[sensors.cvp]\nunit = "mmHg"\nnoise = 1.0\n\n[inputs.r_peak]'


def complaint(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        create_model(load(path).types[0])
    return str(caught.value)


def test_a_model_is_made_with_the_priors_and_walks_of_its_configuration(tmp_path: Path) -> None:
    walk = "[model.walk]\ncompliance = 0.01\n\n[model.priors]"
    model = create_model(load(written(tmp_path, ("[1.5, 0.3]", "[2.5, 0.1]"), ("[model.priors]", walk))).types[0])
    compliance = next(variable for variable in model.variables if variable.name == "compliance")
    assert (compliance.prior, compliance.walk) == (LogNormal(2.5, 0.1), 0.01)


def test_what_is_fixed_does_not_walk_unless_it_is_told_to(tmp_path: Path) -> None:
    fixed = ("compliance = { lognormal = [1.5, 0.3] }", "decay = { fixed = 1.4 }")
    told = ("[model.priors]", "[model.walk]\ndecay = 0.01\n\n[model.priors]")
    for changes, expected in (((fixed,), 0.0), ((fixed, told), 0.01)):
        model = create_model(load(written(tmp_path, *changes)).types[0])
        assert next(variable.walk for variable in model.variables if variable.name == "decay") == expected


def test_a_shrinkage_takes_the_place_of_the_walk_that_the_model_has(tmp_path: Path) -> None:
    shrunk = "[model.shrinkage]\ndecay = 0.98\n\n[model.priors]"
    plain, fleet = (
        assemble(load(written(tmp_path, change))).types[0].fleet
        for change in (("5 s", "5 s"), ("[model.priors]", shrunk))
    )
    names = [variable.name for variable in fleet.model.variables]
    assert plain.discount is None
    assert fleet.discount is not None
    assert dict(zip(names, fleet.discount.tolist(), strict=True)) == dict.fromkeys(names, 1.0) | {"decay": 0.98}
    assert plain.walk[names.index("decay")] > 0.0
    assert fleet.walk[names.index("decay")] == 0.0


@pytest.mark.parametrize(
    ("prior", "physical"),
    [
        ("normal = [3, 1]", 3.0),
        ("lognormal = [3, 1]", 3.0),
        ("bounded = [2, 4]", 3.0),
        ("bounded = [2, 4, 2.5]", 2.5),
        ("bounded = [2, 4, 3.5, 0.1]", 3.5),
        ("fixed = 3", 3.0),
    ],
)
def test_every_kind_of_prior_has_the_centre_that_was_written(prior: str, physical: float, tmp_path: Path) -> None:
    model = create_model(load(written(tmp_path, ("lognormal = [1.5, 0.3]", prior))).types[0])
    given = next(variable.prior for variable in model.variables if variable.name == "compliance")
    assert given.physical(given.centre) == pytest.approx(physical)


MISTAKES: dict[str, tuple[Change, str, str]] = {
    "a model that is not there": (
        ('model = "artery"', 'model = "arteries"'),
        "artery.toml:3: twin.model: expected the name of a model, got 'arteries'",
        "did you mean artery?",
    ),
    "a setting that the model does not have": (
        ("[model.priors]", "[model.settings]\nwall = false\n[model.priors]"),
        "artery.toml:10: model.settings.wall: unknown setting of model 'artery'",
        "this model has no settings",
    ),
    "an output that is not there": (
        ('observes = "pressure"', 'observes = "presure"'),
        "artery.toml:13: sensors.abp.observes: expected an output of model 'artery', got 'presure'",
        "did you mean pressure?",
    ),
    "a sensor named like no output": (
        ("[inputs.r_peak]", CVP),
        "artery.toml:19: sensors.cvp.observes: expected an output of model 'artery', got 'cvp'",
        "use one of: cardiac_output, flow, impedance, pressure",
    ),
    "a unit of another quantity": (
        ('unit = "mmHg"', 'unit = "degC"'),
        "artery.toml:15: sensors.abp.unit: 'degC' measures temperature, 'mmHg' measures pressure ('pressure' of",
        "give a unit of pressure, such as mmHg",
    ),
    "a unit that is misspelt": (
        ('unit = "mmHg"', 'unit = "mmhg"'),
        "artery.toml:15: sensors.abp.unit: unknown unit 'mmhg'",
        "did you mean mmHg",
    ),
    "a variable that is not there": (
        ("compliance =", "complience ="),
        "artery.toml:10: model.priors.complience: expected a variable of model 'artery', got 'complience'",
        "did you mean compliance?",
    ),
    "a spread in the unit of the quantity": (
        ("lognormal = [1.5, 0.3]", "lognormal = [80, 15]"),
        "artery.toml:10: model.priors.compliance: the sd of a lognormal prior is that of its logarithm, and 15 is",
        "for 15 of 80 in its own unit, write { lognormal = [80, 0.17] }",
    ),
    "a spread of nothing": (
        ("lognormal = [1.5, 0.3]", "normal = [1.5, 0]"),
        "artery.toml:10: model.priors.compliance: a prior needs a standard deviation above 0, got 0",
        "or { fixed = 1.5 } for what is known exactly",
    ),
    "a value that the model does not allow": (
        ("lognormal = [1.5, 0.3]", "fixed = -1.5"),
        "artery.toml:10: model.priors.compliance: expected a value of compliance above 0, got -1.5",
        "give a value that the model allows",
    ),
    "a prior that is negative for many members": (
        ("lognormal = [1.5, 0.3]", "normal = [1.5, 1.0]"),
        "compliance above 0, as the model has it, but 98 % of this prior are -0.8263 to 3.826",
        "write it as lognormal, which is positive, or bounded, or make it narrower",
    ),
    "a walk of nothing": (
        ("[model.priors]", "[model.walk]\nDecay = 0.1\n[model.priors]"),
        "artery.toml:10: model.walk.Decay: expected a variable",
        "did you mean decay",
    ),
    "a shrinkage of nothing": (
        ("[model.priors]", "[model.shrinkage]\nDecay = 0.99\n[model.priors]"),
        "artery.toml:10: model.shrinkage.Decay: expected a variable",
        "did you mean decay",
    ),
    "a shrinkage of a state": (
        ("[model.priors]", "[model.shrinkage]\np_c = 0.99\n[model.priors]"),
        "artery.toml:10: model.shrinkage.p_c: 'p_c' is a state, not a parameter",
        "give it a walk",
    ),
    "a walk and a shrinkage": (
        ("[model.priors]", "[model.walk]\ndecay = 0.1\n[model.shrinkage]\ndecay = 0.99\n[model.priors]"),
        "artery.toml:12: model.shrinkage.decay: expected a walk or a shrinkage, got both for 'decay'",
        "remove one of them",
    ),
    "members too few for a shrinkage": (
        (
            "[model.priors]",
            "[ensemble]\nmembers = 5\n[model.shrinkage]\ndecay = 0.99\npulse = 0.99\n[model.priors]",
        ),
        "artery.toml:10: ensemble.members: expected 6 members or more for 2 parameters that are shrunk, got 5",
        "give more members",
    ),
    "an input that nothing drives": (
        ('[inputs.r_peak]\nunit = "1"\n', ""),
        "artery.toml: inputs: expected a table for input 'r_peak' of model 'artery', got none",
        'add [inputs.r_peak] with unit = "1"',
    ),
    "an input that two channels drive": (
        ("[inputs.r_peak]", '[inputs.ecg]\nunit = "1"\ndrives = "r_peak"\n[inputs.r_peak]'),
        "inputs.r_peak.drives: expected one channel for input 'r_peak', got 'ecg' and 'r_peak'",
        "remove one of them",
    ),
    "a method that is not there": (
        ("[trust.checks]", '[assimilation]\nmethod = "etfk"\n[trust.checks]'),
        "artery.toml:23: assimilation.method: expected a method of assimilation, got 'etfk'",
        "did you mean etkf",
    ),
    "a check that is not there": (
        ("age =", "aeg ="),
        "artery.toml:23: trust.checks.aeg: unknown check",
        "did you mean age?",
    ),
    "a threshold that is not there": (
        ("degraded =", "degrade ="),
        "artery.toml:23: trust.checks.age.degrade: unknown threshold",
        "did you mean degraded?",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_disagreement_is_reported_with_its_place_and_its_remedy(mistake: str, tmp_path: Path) -> None:
    change, reported, remedy = MISTAKES[mistake]
    message = complaint(written(tmp_path, change))
    assert reported in message
    assert remedy in message.partition("; remedy: ")[2]


def test_all_disagreements_are_reported_at_once(tmp_path: Path) -> None:
    reported = complaint(
        written(tmp_path, ("compliance =", "c ="), ('"pressure"', '"p"'), ("[inputs.r_peak]", "[inputs.ecg]"))
    )
    assert [line.split(": ")[1] for line in reported.splitlines()] == [
        "model.priors.c",
        "sensors.abp.observes",
        "inputs.ecg.drives",
        "inputs",
    ]


def test_a_configuration_can_be_held_against_a_model_of_ones_own(tmp_path: Path) -> None:
    [twin_type] = load(written(tmp_path)).types
    check_against_model(twin_type, create_model(twin_type))


def test_a_range_of_an_event_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, ('[inputs.r_peak]\nunit = "1"', '[inputs.r_peak]\nunit = "1"\nrange = [0, 2]'))
    with pytest.raises(ConfigError, match=r"inputs\.r_peak\.range: expected no range for an event.*got \[0.*remove it"):
        assemble(load(path))


def test_an_event_is_taken_with_the_value_1_only(tmp_path: Path) -> None:
    beat = assemble(load(written(tmp_path))).types[0].channels[1]
    assert (beat.name, beat.low, beat.high, beat.holds) == ("r_peak", 1.0, 1.0, False)
    percent = assemble(load(written(tmp_path, ('[inputs.r_peak]\nunit = "1"', '[inputs.r_peak]\nunit = "percent"'))))
    assert percent.types[0].channels[1].low == 100.0
