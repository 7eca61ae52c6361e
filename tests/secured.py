"""The broker of ``deploy/mosquitto``: the shipped files themselves, with other paths and a free port of 127.0.0.1."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import REPOSITORY
from tests.servers import Server, free_port, program
from twin_adapters.mqtt import MqttSettings

SHIPPED = REPOSITORY / "deploy" / "mosquitto"
CERTIFICATES = "certificates"
RUNTIME, SINK, READER = "twin-artery", "twin-artery-estimates", "dashboard"
SECURE = ("broker", "ca_file", "cert_file", "key_file")
"""Settings that say who a client is, and whom it trusts."""
CLIENTS = ("patient-1", "patient-2", RUNTIME, SINK, READER)


def certify(folder: Path, *names: str, days: int = 30, authority_days: int = 60, host: str = "127.0.0.1") -> Path:
    """Run the shipped script: the certificates of the broker and of these clients, in a folder."""
    program("openssl", "openssl")
    counts = {"DAYS": str(days), "DAYS_OF_AUTHORITY": str(authority_days)}
    command = ["sh", str(SHIPPED / "certificates.sh"), str(folder / CERTIFICATES), host, *names]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **counts})
    return folder / CERTIFICATES


def renew(certificates: Path, name: str, days: int = 30) -> None:
    """Make one certificate anew."""
    (certificates / f"{name}.crt").unlink()
    certify(certificates.parent, *({name} - {"broker"}), days=days)


@contextmanager
def secured_broker(folder: Path, *lines: str) -> Iterator[Server]:
    """The shipped broker with a few more ``lines``; its certificates are in the folder already."""
    binary, port = program("mosquitto", "mosquitto"), free_port()
    (folder / "data").mkdir(exist_ok=True)
    (folder / "acl").write_text((SHIPPED / "acl").read_text())
    (folder / "acl").chmod(0o600)
    text = (SHIPPED / "mosquitto.conf").read_text()
    for shipped, here in (
        ("listener 8883", f"listener {port} 127.0.0.1\nuser root"),
        ("/etc/mosquitto/", f"{folder}/"),
        ("/var/lib/mosquitto/", f"{folder / 'data'}/"),
    ):
        assert shipped in text
        text = text.replace(shipped, here)
    (folder / "mosquitto.conf").write_text("\n".join([text, *lines, ""]))
    server = Server([binary, "-c", str(folder / "mosquitto.conf")], port, folder / "mosquitto.log")
    server.start()
    try:
        yield server
    finally:
        server.stop()


def client(server: Server, certificates: Path, name: str, **changes: object) -> MqttSettings:
    """Settings of a client with the certificate of a name."""
    table = {
        "broker": f"mqtts://127.0.0.1:{server.port}",
        "client_id": name,
        "ca_file": certificates / "ca.crt",
        "cert_file": certificates / f"{name}.crt",
        "key_file": certificates / f"{name}.key",
        "retry_min": "50 ms",
        "retry_max": "200 ms",
        "timeout": "2 s",
    }
    return MqttSettings.model_validate({**table, **changes})
