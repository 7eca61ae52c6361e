"""A secret stands in no output, wherever a user wrote it, and goes over an open line only where that is allowed."""

import asyncio
import logging
import subprocess
import sys
from http.server import HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from tests.adapters.certificates import authority, openssl
from tests.adapters.test_influx import Refusing
from tests.adapters.test_influx import settings as influx
from tests.config.files import written
from tests.servers import Server, free_port
from twin_adapters.addresses import is_loopback, warn_of_clear_text
from twin_adapters.influx import InfluxSink
from twin_adapters.mqtt import MqttSource
from twin_adapters.mqtt_connection import Connection
from twin_adapters.mqtt_settings import MqttSettings
from twin_runtime.cli import app
from twin_runtime.cli.run import _without_credentials
from twin_runtime.config import load
from twin_runtime.errors import ConfigError, ConnectionFailed, TwinError, without_credentials
from twin_runtime.testing import SINK_IDENTITY, some_estimates

MARKER = "hUnter2mArker"

MQTT = '[mqtt]\nclient_id = "t"\n'
INFLUX = '[sinks.influx]\norg = "o"\nbucket = "b"\n'
OPCUA = '[opcua]\nserver = "opc.tcp://127.0.0.1"\n'
MISPLACED = {
    "in the broker's address": f'{MQTT}broker = "mqtt://user:{MARKER}@h"',
    "in the broker's address, TLS": f'{MQTT}broker = "mqtts://user:{MARKER}@h:8883"',
    "as the user": f'{MQTT}broker = "mqtt://{MARKER}@h"',
    "as the port": f'{MQTT}broker = "mqtt://user:{MARKER}"',
    "with a slash": f'{MQTT}broker = "mqtt://user:{MARKER}/{MARKER}@h"',
    "with a space": f'{MQTT}broker = "mqtt://user:a {MARKER} b@h"',
    "with a bracket": f'{MQTT}broker = "mqtt://user:[{MARKER}@h"',
    "with an at sign": f'{MQTT}broker = "mqtt://user:a@{MARKER}@h"',
    "in the broker's query": f'{MQTT}broker = "mqtt://h?password={MARKER}"',
    "in a list of brokers": f'{MQTT}broker = ["mqtt://user:{MARKER}@h"]',
    "under another scheme": f'{MQTT}broker = "tcp://user:{MARKER}@h"',
    "as a password": f'{MQTT}username = "u"\npassword = "{MARKER}"',
    "in place of its variable": f'{MQTT}username = "u"\npassword_env = "{MARKER}"',
    "in place of its file": f'{MQTT}username = "u"\npassword_file = "{MARKER}"',
    "in a list of variables": f'{MQTT}username = "u"\npassword_env = ["{MARKER}"]',
    "in a list of files": f'{MQTT}username = "u"\npassword_file = ["{MARKER}"]',
    "beside another mistake": f'[mqtt]\nbroker = "mqtt://user:{MARKER}@h"\nwindow = 0',
    "in a sink's broker": f'{MQTT}[sinks.mqtt]\nbroker = "mqtt://user:{MARKER}@h"',
    "in the database's address": f'{INFLUX}url = "http://user:{MARKER}@h"',
    "in the database's query": f'{INFLUX}url = "http://127.0.0.1?token={MARKER}"',
    "in the database's fragment": f'{INFLUX}url = "http://127.0.0.1#{MARKER}"',
    "with the database's scheme wrong": f'{INFLUX}url = "tcp://user:{MARKER}@h"',
    "as a token": f'{INFLUX}url = "http://127.0.0.1"\ntoken = "{MARKER}"',
    "in place of the token's variable": f'{INFLUX}url = "http://127.0.0.1"\ntoken_env = "{MARKER}"',
    "in the server's address": f'[opcua]\nserver = "opc.tcp://user:{MARKER}@h"',
    "in the address of one of several": f'[opcua.press]\nserver = "opc.tcp://user:{MARKER}@h"',
    "in the server's query": f'[opcua]\nserver = "opc.tcp://h?{MARKER}"',
    "in a list of servers": f'[opcua]\nserver = ["opc.tcp://user:{MARKER}@h"]',
    "as a password of a server": f'{OPCUA}username = "u"\npassword = "{MARKER}"',
    "in place of its variable, of a server": f'{OPCUA}username = "u"\npassword_env = "{MARKER}"',
    "in place of its file, of a server": f'{OPCUA}username = "u"\npassword_file = "{MARKER}"',
    "in the address of the edge nodes' broker": f'[sparkplug]\nclient_id = "s"\nbroker = "mqtt://u:{MARKER}@h"',
    "in a list of tokens": f'{INFLUX}url = "http://127.0.0.1"\ntoken_env = ["{MARKER}"]',
}


