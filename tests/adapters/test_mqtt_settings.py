"""The [mqtt] table: what it means, and what it refuses before anything is connected."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from twin_adapters.mqtt_settings import MqttSettings
from twin_runtime.core import SECOND
from twin_runtime.errors import ConfigError


def table(**changes: object) -> MqttSettings:
    return MqttSettings.model_validate({"client_id": "twin", **changes})


@pytest.mark.parametrize(
    ("broker", "meant"),
    [
        ("mqtt://broker", ("broker", 1883, False)),
        ("mqtts://10.0.0.1", ("10.0.0.1", 8883, True)),
        ("mqtt://[::1]:1884/", ("::1", 1884, False)),
    ],
)
def test_a_broker_is_an_address_with_a_scheme(broker: str, meant: tuple[str, int, bool]) -> None:
    read = table(broker=broker)
    assert (read.host, read.port, read.tls) == meant


def test_durations_are_texts_in_the_file_and_nanoseconds_inside() -> None:
    assert table(session_expiry="1 h", keepalive="30 s").session_expiry == 3600 * SECOND
    assert table(keepalive="30 s").keepalive == 30 * SECOND


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"broker": "localhost"}, "expected mqtt://HOST:PORT"),
        ({"broker": "http://localhost"}, "expected mqtt://HOST:PORT"),
        ({"broker": "mqtt://h:99999"}, "Port out of range"),
        ({"broker": "mqtt://user:secret@h"}, "expected mqtt://HOST:PORT"),
        ({"broker": "mqtt://h/path"}, "expected mqtt://HOST:PORT"),
        ({"client_id": ""}, "at least 1 character"),
        ({"protocol": 3}, "Input should be 4 or 5"),
        ({"protocol": "5"}, "Input should be 4 or 5"),
        ({"window": 0}, "greater than or equal to 1"),
        ({"keepalive": "0 s"}, "above zero"),
        ({"keepalive": "1 d"}, "less than or equal to"),
        ({"password_env": "P"}, "a password needs a username"),
        ({"username": "u", "password_env": "P", "password_file": "p"}, "give the password once"),
        ({"broker": "mqtts://h", "cert_file": "c"}, "cert_file and key_file go together"),
        ({"ca_file": "c"}, "need an mqtts:// broker"),
        ({"brokr": "mqtt://h"}, "Extra inputs are not permitted"),
    ],
)
def test_a_mistake_is_reported(wrong: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        table(**wrong)


def test_a_password_comes_from_a_file_or_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("of the file\r\nnot this\n")
    monkeypatch.setenv("TWIN_SECRET", "of the variable")
    assert table().password() is None
    assert table(username="u", password_file=str(tmp_path / "secret")).password() == "of the file"
    assert table(username="u", password_env="TWIN_SECRET").password() == "of the variable"


def test_a_missing_password_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TWIN_SECRET", raising=False)
    with pytest.raises(ConfigError, match=r"mqtt.password_env: no variable TWIN_SECRET; remedy: export TWIN_SECRET"):
        table(username="u", password_env="TWIN_SECRET").password()
    with pytest.raises(ConfigError, match=r"mqtt.password_file: cannot read"):
        table(username="u", password_file=tmp_path / "none").password()


def test_certificates_that_cannot_be_used_are_reported(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for file in ("ca.pem", "none.pem"):
        with pytest.raises(ConfigError, match=r"mqtt: cannot use .*pem: .*remedy: give readable PEM files"):
            table(broker="mqtts://h", ca_file=tmp_path / file).tls_context()


def test_topics_are_asked_for_by_the_patterns_that_are_declared() -> None:
    topics = ("plant/a/t", "plant/+/state", "plant/b/#")
    assert table().subscriptions(topics) == topics
    assert table(subscribe=["plant/#", "weather"]).subscriptions(topics) == ("plant/#", "weather")


@pytest.mark.parametrize("topic", ["hall/a", "plant/a/b", "plant/#", "#"])
def test_a_topic_that_no_pattern_holds_is_reported(topic: str) -> None:
    with pytest.raises(ConfigError, match="expected patterns that hold every topic, got none for '"):
        table(subscribe=["plant/+"]).subscriptions(["plant/a", topic])
