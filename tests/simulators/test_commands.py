"""``twin simulate``, as a person calls it."""

import asyncio
import json
import re
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import aiomqtt
import pytest
from typer.testing import CliRunner, Result

from twin_runtime.cli import app
from twin_simulators.broker import embedded_broker

CONFIG = """
[twin]
name = "ward"
model = "artery"
twins = ["bed-3", "bed-4"]
tick = "40 ms"
[sensors.abp]
topic = "hospital/{twin}/art"
unit = "mmHg"
noise = 2.0
[mqtt]
protocol = 4
"""


def simulate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["simulate", *arguments])


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "ward.toml"
    path.write_text(CONFIG)
    return path


async def test_a_patient_is_published_where_the_configuration_wants_it(config: Path, tmp_path: Path) -> None:
    truth, start = tmp_path / "truth.json", "2020-01-01T00:00:00Z"
    async with embedded_broker() as address:
        parts = urlsplit(address)
        async with aiomqtt.Client(parts.hostname or "", parts.port or 0) as client:
            await client.subscribe("#", qos=1)
            options = ("--config", str(config), "--broker", address, "--for", "2 s", "--speed", "0", "--start", start)
            faults = ("--fault", "loss,share=0.1", "--set", "resistance=1.2", "--truth", str(truth))
            result = await asyncio.to_thread(simulate, "patient", *options, *faults)
            received = [await anext(client.messages) for _ in range(len(client.messages))]
    assert result.exit_code == 0, result.output
    assert Counter(str(message.topic) for message in received).keys() == {"hospital/bed-3/art"}
    assert 200 < len(received) < 250
    assert json.loads(bytes(received[0].payload))["time"] // 10**9 == 1_577_836_800
    assert json.loads(truth.read_text())["values"]["resistance"][0] == 1.2
    assert "loss" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["patiant"], "did you mean patient"),
        (["patient", "--fault", "los,share=0.1"], "fault 'los,share=0.1'"),
        (["patient", "--set", "resistence=1"], "did you mean resistance"),
        (["patient", "--for", "soon"], "expected a duration"),
        (["patient", "--start", "today"], "expected a time"),
        (["patient", "--truth", "truth.xls"], "only as .csv or .json"),
        (["patient", "--broker", "127.0.0.1"], "mqtt://"),
        (["patient", "--broker", "mqtt://127.0.0.1:1"], "start the broker"),
    ],
)
def test_a_mistake_ends_with_one_message_and_a_remedy(arguments: list[str], message: str) -> None:
    result = simulate(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


def test_the_help_teaches_every_fault() -> None:
    text = simulate("--help").output
    for kind in (
        "noise",
        "bias",
        "spikes",
        "stuck",
        "dropout",
        "outage",
        "jitter",
        "drift",
        "loss",
        "delay",
        "duplicates",
    ):
        assert kind in text


def test_of_several_types_the_twin_must_be_known(tmp_path: Path) -> None:
    path = tmp_path / "hospital.toml"
    path.write_text(
        '[deployment]\nname = "hospital"\n\n'
        + "".join(
            f'[types.{name}.twin]\nmodel = "lorenz63"\ntwins = ["{name}-1"]\ntick = "50 ms"\n\n'
            for name in ("air", "sea")
        )
    )
    result = CliRunner().invoke(app, ["simulate", "patient", "--config", str(path), "--twin", "sea-2"])
    assert result.exit_code == 2
    assert "there is no twin 'sea-2'" in result.stderr
    assert "did you mean sea-1" in result.stderr


def test_a_recording_is_written_in_place_of_publishing(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "run.csv"
    measured = '[sensors.abp]\nobserves = "pressure"', '[inputs.r_peak]\nunit = "1"\n\n[mqtt]'
    config.write_text(CONFIG.replace("[sensors.abp]", measured[0]).replace("[mqtt]", measured[1]))
    options = ("--config", str(config), "--for", "2 s", "--start", "2020-01-01T00:00:00Z", "--out", str(out))
    result = simulate("patient", *options, "--fault", "abp:noise,sd=2")
    assert result.exit_code == 0, result.output
    assert re.search(r"run\.recording\.toml: 25\d readings of 2 signals", result.output)
    assert out.read_text().splitlines()[1].startswith("1577836800000000000,")
    again = simulate("patient", *options)
    assert (again.exit_code, "run.csv: is there already; remedy: name another file" in again.output) == (2, True)
    alone = simulate("patient", "--out", str(tmp_path / "other.csv"))
    assert "a recording has the units of a configuration; remedy: give --config, too" in alone.output
