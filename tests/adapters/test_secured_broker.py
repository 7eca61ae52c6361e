"""The shipped configuration of mosquitto: a device writes its own twin's channels, and nobody else's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.talking import all_received, payloads, receive
from tests.secured import CLIENTS, READER, RUNTIME, SECURE, SINK, certify, client, secured_broker
from tests.servers import Server
from tests.ward import EPOCH, ward
from twin_adapters.mqtt import MqttSource
from twin_adapters.mqtt_connection import Connection, Publication
from twin_adapters.mqtt_errors import MessagesRefused
from twin_adapters.mqtt_settings import MqttSettings
from twin_adapters.mqtt_sink import MqttSink, MqttSinkSettings
from twin_runtime.core import Message
from twin_runtime.errors import ConnectionFailed
from twin_runtime.testing import SINK_IDENTITY, some_estimates

FORGED = 3
"""Messages to each topic; the table of faults tries more."""
CHANNELS = ("+/abp", "+/r_peak")
NOT_ITS_OWN = (
    "patient-1/abp",
    "patient-1/estimate",
    "patient-2/estimate",
    "patient-2/status",
    "artery/status",
    "patient-2/abp/x",
    "patient-2",
    "/abp",
    "anything",
)
"""What the device of patient-2 may not write."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("secured")
    certify(place, *CLIENTS)
    return place


@pytest.fixture(scope="module")
def certificates(folder: Path) -> Path:
    return folder / "certificates"


@pytest.fixture(scope="module")
def guarded(folder: Path, certificates: Path) -> Iterator[Server]:
    with secured_broker(folder) as server:
        yield server


async def sent(settings: MqttSettings, *publications: Publication) -> int:
    """How many the broker takes of what is published, each over a connection of its own where one is refused."""
    taken = 0
    for publication in publications:
        connection = Connection(settings, resume=False)
        await connection.open()
        try:
            await connection.publish([publication])
            taken += 1
        except MessagesRefused:
            pass
        finally:
            await connection.close()
    return taken


async def test_a_device_writes_the_channels_of_its_twin(guarded: Server, certificates: Path) -> None:
    async with MqttSource(client(guarded, certificates, RUNTIME), CHANNELS) as source:
        device = client(guarded, certificates, "patient-2")
        assert await sent(device, Publication("patient-2/abp", b"80"), Publication("patient-2/r_peak", b"1")) == 2
        received = await receive(source, 2)
        await source.acknowledge(received)
    assert [(m.topic, m.payload) for m in received] == [("patient-2/abp", b"80"), ("patient-2/r_peak", b"1")]


@pytest.mark.parametrize("protocol", [4, 5])
async def test_nothing_that_is_forged_arrives(guarded: Server, certificates: Path, protocol: int) -> None:
    """MQTT 3.1.1 has no answer that says so: it confirms what it throws away."""
    forger = client(guarded, certificates, "patient-2", protocol=protocol)
    forged = [Publication(topic, b"%d" % k, retain=True) for k in range(FORGED) for topic in NOT_ITS_OWN]
    reader = client(guarded, certificates, READER)
    async with (
        MqttSource(client(guarded, certificates, RUNTIME), CHANNELS) as source,
        MqttSource(reader, ["#", "artery/status"]) as estimates,
    ):
        assert await sent(forger, *forged) == (0 if protocol == 5 else len(forged))
        assert payloads(await all_received(source)) == []
        assert payloads(await all_received(estimates)) == []


def test_a_payload_that_names_another_twin_counts_for_the_twin_of_its_topic() -> None:
    """Else the access list would bind nothing."""
    payload = b'{"value": 80.0, "time": 1600000000000000000, "twin": "patient-0", "topic": "patient-0/abp"}'
    [entry] = ward(2).router().read(Message("patient-1/abp", payload, EPOCH))
    assert entry.reading is not None
    assert entry.reading.twin == 1


async def test_a_device_reads_nothing(guarded: Server, certificates: Path) -> None:
    async with MqttSource(client(guarded, certificates, "patient-2"), ["#"]) as source:
        assert await sent(client(guarded, certificates, "patient-1"), Publication("patient-1/abp", b"80")) == 1
        assert await all_received(source) == []


async def test_who_calls_himself_the_runtime_takes_nobody_s_session(guarded: Server, certificates: Path) -> None:
    async with MqttSource(client(guarded, certificates, RUNTIME), CHANNELS) as source:
        impostor = client(guarded, certificates, "patient-2", client_id=RUNTIME, username=RUNTIME)
        async with MqttSource(impostor, ["#"]):
            assert await sent(client(guarded, certificates, "patient-1"), Publication("patient-1/abp", b"81")) == 1
            received = await receive(source, 1)
            await source.acknowledge(received)
        assert source.connected
    assert b"81" in payloads(received)


async def test_without_a_certificate_of_this_authority_nobody_comes_in(
    guarded: Server, certificates: Path, tmp_path: Path
) -> None:
    stranger = certify(tmp_path, "patient-1")
    foreign = {"cert_file": stranger / "patient-1.crt", "key_file": stranger / "patient-1.key"}
    for settings in (
        client(guarded, certificates, "patient-1", timeout="500 ms", cert_file=None, key_file=None),
        client(guarded, certificates, "patient-1", timeout="500 ms", **foreign),
    ):
        with pytest.raises(ConnectionFailed):
            await Connection(settings, resume=False).open()


async def test_estimates_and_status_are_written_by_the_sink_alone(guarded: Server, certificates: Path) -> None:
    assert await sent(client(guarded, certificates, RUNTIME), Publication("patient-1/estimate", b"1")) == 0
    known = client(guarded, certificates, SINK).model_dump(include=set(SECURE))
    own = MqttSinkSettings.model_validate(known | {"client_id": RUNTIME, "status_topic": "artery/status"})
    async with MqttSource(client(guarded, certificates, READER), ["+/estimate", "artery/status"]) as reader:
        async with MqttSink(own, SINK_IDENTITY) as sink:
            await sink.send(some_estimates(2))
        messages = await receive(reader, 3)
        await reader.acknowledge(messages)
    kinds = {message.topic.rpartition("/")[2] for message in messages}
    assert kinds == {"estimate", "status"}
