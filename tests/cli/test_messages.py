"""``twin check --sample`` and ``--live``: what each message would become, and why."""

import json
from pathlib import Path

import pytest
from paho.mqtt.publish import single
from typer.testing import CliRunner

from tests.config.files import written
from tests.servers import mosquitto
from twin_runtime.cli import app
from twin_runtime.errors import RecordingError
from twin_runtime.ingest.samples import line_of, message_of, messages_in

STREAM = ('tick = "40 ms"', 'tick = "40 ms"\nclock = "stream"')

SEEN = """\
patient-1/abp {"value": 87.5, "time": "2026-01-05T09:00:00Z"}
patient-1/abp nonsense

{"tst":"2026-01-05T10:00:01.500000+0100","topic":"patient-1/abp","payload":"{\\"value\\": 88, \\"time\\": 1767603601}"}
{"tst":"2026-01-05T10:00:02.500000+0100","topic":"patient-1/abp","payload":{"value": 500, "time": 1767603602}}
other/thing 5
"""


def checked(path: Path, *options: str) -> dict[str, object]:
    result = CliRunner().invoke(app, ["check", str(path), *options, "--json"])
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def test_each_message_of_a_file_is_told_what_it_becomes(tmp_path: Path) -> None:
    sample, path = tmp_path / "seen.txt", written(tmp_path, STREAM)
    sample.write_text(SEEN)
    found = checked(path, "--sample", str(sample))["messages"]
    assert isinstance(found, list)
    short = [(m["code"], m.get("signal"), m.get("value"), m.get("unit"), m.get("time")) for m in found]
    assert short == [
        ("accepted", "patient-1/abp", 87.5, "mmHg", 1_767_603_600 * 10**9),
        ("not-json", None, None, None, None),
        ("accepted", "patient-1/abp", 88.0, "mmHg", 1_767_603_601 * 10**9),
        ("out-of-range", None, None, None, None),
        ("unknown-topic", None, None, None, None),
    ]
    assert found[3]["why"] == "500 mmHg is not between -30 and 300"
    assert found[2]["arrival"] - found[2]["time"] == 500_000_000


def test_messages_alike_are_one_row(tmp_path: Path) -> None:
    sample, path = tmp_path / "seen.txt", written(tmp_path, STREAM)
    sample.write_text("patient-1/abp nonsense\n" * 7)
    output = " ".join(CliRunner().invoke(app, ["check", str(path), "--sample", str(sample)]).stdout.split())
    assert "7 patient-1/abp not-json JSON is malformed: invalid character (byte 4): nonsense" in output
    assert output.endswith("7 not-json")


def test_a_line_that_is_no_message_is_named(tmp_path: Path) -> None:
    sample = tmp_path / "seen.jsonl"
    sample.write_text('a/b 1\n{"topic": "a"}\n')
    result = CliRunner().invoke(app, ["check", str(written(tmp_path)), "--sample", str(sample)])
    assert result.exit_code == 2
    assert "seen.jsonl, line 2: expected a message" in result.stderr
    assert "mosquitto_sub -v" in result.stderr


def test_a_line_keeps_a_message_whatever_its_bytes(tmp_path: Path) -> None:
    sample = tmp_path / "seen.jsonl"
    sample.write_bytes(b"a/b \xff\xfe1\n")
    [message] = messages_in(sample)
    assert message.payload == b"\xff\xfe1"
    exact = message._replace(arrival=1_767_603_600_123_456_000)
    assert message_of(line_of(exact), 0) == exact


def test_a_line_ends_where_its_writer_ended_it(tmp_path: Path) -> None:
    sample = tmp_path / "seen.txt"
    payloads = "1\u20282", "1\x0b\x1c\x852", "1\r2"
    sample.write_bytes("".join(f"a/b {payload}\r\n" for payload in payloads).encode())
    assert [message.payload.decode() for message in messages_in(sample)] == list(payloads)


@pytest.mark.parametrize("text", ['{"payload":' + "[" * 100_000, "{}", '{"topic":"a","payload":1,"tst":"now"}', '{"a'])
def test_a_line_that_is_no_message_is_reported_with_its_place(tmp_path: Path, text: str) -> None:
    sample = tmp_path / "seen.jsonl"
    sample.write_text(f"a/b 1\n{text}\n")
    with pytest.raises(RecordingError, match=r"seen.jsonl, line 2: expected a message, got .*; remedy: a line a"):
        list(messages_in(sample))


def test_what_arrives_is_told_likewise_and_nothing_is_taken_from_a_run(tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker") as broker:
        table = f'[mqtt]\nbroker = "mqtt://127.0.0.1:{broker.port}"\nclient_id = "run"\n[trust.checks]'
        path = written(tmp_path, ("[trust.checks]", table), STREAM)
        single("patient-1/abp", '{"value": 90, "time": 1767603600}', 1, retain=True, port=broker.port)
        found = checked(path, "--live", "500 ms")["messages"]
        assert isinstance(found, list)
        assert [(m["signal"], m["value"]) for m in found] == [("patient-1/abp", 90.0)]
        log = broker.log.read_text()
    assert "as run " not in log
