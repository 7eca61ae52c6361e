"""Payloads as their senders' documentation shows them, read by a few lines of a deployment's file."""

import json
from pathlib import Path

import pytest

from twin_runtime.config import load
from twin_runtime.core import SECOND, Code, Entry, Message
from twin_runtime.errors import ConfigError
from twin_runtime.runs.assembly import assemble

ARRIVAL = 1_767_603_605 * SECOND
"""2026-01-05T09:00:05Z."""
STAMPED = 1_767_603_600 * SECOND
"""2026-01-05T09:00:00Z, when the values were measured, of those that say so."""

HEADER = """
[twin]
name = "room"
model = "windkessel"
tick = "1 s"
twins = ["dev1", "dev2"]
"""


def channel(topic: str, payload: str, value: str = "", unit: str = "mmHg", more: str = "") -> str:
    return (
        f'[sensors.t]\nobserves = "pressure"\nunit = "{unit}"\nnoise = 1.0\n'
        f'topic = "{topic}"\npayload = "{payload}"\nvalue = "{value}"\n{more}\n'
    )


def entries(folder: Path, tables: str, topic: str, *payloads: object) -> list[Entry]:
    """What becomes of some messages, in a deployment with these tables."""
    path = folder / "room.toml"
    path.write_text(HEADER + tables + '[inputs.flow]\nunit = "mL/s"\n')
    router = assemble(load(path)).router()
    messages = (Message(topic, p if isinstance(p, bytes) else json.dumps(p).encode(), ARRIVAL) for p in payloads)
    return [entry for message in messages for entry in router.read(message)]


