"""What messages are taken for that come on a topic: payloads as the senders' own documentation shows them."""

import json

import pytest

from tests.ingest.test_payloads import ARRIVAL, CHIRPSTACK, PIOREACTOR, SENML, SHELLY, TASMOTA, TELEGRAF
from twin_adapters.discovery.groups import grouped
from twin_adapters.discovery.guess import guess
from twin_adapters.discovery.traffic import Traffic
from twin_runtime.core import SECOND, Message

ISO = {"temperature": 21.4, "battery": 97, "linkquality": 90, "last_seen": "2026-01-05T10:00:00+01:00"}

CASES = {
    "tasmota": ("tele/hall/SENSOR", TASMOTA, "iso", {"AM2301.Temperature": "degC", "AM2301.Humidity": "percent"}),
    "zigbee2mqtt": ("zigbee2mqtt/hall", ISO, "iso", {"temperature": "degC", "battery": "percent"}),
    "shelly": (
        "plug/status/switch:0",
        SHELLY,
        "",
        {"apower": "W", "temperature.tC": "degC", "temperature.tF": "degF"},
    ),
    "thingsboard": (
        "any/topic",
        {"ts": 1767603600000, "values": {"temperature": 21.4, "x": 1.2}},
        "ms",
        {"temperature": "degC", "x": None},
    ),
    "homeassistant": ("homeassistant/sensor/power/state", b"21.4", "", {"": None}),
    "telegraf": ("telegraf", TELEGRAF, "s", {"t": "degC"}),
    "influx": ("telegraf", b"m,host=a t=21.4,p=3i 1767603600000000000", "ns", {"t": "degC", "p": None}),
    "senml": ("senml", SENML, "ns", {"dev1/t": "mmHg", "dev1/p": "Pa"}),
    "chirpstack": ("application/1/device/aa/event/up", CHIRPSTACK, "iso", {"t": "degC"}),
    "pioreactor": ("pioreactor/u1/e/od_reading/od/1", PIOREACTOR, "iso", {"od": None, "angle": None, "channel": None}),
    "native": ("bed/abp", {"value": 88, "time": 1767603600, "unit": "kPa"}, "", {"": "kPa"}),
    "json": (
        "plc/1",
        {"measured_at": 1767603600123456, "d": {"flow.in": 3.2, "ok": True, "name": "x"}, "minute_ts": 1767603600},
        "us",
        {"/d/flow.in": "L/min"},
    ),
    "csv": ("plc/1", b"1767603600,192,21.4", "s", {"1": None, "2": None}),
}


def message(topic: str, payload: object, arrival: int = ARRIVAL) -> Message:
    return Message(topic, payload if isinstance(payload, bytes) else json.dumps(payload).encode(), arrival)


@pytest.mark.parametrize("kind", CASES)
def test_the_sender_is_known_by_its_topic_or_by_what_its_messages_hold(kind: str) -> None:
    topic, payload, unit, values = CASES[kind]
    found = guess(topic, [message(topic, payload)])
    assert found is not None
    assert (found.kind or "native", found.clock.unit) == (kind, unit)
    assert {value.path: value.unit for value in found.values} == values


def test_local_times_tell_their_distance_from_utc() -> None:
    found = guess("tele/hall/SENSOR", [message("tele/hall/SENSOR", TASMOTA)])
    assert found is not None
    assert found.own == {"zone": "Etc/GMT-1"}
    assert found.clock.age == 5 * SECOND


def test_a_unit_of_time_that_is_not_the_profiles_is_declared() -> None:
    found = guess(
        "v1/devices/me/telemetry", [message("v1/devices/me/telemetry", {"ts": 1767603600, "values": {"t": 1}})]
    )
    assert found is not None
    assert (found.kind, found.own) == ("thingsboard", {"time_unit": "s"})


@pytest.mark.parametrize("payload", [b"", b"hello", b"\xff\xfe", b"[]", b'{"a": "b"}', b"[" * 50_000, b"null"])
def test_messages_without_numbers_are_taken_for_nothing(payload: bytes) -> None:
    assert guess("a/b", [message("a/b", payload)]) is None


def test_a_time_long_past_is_no_time() -> None:
    found = guess("a", [message("a", {"ts": 1_600_000_000, "v": 1})])
    assert found is not None
    assert not found.clock.found


class TestGroups:
    def test_topics_that_differ_in_one_level_are_twins(self) -> None:
        traffic = Traffic()
        traffic.take(message(f"hall/{name}/state", {"t": 20, "ts": 1767603600}) for name in ("a", "b", "c"))
        [group] = grouped(list(traffic.topics.values()))
        assert (group.template, group.twins) == ("hall/{twin}/state", ("a", "b", "c"))

    def test_topics_of_other_values_are_others(self) -> None:
        traffic = Traffic()
        traffic.take([message("hall/a/state", {"t": 20}), message("hall/b/state", {"p": 20})])
        assert [group.topics for group in grouped(list(traffic.topics.values()))] == [
            ("hall/a/state",),
            ("hall/b/state",),
        ]

    def test_native_channels_of_twins_stand_apart(self) -> None:
        traffic = Traffic()
        traffic.take(message(f"{bed}/{signal}", 5) for bed in ("p1", "p2") for signal in ("abp", "cvp"))
        templates = [group.template for group in grouped(list(traffic.topics.values()))]
        assert templates == ["{twin}/abp", "{twin}/cvp"]


def test_retained_messages_say_nothing_of_the_rate() -> None:
    traffic = Traffic()
    traffic.take([message("a", 1)._replace(retained=True)])
    traffic.take(message("a", 1, ARRIVAL + second * SECOND) for second in range(10, 15))
    assert traffic.topics["a"].rate == 1.0
