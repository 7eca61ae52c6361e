"""What this code needs of aiomqtt and paho beyond their promises, and how a refused connection explains itself."""

import asyncio
import subprocess
from pathlib import Path

import aiomqtt
import pytest

from tests.adapters.certificates import authority, signed
from tests.adapters.talking import all_received, eventually, numbers, payloads, publish, receive, settings
from tests.servers import Server, mosquitto, program
from twin_adapters.mqtt import MqttSource
from twin_adapters.mqtt_connection import Connection, Publication
from twin_runtime.core import SECOND
from twin_runtime.errors import ConnectionFailed


async def test_aiomqtt_still_lets_us_acknowledge_by_hand(broker: Server) -> None:
    """Fails with the version of aiomqtt or paho whose private parts are no longer what Connection relies on."""
    client = aiomqtt.Client("127.0.0.1", broker.port, identifier="by-hand", clean_session=False)
    paho = client._client
    assert callable(paho.on_connect)
    assert callable(paho._sock_close)
    paho.manual_ack_set(True)
    async with client:
        await client.subscribe("#", qos=1)
        await publish(broker, numbers(0, 2))
        first = await anext(client.messages)
        paho.ack(first.mid, first.qos)
    async with client:
        assert (await anext(client.messages)).payload == b"1"


async def test_messages_do_not_pass_through_the_queue_of_aiomqtt(broker: Server) -> None:
    connection = Connection(settings(broker), resume=False)
    await connection.open()
    await connection.subscribe(["#"])
    await publish(broker, numbers(0, 100))
    await asyncio.sleep(0.2)
    assert len(connection._client.messages) == 0
    assert payloads(connection.take()) == numbers(0, 100)
    await connection.close()


async def test_a_lost_connection_reports_it_and_refuses_to_publish(broker: Server) -> None:
    connection = Connection(settings(broker), resume=False)
    assert connection.lost
    await connection.open()
    assert not connection.lost
    broker.stop()
    await eventually(lambda: connection.lost)
    with pytest.raises(ConnectionFailed, match=r"1 of 1 messages not confirmed.*sent again"):
        await connection.publish([Publication("a", b"1")])
    await connection.close()


async def test_a_connection_ended_by_another_of_its_name_gives_the_likely_cause(broker: Server) -> None:
    first, second = (Connection(settings(broker), resume=True) for _ in range(2))
    await first.open()
    await second.open()
    await eventually(lambda: first.lost)
    assert "a second client called 'twin'" in first.loss
    await first.close()
    await second.close()


async def test_a_refused_publication_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "access").write_text("topic read #\ntopic write allowed/#\n")
    with mosquitto(tmp_path / "data", ["allow_anonymous true", f"acl_file {tmp_path / 'access'}"]) as server:
        await publish(server, [b"1"], "allowed/a")
        with pytest.raises(ConnectionFailed, match=r"1 of 1 messages refused: Not authorized.*access list"):
            await publish(server, [b"1"], "forbidden/a")


def guarded(folder: Path) -> list[str]:
    """Configuration of a broker for the user "ward" only, whose ``right`` and ``wrong`` password lie in files."""
    (folder / "right").write_text("secret\n")
    (folder / "wrong").write_text("guess\n")
    passwords = str(folder / "passwords")
    subprocess.run([program("mosquitto_passwd", "mosquitto"), "-b", "-c", passwords, "ward", "secret"], check=True)
    return ["allow_anonymous false", f"password_file {passwords}"]


@pytest.mark.parametrize("protocol", [4, 5])
async def test_a_password_opens_and_a_wrong_one_is_refused(tmp_path: Path, protocol: int) -> None:
    with mosquitto(tmp_path / "data", guarded(tmp_path)) as server:
        right = settings(server, username="ward", password_file=tmp_path / "right", protocol=protocol)
        async with MqttSource(right, ["#"]) as source:
            assert not await all_received(source)
        wrong = right.model_copy(update={"password_file": tmp_path / "wrong"})
        with pytest.raises(ConnectionFailed, match=r"the broker refuses: .*Not authorized.*remedy: compare `username`"):
            await MqttSource(wrong, ["#"]).__aenter__()


async def test_an_unknown_host_is_named(broker: Server) -> None:
    lost = settings(broker, broker="mqtt://no-such-host.invalid:1883")
    with pytest.raises(
        ConnectionFailed, match=r"mqtt://no-such-host.invalid:1883: unknown host .*remedy: correct the host"
    ):
        await MqttSource(lost, ["#"]).__aenter__()


async def test_over_tls_only_the_right_authority_is_trusted(tmp_path: Path) -> None:
    right, wrong = authority(tmp_path), authority(tmp_path, "stranger")
    cert, key = signed(tmp_path, "broker")
    with mosquitto(tmp_path / "data", ["allow_anonymous true", f"certfile {cert}", f"keyfile {key}"]) as server:
        secure = settings(server, broker=f"mqtts://127.0.0.1:{server.port}", ca_file=right, window=40)
        received: list[bytes] = []
        async with MqttSource(secure, ["#"]) as source:
            await publish(server, numbers(0, 200), broker=secure.broker, ca_file=right)
            while len(received) < 200:
                batch = await receive(source, 1)
                await source.acknowledge(batch)
                received += payloads(batch)
        assert received == numbers(0, 200)
        with pytest.raises(ConnectionFailed, match=r"certificate is not trusted.*remedy: set `ca_file`"):
            await MqttSource(secure.model_copy(update={"ca_file": wrong}), ["#"]).__aenter__()
        with pytest.raises(ConnectionFailed, match=r"no answer .*wants TLS"):
            await MqttSource(settings(server, timeout="300 ms"), ["#"]).__aenter__()


async def test_a_broker_may_ask_for_our_certificate(tmp_path: Path) -> None:
    ca = authority(tmp_path)
    cert, key = signed(tmp_path, "broker")
    ours, our_key = signed(tmp_path, "twin")
    lines = ["allow_anonymous true", f"cafile {ca}", f"certfile {cert}", f"keyfile {key}", "require_certificate true"]
    with mosquitto(tmp_path / "data", lines) as server:
        known = settings(
            server,
            broker=f"mqtts://127.0.0.1:{server.port}",
            ca_file=ca,
            cert_file=ours,
            key_file=our_key,
            timeout="2 s",
        )
        async with MqttSource(known, ["#"]) as source:
            assert not await all_received(source)
        anonymous = known.model_copy(update={"cert_file": None, "key_file": None, "timeout": SECOND // 2})
        with pytest.raises(ConnectionFailed, match=r"certificate"):
            await MqttSource(anonymous, ["#"]).__aenter__()


async def test_tls_on_a_port_without_it_is_explained(broker: Server, tmp_path: Path) -> None:
    secure = settings(broker, broker=f"mqtts://127.0.0.1:{broker.port}", ca_file=authority(tmp_path))
    with pytest.raises(ConnectionFailed, match=r"TLS"):
        await MqttSource(secure, ["#"]).__aenter__()
