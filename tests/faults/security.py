"""A sensor that is forged, and certificates that expire, on the broker that is shipped."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.deployments import Change
from tests.acceptance.running import Deployment, Running
from tests.faults.live import WALL, account, no_recording, patient, ready, settled
from tests.faults.row import Outcome
from tests.secured import CLIENTS, RUNTIME, certify, client, renew, secured_broker
from tests.servers import Server
from twin_adapters.mqtt import MqttSettings
from twin_adapters.mqtt_connection import Connection, Publication
from twin_runtime.store.reader import Reader

FORGED = 1000
FORGED_VALUE = 299.0
"""mmHg, within the range of the sensor, and what no patient of these has."""
AWAY = 10.0
"""Seconds for which a certificate has expired."""


class SecuredDeployment(Deployment):
    """A deployment on the shipped broker: the monitor has the certificate of its patient."""

    def client(self, name: str) -> MqttSettings:
        """How the patient's monitor reaches the broker."""
        del name
        return client(self.broker, self.folder / "certificates", "patient-1")


@contextmanager
def secured(folder: Path) -> Iterator[tuple[Server, SecuredDeployment, Running]]:
    """The shipped broker, the example over TLS, and a run of it that listens."""
    certificates = certify(folder, *CLIENTS)
    files = {"ca_file": "ca.crt", "cert_file": f"{RUNTIME}.crt", "key_file": f"{RUNTIME}.key"}
    lines = "".join(f'{key} = "{certificates / file}"\n' for key, file in files.items())
    encrypted: Change = ('broker = "mqtt://', f'{lines}timeout = "2 s"\nretry_max = "1 s"\nbroker = "mqtts://')
    with secured_broker(folder, "log_type all") as server:
        deployment = SecuredDeployment(folder, server, no_recording, [WALL, encrypted])
        with deployment.run() as run:
            ready(deployment, run)
            yield server, deployment, run


def forged(folder: Path) -> Outcome:
    """The device of another patient, signed in, sends readings of this one, and strangers try to come in."""
    with secured(folder) as (server, deployment, run):
        with patient(deployment, 20.0) as sent:
            refused = asyncio.run(_forge(client(server, folder / "certificates", "patient-2")))
            stranger = certify(folder / "stranger", "patient-1")
            own = client(server, stranger, "patient-1", ca_file=folder / "certificates" / "ca.crt")
            outside = not asyncio.run(_comes_in(own))
        figures = account(deployment, settled(deployment, run, sent), sent)
    with Reader.open(deployment.store) as reader:
        known = [entry.reading for _, entry in reader.entries() if entry.reading is not None]
    accepted = sum(reading.value == FORGED_VALUE for reading in known)
    does = "the broker's access list binds each certificate to the channels of its own twin (`deploy/mosquitto`)"
    strangers = "a certificate of another authority comes in: " + ("no" if outside else "YES")
    return Outcome(does, f"{refused} of {FORGED} refused, {accepted} accepted; {strangers}; {figures}")


async def _forge(settings: MqttSettings) -> int:
    """How many of the readings that are sent for another patient are refused; mosquitto 2.0.11 then hangs up."""
    connection, refused = Connection(settings, resume=False), 0
    await connection.open()
    for _ in range(FORGED):
        if connection.lost:
            await connection.close()
            connection = Connection(settings, resume=False)
            await connection.open()
        payload = f'{{"value": {FORGED_VALUE}, "time": {time.time_ns()}}}'.encode()
        try:
            await connection.publish([Publication("patient-1/abp", payload)])
        except OSError:
            raise
        except Exception:
            refused += 1
    await connection.close()
    return refused


async def _comes_in(settings: MqttSettings) -> bool:
    connection = Connection(settings, resume=False)
    try:
        await connection.open()
        await connection.publish([Publication("patient-1/abp", b"80")])
    except Exception:
        return False
    finally:
        await connection.close()
    return True


def certificates(folder: Path) -> Outcome:
    """The broker's certificate has expired when the broker comes back; later it is renewed. Then the runtime's own."""
    with secured(folder) as (server, deployment, run):
        place, figures = folder / "certificates", []
        with patient(deployment, 45.0) as sent:
            for name, whose in (("broker", "the broker's certificate"), (RUNTIME, "our certificate")):
                time.sleep(5.0)
                server.stop()
                renew(place, name, days=-1)
                server.start()
                began = time.monotonic()
                run.wait_until(lambda said=whose: _said(run, said) is not None)  # type: ignore[misc]
                figures.append(f"told after {time.monotonic() - began:.1f} s: {_said(run, whose)}")
                time.sleep(max(0.0, AWAY - (time.monotonic() - began)))
                server.stop()
                renew(place, name)
                server.start()
        figures.append(account(deployment, settled(deployment, run, sent), sent))
    does = "the log names the certificate and its last day; the run goes on trying, with the file as it is then"
    return Outcome(does, "; ".join(figures).replace(str(folder), "").replace("/certificates/", ""))


def _said(run: Running, whose: str) -> str | None:
    lines = [line for line in run.errors.read_text().replace("\n", " ").split("mqtts://") if whose in line]
    if not lines:
        return None
    _, found, rest = lines[-1].partition(whose)
    return " ".join((found + rest.partition(";")[0]).split())
