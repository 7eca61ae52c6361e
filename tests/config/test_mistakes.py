"""Everything wrong in a configuration is reported at once: file, line, key, expectation, what came, the remedy."""

from pathlib import Path

import pytest

from tests.config.files import complaint, written

WRONG = {
    "a key that is misspelt": (
        ("noise = 2.0", "nosie = 2.0"),
        "artery.toml:16: sensors.abp.nosie: unknown key",
        "did you mean noise?",
    ),
    "a section that is misspelt": (
        ("[sensors.abp]", "[sensor.abp]"),
        "artery.toml: sensor: unknown key",
        "did you mean sensors?",
    ),
    "a noise that is missing": (
        ("noise = 2.0\n", ""),
        "artery.toml:12: sensors.abp.noise: expected, but missing",
        "give the standard deviation of a reading, in the sensor's unit: noise = 2.0",
    ),
    "a noise of zero": (
        ("noise = 2.0", "noise = 0"),
        "artery.toml:16: sensors.abp.noise: expected more than 0, got 0",
        "noise = 2.0",
    ),
    "a noise that has no square": (
        ("noise = 2.0", "noise = 1e-200"),
        "artery.toml:16: sensors.abp.noise: expected a number that can be squared, got 1e-200",
        "measure in another unit",
    ),
    "a noise in quotes": (
        ("noise = 2.0", 'noise = "2"'),
        'sensors.abp.noise: expected a number, got "2"',
        "noise = 2.0",
    ),
    "a noise that is a truth": (
        ("noise = 2.0", "noise = true"),
        "sensors.abp.noise: expected a number, got true",
        "noise = 2.0",
    ),
    "an infinite noise": (
        ("noise = 2.0", "noise = inf"),
        "sensors.abp.noise: expected a finite number, got inf",
        "noise = 2.0",
    ),
    "no unit": (('unit = "mmHg"\n', ""), "artery.toml:12: sensors.abp.unit: expected, but missing", 'unit = "mmHg"'),
    "a range upside down": (
        ("[-30, 300]", "[300, -30]"),
        "sensors.abp.range: expected the lowest value first, got [300.0, -30.0]",
        "exchange the two numbers",
    ),
    "half a range": (
        ("[-30, 300]", "[-30]"),
        "artery.toml:17: sensors.abp.range: expected more values, got [-30]",
        "range = [-30, 300]",
    ),
    "a range of three": (
        ("[-30, 300]", "[-30, 0, 300]"),
        "sensors.abp.range: expected no more than 2 values, got [-30, 0, 300]",
        "range = [-30, 300]",
    ),
    "a range in words": (
        ("[-30, 300]", '["low", 300]'),
        'sensors.abp.range[0]: expected a number, got "low"',
        "range = [-30, 300]",
    ),
    "a tick without a unit of time": (
        ('"40 ms"', '"40 parsecs"'),
        'artery.toml:5: twin.tick: expected a duration such as "40 ms"',
        'tick = "40 ms"',
    ),
    "a tick of zero": (('"40 ms"', '"0 s"'), "twin.tick: expected a duration above zero", 'tick = "40 ms"'),
    "a negative tick": (('"40 ms"', "-1"), "twin.tick: expected a duration such as", 'tick = "40 ms"'),
    "no tick": (
        ('tick = "40 ms"\n', ""),
        "artery.toml:1: twin.tick: expected, but missing",
        'give the interval at which the twins advance: tick = "40 ms"',
    ),
    "a wait beyond the lateness": (
        ('"100 ms"', '"6 s"'),
        "artery.toml:6: twin.wait: expected a wait no longer than the lateness of 5 s, got 6 s",
        'set lateness = "6 s" or more',
    ),
    "a validity that ends before the next estimate": (
        ('tick = "40 ms"', 'tick = "40 ms"\nvalidity = "140 ms"'),
        "twin.validity: expected more than a tick and its wait together, 140 ms, got 140 ms",
        "an estimate must count until the next one is published",
    ),
    "a clock on no wall": (
        ('tick = "40 ms"', 'tick = "40 ms"\nclock = "cuckoo"'),
        "twin.clock: expected 'wall' or 'stream', got \"cuckoo\"",
        '"wall" for a live asset',
    ),
    "a seed with a fraction": (
        ('tick = "40 ms"', 'tick = "40 ms"\nseed = 1.5'),
        "twin.seed: expected a whole number, got 1.5",
        "seed = 1",
    ),
    "a name with a slash": (
        ('name = "artery"', 'name = "a/b"'),
        "twin.name: expected a name of letters, digits, '_', '-' and '.', got \"a/b\"",
        'name = "artery"',
    ),
    "no twins at all": (
        ('["patient-1"]', "[]"),
        "twin.twins: expected at least 1 values, got []",
        'twins = ["patient-1", "patient-2"]',
    ),
    "a twin named twice": (
        ('["patient-1"]', '["a", "b", "a"]'),
        "artery.toml:4: twin.twins: expected different names, got 'a' 2 times",
        "rename or remove one",
    ),
    "a twin that is a number": (
        ('["patient-1"]', "[1]"),
        'twin.twins[0]: expected a text in "quotes", got 1',
        'twins = ["patient-1", "patient-2"]',
    ),
    "two channels on one topic": (
        ("{twin}/abp", "{twin}/r_peak"),
        "inputs.r_peak.topic: expected a topic of its own, got 'patient-1/r_peak', which sensors.abp has",
        "give each channel another topic",
    ),
    "an unknown placeholder": (
        ("{twin}/abp", "{patient}/abp"),
        "sensors.abp.topic: expected no placeholders but {twin} and {channel}, found {patient}",
        'topic = "{twin}/abp"',
    ),
    "a placeholder that formats": (
        ("{twin}/abp", "{twin!r}/abp"),
        "sensors.abp.topic: expected no placeholders but",
        'topic = "{twin}/abp"',
    ),
    "half a brace": (
        ("{twin}/abp", "{twin/abp"),
        "sensors.abp.topic: expected braces in pairs",
        'topic = "{twin}/abp"',
    ),
    "a wildcard in a topic": (
        ("{twin}/abp", "{twin}/#"),
        "sensors.abp.topic: expected a topic without wildcards",
        'topic = "{twin}/abp"',
    ),
    "a topic without end": (
        ("{twin}/abp", "a" * 70_000),
        "sensors.abp.topic: expected a shorter topic",
        'topic = "{twin}/abp"',
    ),
    "sensor and input of one name": (
        ("[inputs.r_peak]", "[inputs.abp]\ntopic = '{twin}/other'"),
        "inputs.abp: expected different names for sensors and inputs, got 'abp' for both",
        "`drives` names the model's input",
    ),
    "a channel with a slash": (
        ("[inputs.r_peak]", '[inputs."r/peak"]'),
        "inputs.r/peak: expected a name of letters",
        "a table [inputs.NAME]",
    ),
    "an ensemble of one": (
        ("[trust.checks]", "[ensemble]\nmembers = 1\n[trust.checks]"),
        "ensemble.members: expected 2 or more, got 1",
        "members = 64",
    ),
    "more relaxation than there is": (
        ("[trust.checks]", "[assimilation]\nrtps = 1.5\n[trust.checks]"),
        "assimilation.rtps: expected 1 or less, got 1.5",
        "rtps = 0.3",
    ),
    "deflation": (
        ("[trust.checks]", "[assimilation]\ninflation = 0.9\n[trust.checks]"),
        "assimilation.inflation: expected 1 or more, got 0.9",
        "inflation = 1.02",
    ),
    "a median outside its bounds": (
        ("lognormal = [1.5, 0.3]", "bounded = [1, 2, 3]"),
        "model.priors.compliance.bounded: expected a median between the bounds, got 3",
        "give low, high, median, spread",
    ),
    "a spread below zero between bounds": (
        ("lognormal = [1.5, 0.3]", "bounded = [1, 2, 1.5, -1]"),
        "model.priors.compliance.bounded: expected a standard deviation of 0 or more, got -1",
        "give the standard deviation",
    ),
    "a discount that discounts everything": (
        ("[model.priors]", "[model.shrinkage]\npulse = 0.2\n[model.priors]"),
        "artery.toml:10: model.shrinkage.pulse: expected more than 0.5, got 0.2",
        "",
    ),
    "a response that is not there": (
        ("[trust.checks]", '[assimilation.divergence]\nresponse = "redraw"\n[trust.checks]'),
        "assimilation.divergence.response: expected 'flag', 're-inflate' or 're-draw', got \"redraw\"",
        'response = "flag"',
    ),
    "a response that is misspelt": (
        ("[trust.checks]", '[assimilation.divergence]\nrespnse = "flag"\n[trust.checks]'),
        "assimilation.divergence.respnse: unknown key",
        "did you mean response?",
    ),
    "a limit within chance": (
        ("[trust.checks]", "[assimilation.divergence]\nlimit = 0.5\n[trust.checks]"),
        "assimilation.divergence.limit: expected 1 or more, got 0.5",
        "limit = 3.0",
    ),
    "no rest": (
        ("[trust.checks]", '[assimilation.divergence]\nrest = "0 s"\n[trust.checks]'),
        "assimilation.divergence.rest: expected a duration above zero",
        'rest = "10 s"',
    ),
    "two priors at once": (
        ("{ lognormal = [1.5, 0.3] }", "{ lognormal = [1.5, 0.3], fixed = 1 }"),
        "model.priors.compliance: expected one distribution, got lognormal and fixed",
        "give one of normal, lognormal, bounded, fixed",
    ),
    "a prior of nothing": (
        ("{ lognormal = [1.5, 0.3] }", "{ }"),
        "model.priors.compliance: expected one distribution, got none",
        "give one of",
    ),
    "a negative median": (
        ("[1.5, 0.3]", "[-1.5, 0.3]"),
        "model.priors.compliance.lognormal: expected a median above 0, got -1.5",
        "not its logarithm",
    ),
    "a negative spread": (
        ("[1.5, 0.3]", "[1.5, -0.3]"),
        "compliance.lognormal: expected a standard deviation of 0 or more, got -0.3",
        "second",
    ),
    "a walk backwards": (
        ("[model.priors]", "[model.walk]\ncompliance = -1\n[model.priors]"),
        "model.walk.compliance: expected 0 or more, got -1",
        "random walks by variable",
    ),
    "a threshold in words": (
        ("{ degraded = 1.5 }", '{ degraded = "soon" }'),
        'trust.checks.age.degraded: expected a number, got "soon"',
        "thresholds by check",
    ),
    "a section that is no table": (
        ("[twin]\n", "ensemble = 3\n[twin]\n"),
        "artery.toml:1: ensemble: expected a table, got 3",
        "give the table [ensemble]",
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_every_mistake_is_reported_with_its_place_and_its_remedy(mistake: str, tmp_path: Path) -> None:
    change, reported, remedy = WRONG[mistake]
    message = complaint(written(tmp_path, change))
    assert reported in message
    assert message.startswith(f"{tmp_path / 'artery.toml'}")
    assert remedy in message.partition("; remedy: ")[2]


def test_a_fleet_needs_a_topic_for_each_twin(tmp_path: Path) -> None:
    reported = complaint(written(tmp_path, ('["patient-1"]', '["a", "b"]'), ("{twin}/abp", "abp")))
    assert "artery.toml:14: sensors.abp.topic: expected {twin} in the topic of a fleet of 2, got 'abp'" in reported
    assert reported.endswith('remedy: write it like topic = "{twin}/abp"')


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    path = written(
        tmp_path, ("noise = 2.0", "noise = -2"), ('"40 ms"', '"soon"'), ("[trust.checks]", "[thrust.checks]")
    )
    keys = [line.split(": ")[1] for line in complaint(path).splitlines()]
    assert keys == ["twin.tick", "sensors.abp.noise", "thrust"]


@pytest.mark.parametrize(
    ("content", "reported"),
    [
        (b"[twin]\nname = artery\n", "artery.toml:2:8: not TOML: Invalid value; remedy: write key = value"),
        (b'[twin]\nname = "a"\nname = "b"\n', "artery.toml:3:11: not TOML: Cannot overwrite a value"),
        (b"[twin\n", "artery.toml:1:6: not TOML"),
        (b'[twin]\nname = "\xff"\n', "artery.toml:2: not UTF-8 text; remedy: save the file as UTF-8"),
        (b"", "artery.toml: twin: expected, but missing; remedy: give the table [twin]"),
        (b"x = " + b"[" * 10_000, "artery.toml: values stand within values too deeply to be read; remedy: write them"),
        (b"x = " + b"{a=" * 10_000, "artery.toml: values stand within values too deeply to be read; remedy: write"),
    ],
)
def test_what_is_not_toml_is_reported_with_its_line(content: bytes, reported: str, tmp_path: Path) -> None:
    path = tmp_path / "artery.toml"
    path.write_bytes(content)
    assert reported in complaint(path)


def test_a_file_that_is_not_there_is_looked_for_nearby(tmp_path: Path) -> None:
    written(tmp_path)
    assert "artry.toml: cannot be read: No such file or directory; remedy: did you mean artery.toml?" in complaint(
        tmp_path / "artry.toml"
    )
    assert f"there is no folder {tmp_path / 'nowhere'}" in complaint(tmp_path / "nowhere" / "artery.toml")
    assert "Is a directory" in complaint(tmp_path)