def configured(folder: Path, tables: str) -> Path:
    return written(folder, ("[trust.checks]", f"{tables}\n[trust.checks]"))


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("tables", MISPLACED.values(), ids=MISPLACED.keys())
def test_a_secret_that_stands_where_it_should_not_is_refused_and_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, tables: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = configured(tmp_path, tables)
    result = CliRunner().invoke(app, [command, str(path)])
    assert result.exit_code == 2
    assert MARKER not in result.output
    assert "artery.toml:" in result.stderr
    assert [file for file in tmp_path.iterdir() if MARKER.encode() in file.read_bytes()] == [path]
    assert MARKER not in repr(load(path))


@pytest.mark.parametrize("address", [f"mqtt://user:{MARKER}@h", f"mqtt://user:{MARKER}", f"mqtt://h?{MARKER}"])
def test_an_address_of_the_command_line_is_not_repeated(address: str) -> None:
    result = CliRunner().invoke(app, ["simulate", "patient", "--broker", address])
    assert result.exit_code == 2
    assert "--broker" in result.stderr
    assert MARKER not in result.output


def test_an_error_made_in_code_does_not_repeat_what_it_was_given() -> None:
    for table in ({"broker": f"mqtt://u:{MARKER}@h"}, {"broker": 3, "username": [MARKER]}):
        with pytest.raises(ValidationError) as caught:
            MqttSettings.model_validate({"client_id": "t", **table})
        assert MARKER not in str(caught.value)
    with pytest.raises(ValidationError) as refused:
        influx(1, url=f"http://u:{MARKER}@h")
    assert MARKER not in str(refused.value)


def test_errors_and_log_lines_of_others_lose_their_credentials() -> None:
    error = TwinError(f"no https://u:{MARKER}@h/x", where=f"amqp://u:p@{MARKER}@h", remedy=f"try http://{MARKER}@h")
    record = logging.LogRecord("lib", logging.INFO, "", 0, "connecting to %s", (f"nats://u:{MARKER}@h:1",), None)
    assert _without_credentials(record)
    assert MARKER not in f"{error} {error.what} {error.where} {error.remedy} {record.getMessage()}"
    assert record.getMessage() == "connecting to nats://***@h:1"
    assert without_credentials("mqtt://h: mail me@home") == "mqtt://h: mail me@home"


