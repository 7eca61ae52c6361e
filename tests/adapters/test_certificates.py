"""Certificates that have expired or will soon: named, with the date; and the run goes on."""

import asyncio
import re
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.adapters.talking import eventually, publish, receive, settings
from tests.secured import RUNTIME, SECURE, certify, client, renew, secured_broker
from tests.servers import Server
from twin_adapters.certificates import parsed, read_certificates
from twin_adapters.mqtt import MqttSource
from twin_adapters.mqtt_connection import Connection
from twin_runtime.errors import ConnectionFailed

DATE = r"20\d\d-\d\d-\d\d \d\d:\d\d UTC"


async def opened(server: Server, certificates: Path) -> None:
    connection = Connection(client(server, certificates, RUNTIME, timeout="1 s"), resume=False)
    try:
        await connection.open()
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("ends", "says"),
    [
        ({"broker"}, rf"the broker's certificate \('broker'\) expired on {DATE}; remedy: renew it on the broker"),
        (
            {RUNTIME},
            rf"our certificate .*/twin-artery.crt \('twin-artery'\) expired on {DATE}; remedy: renew it: .* read",
        ),
    ],
    ids=["the broker's", "ours"],
)
async def test_one_that_has_expired_is_named_with_its_date(tmp_path: Path, ends: set[str], says: str) -> None:
    certificates = certify(tmp_path, RUNTIME)
    for name in ends:
        renew(certificates, name, days=-1)
    with secured_broker(tmp_path) as server, pytest.raises(ConnectionFailed, match=says):
        await opened(server, certificates)


async def test_an_authority_that_has_expired_is_named(tmp_path: Path) -> None:
    certificates = certify(tmp_path, RUNTIME, authority_days=-1)
    with (
        secured_broker(tmp_path) as server,
        pytest.raises(ConnectionFailed, match=rf"the authority in .*/ca.crt \('ca'\) expired on {DATE}"),
    ):
        await opened(server, certificates)


async def test_one_that_counts_but_is_not_trusted_is_not_said_to_have_expired(tmp_path: Path) -> None:
    certificates = certify(tmp_path, RUNTIME)
    stranger = certify(tmp_path / "stranger", RUNTIME)
    with secured_broker(tmp_path) as server:
        settings = client(server, certificates, RUNTIME, ca_file=stranger / "ca.crt")
        with pytest.raises(ConnectionFailed, match="is not trusted") as caught:
            await Connection(settings, resume=False).open()
    assert "expired" not in str(caught.value)


async def test_one_that_ends_soon_is_warned_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    certificates = certify(tmp_path, RUNTIME)
    renew(certificates, "broker", days=3)
    with secured_broker(tmp_path) as server:
        for _ in range(2):
            await opened(server, certificates)
    [warning] = [record.getMessage() for record in caplog.records if "certificate" in record.getMessage()]
    assert re.search(rf"the broker's certificate \('broker'\) ends on {DATE}, in 2 days; remedy: renew", warning)


async def test_a_run_goes_on_when_its_certificates_are_renewed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """While one has expired, while its file is half written, and while it is away: the run tries again."""
    certificates = certify(tmp_path, RUNTIME, "patient-1")
    mine = certificates / f"{RUNTIME}.crt"
    with secured_broker(tmp_path) as server:
        async with MqttSource(client(server, certificates, RUNTIME, timeout="1 s"), ["+/abp"]) as source:
            receiving = asyncio.create_task(receive(source, 1))
            server.stop()
            renew(certificates, RUNTIME, days=-1)
            server.start()
            await eventually(lambda: "our certificate" in caplog.text and "expired on" in caplog.text)
            whole = mine.read_bytes()
            mine.write_bytes(whole[:100])
            await eventually(lambda: f"cannot use {certificates / 'ca.crt'}, {mine}" in caplog.text)
            renew(certificates, RUNTIME)
            device = client(server, certificates, "patient-1").model_dump(include=set(SECURE))
            await publish(server, [b"80"], "patient-1/abp", **device)
            [message] = await receiving
            assert message.payload == b"80"


async def test_a_password_that_is_renewed_does_not_end_a_run(broker: Server, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("one")
    known = settings(broker, username="u", password_file=secret)
    async with MqttSource(known, ["#"]) as source:
        receiving = asyncio.create_task(receive(source, 1))
        secret.unlink()
        broker.stop()
        broker.start()
        await asyncio.sleep(0.3)
        secret.write_text("two")
        await publish(broker, [b"1"])
        assert [message.payload for message in await receiving] == [b"1"]


def test_what_openssl_reads_is_what_is_read(tmp_path: Path) -> None:
    certificates = certify(tmp_path, "patient-1", days=20_000)  # beyond 2049 a certificate writes times in another way
    for name in ("ca", "patient-1"):
        path = certificates / f"{name}.crt"
        [certificate] = read_certificates(path)
        known = ssl._ssl._test_decode_cert(str(path))  # type: ignore[attr-defined]
        assert certificate.until.timestamp() == ssl.cert_time_to_seconds(known["notAfter"])
        assert certificate.since.timestamp() == ssl.cert_time_to_seconds(known["notBefore"])
        assert (("commonName", certificate.name),) in known["subject"]


@pytest.mark.parametrize("der", [b"", b"0", b"0\x80", b"\x30\x03\x30\x01\x00", b"no certificate", bytes(300)])
def test_what_is_no_certificate_is_an_error(der: bytes) -> None:
    with pytest.raises(ValueError, match="no certificate"):
        parsed(der)


def test_a_certificate_counts_from_its_first_to_its_last_moment(tmp_path: Path) -> None:
    [certificate] = read_certificates(certify(tmp_path) / "ca.crt")
    second = timedelta(seconds=1)
    assert not certificate.fault(certificate.since)
    assert not certificate.fault(certificate.until)
    assert certificate.fault(certificate.since - second).startswith("does not count before")
    assert certificate.fault(certificate.until + second).startswith("expired on")
    assert not certificate.ends_soon(certificate.until - timedelta(days=14))
    assert certificate.ends_soon(certificate.until - timedelta(days=14) + second).endswith("in 13 days")
    assert not certificate.ends_soon(datetime(2100, 1, 1, tzinfo=UTC))
