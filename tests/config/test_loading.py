"""A configuration file becomes a configuration, and its hash says whether two of them give the same states."""

from pathlib import Path

import pytest

from tests.config.files import Change, written
from twin_runtime.config import load


def test_a_right_file_becomes_a_configuration(tmp_path: Path) -> None:
    config = load(written(tmp_path))
    abp, r_peak = config.types[0].channels
    assert (config.types[0].twin.tick, config.types[0].twin.lateness, config.types[0].twin.seed) == (
        40_000_000,
        5_000_000_000,
        0,
    )
    assert (abp.kind, abp.target, abp.noise, abp.range) == ("sensor", "pressure", 2.0, (-30.0, 300.0))
    assert (r_peak.kind, r_peak.target, r_peak.noise, r_peak.range) == ("input", "r_peak", 0.0, None)
    assert [config.types[0].topic_of(channel, "patient-1") for channel in config.types[0].channels] == [
        "patient-1/abp",
        "patient-1/r_peak",
    ]
    assert config.types[0].trust.checks == {"age": {"degraded": 1.5}}
    assert config.store_path == Path("artery.db")


def test_a_deployment_of_one_is_named_after_itself(tmp_path: Path) -> None:
    assert load(written(tmp_path, ('twins = ["patient-1"]\n', ""))).types[0].twin.twins == ("artery",)


def test_a_sensor_that_says_nothing_of_its_age_is_old_after_the_lateness(tmp_path: Path) -> None:
    assert load(written(tmp_path)).types[0].channels[0].stale == 5_000_000_000
    config = load(written(tmp_path, ("noise = 2.0", 'noise = 2.0\nstale = "2 s"')))
    assert [channel.stale for channel in config.types[0].channels] == [2_000_000_000, None]


@pytest.mark.parametrize(
    ("change", "seconds"),
    [
        (('tick = "40 ms"', 'tick = "40 ms"'), 5),
        (('tick = "40 ms"', 'tick = "1 min"'), 120.2),
        (('tick = "40 ms"', 'tick = "40 ms"\nvalidity = "2 s"'), 2),
    ],
)
def test_an_estimate_counts_until_the_next_is_surely_published(change: Change, seconds: float, tmp_path: Path) -> None:
    assert load(written(tmp_path, change)).types[0].twin.valid_for == round(seconds * 1e9)


def test_a_store_can_be_named_on_the_command_line(tmp_path: Path) -> None:
    config = load(written(tmp_path))
    assert config.stored_at(None) is config
    assert config.stored_at(Path("other.db")).store_path == Path("other.db")


SAME_STATES = {
    "another name": ('name = "artery"', 'name = "other"'),
    "another topic": ("{twin}/abp", "ward/{twin}/abp"),
    "a shorter wait": ('"100 ms"', '"80 ms"'),
    "a longer validity": ('tick = "40 ms"', 'tick = "40 ms"\nvalidity = "1 min"'),
    "the other clock": ('tick = "40 ms"', 'tick = "40 ms"\nclock = "stream"'),
    "another store": ("[trust.checks]", '[store]\npath = "x.db"\n[trust.checks]'),
    "another broker": ("[trust.checks]", '[mqtt]\nbroker = "mqtt://10.0.0.1"\n[trust.checks]'),
    "a sink": ("[trust.checks]", '[sinks.influx]\nurl = "http://127.0.0.1"\n[trust.checks]'),
    "the same tick in seconds": ('"40 ms"', '"0.04 s"'),
    "one more twin": ('["patient-1"]', '["patient-1", "patient-2"]'),
}
OTHER_STATES = {
    "another tick": ('"40 ms"', '"20 ms"'),
    "another seed": ('tick = "40 ms"', 'tick = "40 ms"\nseed = 2'),
    "more noise": ("noise = 2.0", "noise = 2.5"),
    "a narrower range": ("[-30, 300]", "[0, 300]"),
    "more lateness": ('"5 s"', '"6 s"'),
    "another prior": ("[1.5, 0.3]", "[1.5, 0.2]"),
    "a setting of the model": ("[model.priors]", "[model.settings]\nwall = false\n[model.priors]"),
    "another threshold": ("degraded = 1.5", "degraded = 2"),
    "a response": ("[trust.checks]", '[assimilation.divergence]\nresponse = "re-draw"\n[trust.checks]'),
}


def hash_of(folder: Path, *changes: Change) -> str:
    [twin_type] = load(written(folder, *changes)).types
    return twin_type.config_hash


@pytest.mark.parametrize("change", SAME_STATES)
def test_the_hash_does_not_care_where_data_comes_from_and_goes_to(change: str, tmp_path: Path) -> None:
    assert hash_of(tmp_path, SAME_STATES[change]) == hash_of(tmp_path)


@pytest.mark.parametrize("change", OTHER_STATES)
def test_the_hash_changes_with_whatever_changes_the_states(change: str, tmp_path: Path) -> None:
    assert hash_of(tmp_path, OTHER_STATES[change]) != hash_of(tmp_path)


def test_the_hash_depends_on_the_order_of_the_channels(tmp_path: Path) -> None:
    cvp = ("[inputs.r_peak]", '[sensors.cvp]\nunit = "mmHg"\nnoise = 1.0\n[inputs.r_peak]')
    [twin_type] = load(written(tmp_path, cvp)).types
    swapped = twin_type.model_copy(update={"sensors": dict(reversed(twin_type.sensors.items()))})
    assert [channel.name for channel in swapped.channels] == ["cvp", "abp", "r_peak"]
    assert swapped.config_hash != twin_type.config_hash
