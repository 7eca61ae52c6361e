"""The tables of sources and sinks are checked by the adapters themselves, and reported like everything else."""

from pathlib import Path

import pytest

from tests.config.files import written
from tests.packages import install
from twin_runtime.config import load
from twin_runtime.config.adapters import Adapters, adapters
from twin_runtime.errors import ConfigError

POINTS = """\
[twin_runtime.sinks]
paper = tinkering_paper:Printer
smoke = tinkering_smoke:Signal
"""
PRINTER = """
from pydantic import BaseModel, ConfigDict, Field

class Paper(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    width: int = Field(gt=0, description="the width of the paper in mm", examples=[210])
    colour: str = "white"
    secret_file: str | None = None
    token_env: str | None = None

class Printer:
    def __init__(self, settings: Paper, identity: object) -> None:
        self.settings, self.identity = settings, identity
"""
MODULES = {"tinkering_paper": PRINTER, "tinkering_smoke": "raise ModuleNotFoundError('no', name='influxdb_client')\n"}


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(install(tmp_path / "site", POINTS, MODULES)))


def found(folder: Path, tables: str) -> Adapters:
    return adapters(load(written(folder, ("[trust.checks]", f"{tables}\n[trust.checks]"))))


def complaint(folder: Path, tables: str) -> str:
    with pytest.raises(ConfigError) as caught:
        found(folder, tables)
    return str(caught.value)


def test_a_deployment_may_have_no_adapters_at_all(tmp_path: Path) -> None:
    assert found(tmp_path, "") == Adapters({}, {})


def test_a_sink_gets_its_own_table(tmp_path: Path) -> None:
    sink = found(tmp_path, "[sinks.paper]\nwidth = 297").sinks["paper"]
    assert sink.settings.model_dump() == {"width": 297, "colour": "white", "secret_file": None, "token_env": None}


def test_the_broker_gets_its_own_table(tmp_path: Path) -> None:
    source = found(tmp_path, '[mqtt]\nbroker = "mqtt://10.0.0.1"\nclient_id = "t"').sources["mqtt"]
    assert getattr(source.settings, "port", None) == 1883


MISTAKES = {
    "[sinks.papr]": ("artery.toml:22: sinks.papr: expected the name of a sink, got 'papr'", "did you mean paper?"),
    "[sinks.paper]": (
        "artery.toml:22: sinks.paper.width: expected, but missing",
        "give the width of the paper in mm: width = 210",
    ),
    "[sinks.paper]\nwidth = 0": (
        "artery.toml:23: sinks.paper.width: expected more than 0, got 0",
        "give the width of the paper in mm: width = 210",
    ),
    "[sinks.paper]\nwidth = 1\ncolor = 'red'": (
        "artery.toml:24: sinks.paper.color: unknown key",
        "did you mean colour?",
    ),
    "[sinks.paper]\nwidth = 1\nsecret_file = 'no.txt'": (
        "artery.toml:24: sinks.paper.secret_file: expected a file that can be read, got 'no.txt' (looked for /",
        "create it, or mend the path or its permissions",
    ),
    "[sinks.paper]\nwidth = 1\ntoken_env = 'TWIN_NO_TOKEN'": (
        "artery.toml:24: sinks.paper.token_env: expected the name of a variable of the environment, but 'TWIN_NO_",
        "export TWIN_NO_TOKEN=... before the start",
    ),
    "[sinks.smoke]": (
        "artery.toml:22: sinks.smoke: 'smoke' needs the Python package 'influxdb_client'",
        'pip install "twin-runtime[influx]"',
    ),
    "[mqtt]\nbroker = 'http://x'\nclient_id = 't'": (
        "artery.toml:23: mqtt.broker: expected mqtt://HOST:PORT or mqtts://HOST:PORT",
        "",
    ),
    "[mqtt]\nclient_id = 't'\nusername = 'u'\npassword_file = '/no/where'": (
        "artery.toml:25: mqtt.password_file: expected a file that can be read, got '/no/where'",
        "create it",
    ),
}


@pytest.mark.parametrize("tables", MISTAKES)
def test_every_mistake_in_an_adapters_table_is_reported_with_its_remedy(tables: str, tmp_path: Path) -> None:
    reported, remedy = MISTAKES[tables]
    message = complaint(tmp_path, tables)
    assert reported in message
    assert remedy in message.partition("; remedy: ")[2]


def test_estimates_go_back_over_the_same_broker_unless_another_is_named(tmp_path: Path) -> None:
    tables = '[mqtt]\nbroker = "mqtt://10.0.0.1:1884"\nclient_id = "t"\n[sinks.mqtt]\ntopic = "{twin}/out"'
    same = found(tmp_path, tables).sinks["mqtt"].settings.model_dump()
    assert (same["broker"], same["client_id"], same["topic"]) == ("mqtt://10.0.0.1:1884", "t", "{twin}/out")
    other = found(tmp_path, f'{tables}\nbroker = "mqtt://10.0.0.2"').sinks["mqtt"].settings.model_dump()
    assert other["broker"] == "mqtt://10.0.0.2"


def test_mistakes_of_all_adapters_are_reported_at_once(tmp_path: Path) -> None:
    reported = complaint(tmp_path, "[mqtt]\nport = 1883\n[sinks.paper]\nwidth = 0")
    assert {line.split(": ")[1] for line in reported.splitlines()} >= {
        "mqtt.port",
        "mqtt.client_id",
        "sinks.paper.width",
    }


def test_a_secret_that_is_there_is_not_complained_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush", "utf-8")
    monkeypatch.setenv("TWIN_SOME_TOKEN", "hush")
    table = f"[sinks.paper]\nwidth = 1\nsecret_file = '{secret}'\ntoken_env = 'TWIN_SOME_TOKEN'"
    assert found(tmp_path, table).sinks.keys() == {"paper"}


def test_a_live_run_without_a_source_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a live run needs a source; remedy: add \\[mqtt\\]"):
        found(tmp_path, "").open_source(["a"])