def read(folder: Path, tables: str, topic: str, *payloads: object) -> list[tuple[int, float, int]]:
    """(twin, value in the sender's unit, time in s after the stamped moment) of readings that are all accepted."""
    found = entries(folder, tables, topic, *payloads)
    assert [entry.code for entry in found] == [Code.ACCEPTED] * len(found), [entry.detail for entry in found]
    readings = [entry.reading for entry in found if entry.reading is not None]
    return [(r.twin, round(r.value, 9), (r.time - STAMPED) // SECOND) for r in readings]


BERLIN = '[payloads.berlin]\nextends = "tasmota"\nzone = "Europe/Berlin"\n'
TASMOTA = {"Time": "2026-01-05T10:00:00", "AM2301": {"Temperature": 21.4, "Humidity": 40.1}, "TempUnit": "C"}
SHELLY = {"id": 0, "apower": 12.3, "temperature": {"tC": 41.2, "tF": 106.1}, "aenergy": {"minute_ts": 1767603600}}
TELEGRAF = {"name": "m", "tags": {"host": "dev2"}, "fields": {"t": 21.4}, "timestamp": 1767603600}
SENML = [
    {"bn": "dev1/", "bt": 1.767603600e9, "n": "t", "u": "mmHg", "v": 21.4},
    {"n": "p", "t": -1, "u": "Pa", "v": 101300},
]
CHIRPSTACK = {"time": "2026-01-05T09:00:00.000Z", "fCnt": 7, "deviceInfo": {"devEui": "aa"}, "object": {"t": 21.4}}
PIOREACTOR = {"od": 0.31, "timestamp": "2026-01-05T09:00:00.000000Z", "angle": "90", "channel": "1"}

CASES = {
    "tasmota": (
        channel("tele/{twin}/SENSOR", "berlin", "AM2301.Temperature") + BERLIN,
        "tele/dev1/SENSOR",
        TASMOTA,
        [(0, 21.4, 0)],
    ),
    "zigbee2mqtt, ISO": (
        channel("zigbee2mqtt/{twin}", "zigbee2mqtt", "temperature"),
        "zigbee2mqtt/dev2",
        {"temperature": 21.4, "humidity": 40.1, "battery": 97, "last_seen": "2026-01-05T10:00:00+01:00"},
        [(1, 21.4, 0)],
    ),
    "zigbee2mqtt, ms": (
        channel("zigbee2mqtt/{twin}", "zigbee2mqtt", "temperature"),
        "zigbee2mqtt/dev1",
        {"temperature": 21.4, "last_seen": 1767603600000},
        [(0, 21.4, 0)],
    ),
    "zigbee2mqtt, by default without a time": (
        channel("zigbee2mqtt/{twin}", "zigbee2mqtt", "temperature"),
        "zigbee2mqtt/dev1",
        {"temperature": 21.4},
        [(0, 21.4, 5)],
    ),
    "shelly": (
        channel("{twin}/status/switch:0", "shelly", "temperature.tC"),
        "dev1/status/switch:0",
        SHELLY,
        [(0, 41.2, 5)],
    ),
    "thingsboard": (
        channel("v1/devices/{twin}/telemetry", "thingsboard", "t"),
        "v1/devices/dev1/telemetry",
        {"ts": 1767603600000, "values": {"t": 21.4, "p": 1.2}},
        [(0, 21.4, 0)],
    ),
    "thingsboard, several times": (
        channel("v1/devices/{twin}/telemetry", "thingsboard", "t"),
        "v1/devices/dev1/telemetry",
        [{"ts": 1767603600000, "values": {"t": 21.4}}, {"ts": 1767603602000, "values": {"t": 21.5, "p": 1}}],
        [(0, 21.4, 0), (0, 21.5, 2)],
    ),
    "thingsboard, bare": (
        channel("v1/devices/{twin}/telemetry", "thingsboard", "t"),
        "v1/devices/dev1/telemetry",
        {"t": 21.4},
        [(0, 21.4, 5)],
    ),
    "home assistant": (
        channel("homeassistant/sensor/{twin}/state", "homeassistant"),
        "homeassistant/sensor/dev2/state",
        b"21.4",
        [(1, 21.4, 5)],
    ),
    "telegraf": (
        channel("telegraf", "telegraf", "t", more='where = { name = "m", "tags.host" = "{twin}" }'),
        "telegraf",
        TELEGRAF,
        [(1, 21.4, 0)],
    ),
    "telegraf, in batches and ms": (
        channel("telegraf", "telegraf", "t", more='where = { "tags.host" = "{twin}" }'),
        "telegraf",
        {"metrics": [TELEGRAF, TELEGRAF | {"timestamp": 1767603601000, "tags": {"host": "dev1"}}]},
        [(1, 21.4, 0), (0, 21.4, 1)],
    ),
    "line protocol": (
        channel("telegraf/{twin}", "influx", "p", more='where = { measurement = "m" }'),
        "telegraf/dev1",
        b"m,host=a t=21.4,p=3i 1767603600000000000\nother p=4i 1767603600000000000\nm p=5i 1767603601000000000\n",
        [(0, 3.0, 0), (0, 5.0, 1)],
    ),
    "senml": (channel("senml", "senml", "{twin}/t"), "senml", SENML, [(0, 21.4, 0)]),
    "senml, in a unit of its own": (channel("senml", "senml", "{twin}/p"), "senml", SENML, [(0, 759.812376332, -1)]),
    "senml, relative to now": (
        channel("senml", "senml", "dev1/t"),
        "senml",
        [{"n": "dev1/t", "v": 3, "t": -2}],
        [(0, 3.0, 3), (1, 3.0, 3)],
    ),
    "chirpstack": (
        channel("application/1/device/{twin}/event/up", "chirpstack", "t"),
        "application/1/device/dev1/event/up",
        CHIRPSTACK,
        [(0, 21.4, 0)],
    ),
    "pioreactor": (
        channel("pioreactor/{twin}/+/od_reading/od/1", "pioreactor", "od"),
        "pioreactor/dev1/exp-7/od_reading/od/1",
        PIOREACTOR,
        [(0, 0.31, 0)],
    ),
    "csv lines": (
        channel("plc/{twin}", "plc", "2")
        + '[payloads.plc]\nextends = "csv"\ntime = "0"\nquality = "1"\ngood = ["192"]\ndecimal = ","\n',
        "plc/dev1",
        b'1767603600,192,"21,4"\r\n1767603601,192,"21,5"\r\n',
        [(0, 21.4, 0), (0, 21.5, 1)],
    ),
    "scaled, as registers send": (
        channel("plc/{twin}", "raw", "r.0") + '[payloads.raw]\nextends = "json"\nscale = 0.1\noffset = -40\n',
        "plc/dev1",
        {"r": [614, 7]},
        [(0, 21.4, 5)],
    ),
    "several values and times": (
        channel("log/{twin}", "log", "v") + '[payloads.log]\nextends = "json"\ntime = "t"\n',
        "log/dev1",
        {"v": [1, None, 3], "t": [1767603600, 1767603601, 1767603602]},
        [(0, 1.0, 0), (0, 3.0, 2)],
    ),
}


@pytest.mark.parametrize(("tables", "topic", "payload", "expected"), CASES.values(), ids=list(CASES))
def test_each_is_read_as_it_is(
    tmp_path: Path, tables: str, topic: str, payload: object, expected: list[tuple[int, float, int]]
) -> None:
    assert read(tmp_path, tables, topic, payload) == expected


ZIGBEE = channel("zigbee2mqtt/{twin}", "zigbee2mqtt", "temperature")
HOME = channel("ha/{twin}", "homeassistant")
QUALITY = (
    channel("opc/{twin}", "opc", "v") + '[payloads.opc]\nextends = "json"\nquality = "q"\ngood = ["Good", "192"]\n'
)

TRAPS = {
    "a field is not there this time": (ZIGBEE, "zigbee2mqtt/dev1", {"battery": 97}, Code.NO_VALUE),
    "a null": (ZIGBEE, "zigbee2mqtt/dev1", {"temperature": None}, Code.NO_VALUE),
    "a word for no value": (HOME, "ha/dev1", b"unavailable", Code.NO_VALUE),
    "another word": (HOME, "ha/dev1", b"cloudy", Code.WRONG_TYPE),
    "not a number": (HOME, "ha/dev1", b"NaN", Code.NOT_FINITE),
    "an object for a number": (ZIGBEE, "zigbee2mqtt/dev1", {"temperature": {"value": 1}}, Code.WRONG_TYPE),
    "a list without times": (ZIGBEE, "zigbee2mqtt/dev1", {"temperature": [1, 2]}, Code.WRONG_SHAPE),
    "a quality that is not good": (QUALITY, "opc/dev1", {"v": 1, "q": "Uncertain"}, Code.BAD_QUALITY),
    "no quality": (QUALITY, "opc/dev1", {"v": 1}, Code.BAD_QUALITY),
    "seconds where milliseconds are declared": (
        channel("tb/{twin}", "thingsboard", "t"),
        "tb/dev1",
        {"ts": 1767603600, "values": {"t": 1}},
        Code.PAST,
    ),
    "a local time without its zone": (
        channel("x/{twin}", "loc", "t") + '[payloads.loc]\nextends = "json"\ntime = "at"\n',
        "x/dev1",
        {"t": 1, "at": "2026-01-05T10:00:00"},
        Code.WRONG_TYPE,
    ),
    "no time": (channel("pio/{twin}", "pioreactor", "od"), "pio/dev1", {"od": 1}, Code.MISSING_FIELD),
    "a huge number": (ZIGBEE, "zigbee2mqtt/dev1", b'{"temperature": 1' + b"0" * 400 + b"}", Code.NOT_FINITE),
    "no JSON": (ZIGBEE, "zigbee2mqtt/dev1", b"21.4 degrees", Code.NOT_JSON),
    "nothing": (ZIGBEE, "zigbee2mqtt/dev1", b"", Code.EMPTY),
    "nested too deeply": (ZIGBEE, "zigbee2mqtt/dev1", b"[" * 30_000, Code.TOO_DEEP),
    "a device that is no twin": (ZIGBEE, "zigbee2mqtt/dev3", {"temperature": 1}, Code.UNKNOWN_TOPIC),
}


@pytest.mark.parametrize(("tables", "topic", "payload", "code"), TRAPS.values(), ids=list(TRAPS))
def test_what_is_no_reading_is_refused_with_a_code(
    tmp_path: Path, tables: str, topic: str, payload: object, code: Code
) -> None:
    [entry] = entries(tmp_path, tables, topic, payload)
    assert entry.code is code, entry.detail
    assert entry.detail
    assert entry.payload == (payload if isinstance(payload, bytes) else json.dumps(payload).encode())[:4096]


def test_one_message_feeds_several_channels(tmp_path: Path) -> None:
    flow = '[inputs.flow]\nunit = "mL/s"\ntopic = "zigbee2mqtt/{twin}"\npayload = "zigbee2mqtt"\nvalue = "flow"\n'
    path = tmp_path / "room.toml"
    path.write_text(HEADER + ZIGBEE + flow)
    router = assemble(load(path)).router()
    assert router.topics == ("zigbee2mqtt/dev1", "zigbee2mqtt/dev2")
    message = Message("zigbee2mqtt/dev2", b'{"temperature": 20, "flow": 3, "x": 1}', ARRIVAL)
    readings = [entry.reading for entry in router.read(message)]
    assert [(r.twin, r.channel, r.value) for r in readings if r is not None] == [(1, 0, 20.0), (1, 1, 3.0)]


def test_one_topic_feeds_an_input_of_all_twins(tmp_path: Path) -> None:
    path = tmp_path / "room.toml"
    path.write_text(HEADER + ZIGBEE + '[inputs.flow]\nunit = "mL/s"\ntopic = "weather/wind"\n')
    router = assemble(load(path)).router()
    assert set(router.topics) == {"weather/wind", "zigbee2mqtt/dev1", "zigbee2mqtt/dev2"}
    found = router.read(Message("weather/wind", b'{"value": 3, "time": 1767603600}', ARRIVAL))
    readings = [entry.reading for entry in found if entry.reading is not None]
    assert [(r.twin, r.channel, r.value, r.time) for r in readings] == [(0, 1, 3.0, STAMPED), (1, 1, 3.0, STAMPED)]


def test_what_else_must_stand_in_a_message_may_be_true(tmp_path: Path) -> None:
    tables = channel("x/{twin}", "json", "t", more='where = { valid = "true" }')
    assert read(tmp_path, tables, "x/dev1", {"t": 1, "valid": True}) == [(0, 1.0, 5)]
    [entry] = entries(tmp_path, tables, "x/dev1", {"t": 1, "valid": False})
    assert entry.code is Code.NO_VALUE


def test_a_topic_feeds_an_input_of_a_group(tmp_path: Path) -> None:
    path = tmp_path / "room.toml"
    groups = '[twin.groups]\nnorth = ["dev1", "dev3"]\nsouth = ["dev2"]\n'
    head = HEADER.replace('["dev1", "dev2"]', '["dev1", "dev2", "dev3"]') + groups
    path.write_text(head + ZIGBEE + '[inputs.flow]\nunit = "mL/s"\ntopic = "weather/{group}/wind"\n')
    router = assemble(load(path)).router()
    assert {"weather/north/wind", "weather/south/wind"} < set(router.topics)
    found = router.read(Message("weather/north/wind", b'{"value": 3, "time": 1767603600}', ARRIVAL))
    assert [(e.reading.twin, e.reading.value) for e in found if e.reading is not None] == [(0, 3.0), (2, 3.0)]


def test_a_sensor_belongs_to_one_twin(tmp_path: Path) -> None:
    sensor = '[sensors.t]\nobserves = "pressure"\nunit = "mmHg"\nnoise = 1.0\ntopic = "weather"\n'
    with pytest.raises(ConfigError, match=r"expected \{twin\} in the topic of a fleet of 2"):
        entries(tmp_path, sensor, "weather")


def test_a_thousand_channels_come_by_one_pattern(tmp_path: Path) -> None:
    names = [f"dev{number}" for number in range(1000)]
    path = tmp_path / "room.toml"
    tables = channel("plant/+/state", "json", "t", more='where = { id = "{twin}" }')
    header = HEADER.replace('["dev1", "dev2"]', json.dumps(names))
    path.write_text(header + tables + '[inputs.flow]\nunit = "mL/s"\ntopic = "weather/wind"\n')
    router = assemble(load(path)).router()
    assert set(router.topics) == {"plant/+/state", "weather/wind"}
    [entry] = router.read(Message("plant/anything/state", b'{"id": "dev999", "t": 1}', ARRIVAL))
    assert entry.reading is not None
    assert entry.reading.twin == 999


def test_the_hour_that_comes_twice_is_the_one_nearer_to_the_arrival(tmp_path: Path) -> None:
    """2025-10-26: clocks in Berlin went back from 3:00 to 2:00, at 01:00 UTC."""
    tables = channel("tele/{twin}/SENSOR", "berlin", "v") + BERLIN
    path = tmp_path / "room.toml"
    path.write_text(HEADER + tables + '[inputs.flow]\nunit = "mL/s"\n')
    for utc in (1_761_438_600, 1_761_442_200):  # 00:30 and 01:30 UTC, both 2:30 in Berlin
        payload = b'{"Time": "2025-10-26T02:30:00", "v": 1}'
        [entry] = assemble(load(path)).router().read(Message("tele/dev1/SENSOR", payload, (utc + 4) * SECOND))
        assert entry.reading is not None
        assert entry.reading.time == utc * SECOND


MISTAKES = {
    "an unknown kind": (channel("{twin}", "zigbe2mqtt"), r"sensors\.t\.payload: .* got 'zigbe2mqtt'.*zigbee2mqtt"),
    "a kind that needs a zone": (channel("{twin}", "tasmota"), r"its times have no offset: expected a zone; remedy"),
    "an unknown zone": (channel("{twin}", "a") + '[payloads.a]\nextends = "tasmota"\nzone = "Berlin"\n', "time zone"),
    "an unknown format": (channel("{twin}", "a") + '[payloads.a]\nformat = "jsn"\n', r"got 'jsn'; remedy.*json"),
    "no format": (channel("{twin}", "a") + '[payloads.a]\ntime = "t"\n', "expected a format, got none"),
    "itself": (channel("{twin}", "a") + '[payloads.a]\nextends = "b"\n[payloads.b]\nextends = "a"\n', "extends itself"),
    "a quality without what is good": (
        channel("{twin}", "a") + '[payloads.a]\nextends = "json"\nquality = "q"\n',
        "expected `quality` and `good` together",
    ),
    "a wildcard within a level": (channel("a/{twin}+/b", "json"), "expected '\\+' as a whole level"),
    "a group of a twin that is not there": (
        "[twin.groups]\na = ['dev1', 'dev9']\n" + channel("{twin}", "json"),
        "expected the name of a twin, got 'dev9'",
    ),
    "a twin in two groups": (
        "[twin.groups]\na = ['dev1']\nb = ['dev1', 'dev2']\n" + channel("{twin}", "json"),
        "'dev1' is in 'a', too",
    ),
    "a twin without the group that a topic asks for": (
        "[twin.groups]\na = ['dev1']\n" + channel("{group}/{twin}", "json"),
        "expected every twin in a group for '{group}/{twin}', but 'dev2' is in none",
    ),
    "a misspelt key": (channel("{twin}", "a") + '[payloads.a]\nformt = "json"\n', r"payloads\.a\.formt: unknown key"),
}


@pytest.mark.parametrize(("tables", "expected"), MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_one_clear_error(tmp_path: Path, tables: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        entries(tmp_path, tables, "x")