async def test_a_password_stands_in_no_error_of_a_connection(
    broker: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("TWIN_SECRET", MARKER)
    table = {"client_id": "t", "username": "u", "password_env": "TWIN_SECRET"}
    nobody = MqttSettings.model_validate({**table, "broker": f"mqtt://127.0.0.1:{free_port()}"})
    with pytest.raises(ConnectionFailed) as caught:
        await MqttSource(nobody, ["#"]).__aenter__()
    known = MqttSettings.model_validate({**table, "broker": f"mqtt://127.0.0.1:{broker.port}"})
    async with MqttSource(known, ["#"]) as source:
        assert MARKER not in f"{source!r} {source.settings!r} {vars(source)}"
    assert MARKER not in f"{caught.value!r} {nobody!r} {caplog.text}"


def test_a_run_leaves_no_secret_in_its_store_its_log_or_its_summary(
    broker: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWIN_SECRET", MARKER)
    source = f'{MQTT}broker = "mqtt://127.0.0.1:{broker.port}"\nusername = "u"\npassword_env = "TWIN_SECRET"\n'
    sinks = f'[sinks.mqtt]\n{INFLUX}url = "http://127.0.0.1:{free_port()}"\ntoken_env = "TWIN_SECRET"'
    path = configured(tmp_path, f"{source}{sinks}")
    run = [sys.executable, "-c", "from twin_runtime.cli import main; main()", "run", str(path), "--log-level", "debug"]
    ran = subprocess.run([*run, "--idle", "0.5 s"], capture_output=True, check=True)
    shown = CliRunner().invoke(app, ["show", "artery.db"])
    assert b"connected to mqtt://" in ran.stderr
    assert (tmp_path / "artery.db").exists()
    assert MARKER.encode() not in ran.stdout + ran.stderr + shown.output.encode()
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and MARKER.encode() in file.read_bytes()]


def test_a_key_with_a_password_is_refused_and_asks_nothing_on_the_terminal(tmp_path: Path) -> None:
    ca = authority(tmp_path)
    openssl(tmp_path, "ec", "-in", "ca.key", "-aes256", "-passout", f"pass:{MARKER}", "-out", "locked.key")
    locked = {"client_id": "t", "broker": "mqtts://h", "cert_file": str(ca), "key_file": str(tmp_path / "locked.key")}
    with pytest.raises(ConfigError, match=r"cannot use .*locked.key: .*remedy: give readable PEM files"):
        MqttSettings.model_validate(locked).tls_context()


async def test_a_token_that_the_database_repeats_is_not_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIN_TOKEN", "as you asked")
    with pytest.raises(ConfigError, match="TWIN_TOKEN holds no token"):
        await InfluxSink(influx(1, token_env="TWIN_TOKEN"), SINK_IDENTITY).__aenter__()
    monkeypatch.setenv("TWIN_TOKEN", "asked\n")  # the newline of a file; the server answers "as you asked"
    server = HTTPServer(("127.0.0.1", 0), Refusing)
    Thread(target=server.serve_forever, args=(0.01,)).start()
    try:
        refused = influx(0, url=f"http://127.0.0.1:{server.server_port}/401", token_env="TWIN_TOKEN")
        async with InfluxSink(refused, SINK_IDENTITY) as sink:
            with pytest.raises(ConnectionFailed, match=r"HTTP 401: as you \*\*\*"):
                await sink.send(some_estimates(1))
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()


@pytest.mark.parametrize("token", ["", " ", f"{MARKER}\n{MARKER}", f"{MARKER} x", f"{MARKER}é", f"{MARKER}\x07"])
def test_a_token_that_no_header_can_hold_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("TWIN_TOKEN", token)
    with pytest.raises(ConfigError, match=r"holds no token; remedy: give the token alone") as caught:
        influx(1, token_env="TWIN_TOKEN").token()
    assert MARKER not in str(caught.value)


PASSWORD = f'{MQTT}username = "u"\npassword_env = "TWIN_SECRET"\n'
TOKEN = f'{INFLUX}token_env = "TWIN_SECRET"\n'


@pytest.mark.parametrize(
    ("tables", "refusal"),
    [
        (f'{PASSWORD}broker = "mqtt://broker.ward"', "the password for mqtt://broker.ward could be read"),
        (f'{PASSWORD}broker = "mqtt://10.0.0.1:1884"', "use mqtts://, or set insecure = true"),
        (f'{TOKEN}url = "http://db.ward:8086"', "the token for http://db.ward:8086 could be read"),
        (f'{TOKEN}url = "http://[2001:db8::1]:8086"', "use https://, or set insecure = true"),
        (f'{PASSWORD}broker = "mqtt://broker.ward"\ninsecure = true', ""),
        (f'{TOKEN}url = "http://db.ward"\ninsecure = true', ""),
        (f'{PASSWORD}broker = "mqtts://broker.ward"', ""),
        (f'{TOKEN}url = "https://db.ward"', ""),
        (f'{PASSWORD}broker = "mqtt://localhost"', ""),
        (f'{TOKEN}url = "http://[::1]:8086"', ""),
        (f'{MQTT}broker = "mqtt://broker.ward"', ""),
        (f'{INFLUX}url = "http://db.ward"', ""),
    ],
)
def test_a_secret_over_an_open_line_to_another_machine_is_refused_unless_it_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tables: str, refusal: str
) -> None:
    monkeypatch.setenv("TWIN_SECRET", MARKER)
    result = CliRunner().invoke(app, ["check", str(configured(tmp_path, tables))])
    assert result.exit_code == (2 if refusal else 0), result.output
    assert refusal in " ".join(result.stderr.split())
    assert MARKER not in result.output


def test_an_allowed_secret_over_an_open_line_is_warned_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    warn_of_clear_text.cache_clear()
    monkeypatch.setenv("TWIN_SECRET", MARKER)
    table = {"client_id": "t", "username": "u", "password_env": "TWIN_SECRET", "insecure": True}
    for broker in ("mqtt://127.0.0.1", "mqtt://broker.ward", "mqtt://broker.ward"):
        asyncio.run(_made(MqttSettings.model_validate({**table, "broker": broker})))
    [warning] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warning == "mqtt://broker.ward: the password goes there in the clear, as insecure = true allows"


async def _made(settings: MqttSettings) -> None:
    Connection(settings, resume=False)


@pytest.mark.parametrize(
    ("host", "stays"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("LocalHost", True),
        ("localhost.evil.example", False),
        ("127.0.0.1.example", False),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_only(host: str, stays: bool) -> None:
    assert is_loopback(host) is stays
