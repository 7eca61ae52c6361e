"""An OPC UA server for the tests, by asyncua, in a thread of its own: variables that change when they are told to."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from asyncua import Server, ua
from asyncua.crypto.permission_rules import User, UserRole

from tests.adapters.certificates import openssl
from tests.servers import free_port
from twin_adapters.opcua import OpcuaSettings

URI = "http://example.org/plant"
INITIAL = {"Boiler.Temperature": 1.0, "Boiler.Level": 1, "Pump#1": False, "Boiler.Mode": "auto"}
T = TypeVar("T")


class Users:
    """Anybody may read; who gives a name needs the password. Those who came with a certificate are counted."""

    def __init__(self) -> None:
        self.certified = 0

    def get_user(
        self, _: object, username: str | None = None, password: object = None, certificate: object = None
    ) -> User | None:
        self.certified += certificate is not None
        wrong = username is not None and password not in (b"secret", "secret")
        return None if wrong else User(role=UserRole.User)


@dataclass
class Plant:
    """A server with variables ``ns=2;s=NAME`` and their values; it can be stopped and started again on its port."""

    folder: Path
    initial: Mapping[str, Any] = field(default_factory=lambda: dict(INITIAL))
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.users = Users()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self.do(self._made())

    @property
    def address(self) -> str:
        return f"opc.tcp://127.0.0.1:{self.port}/plant"

    def certificate(self, name: str) -> tuple[Path, Path]:
        """A certificate for an application of this name, and its key; made once."""
        made = self.folder / f"{name}.pem", self.folder / f"{name}-key.pem"
        if not made[0].exists():
            key = ["-newkey", "rsa:2048", "-nodes", "-keyout", made[1].name]
            purpose = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=URI:urn:{name},DNS:localhost"]
            openssl(self.folder, "req", "-x509", *key, *purpose, "-days", "2", "-out", made[0].name)
        return made

    def start(self) -> None:
        self.do(self._server.start())

    def stop(self) -> None:
        self.do(self._server.stop())

    def end(self) -> None:
        """Stop it for good."""
        self.stop()
        self.do(_ended())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def set(
        self,
        name: str,
        value: object,
        status: int = int(ua.StatusCodes.Good),
        at: datetime | None = None,
    ) -> None:
        """Give a variable a value, with the status and the source time that go with it."""
        now = datetime.now(UTC)
        data = ua.DataValue(
            ua.Variant(value),
            ua.StatusCode(ua.UInt32(status)),
            SourceTimestamp=at or now,
            ServerTimestamp=now,
        )
        self.do(self._server.write_attribute_value(ua.NodeId(name, 2), data))

    def add(self, name: str) -> None:
        """A variable that was not there before."""
        self.do(self._server.nodes.objects.add_variable(ua.NodeId(name, 2), name, 1.0))

    def remove(self, name: str) -> None:
        """Take a variable away."""
        self.do(self._server.delete_nodes([self._server.get_node(ua.NodeId(name, 2))]))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Have something done by the server's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _made(self) -> Server:
        server = Server(user_manager=self.users)
        await server.init()
        server.set_endpoint(self.address)
        server.set_security_policy(
            [ua.SecurityPolicyType.NoSecurity, ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt]
        )
        certificate, key = self.certificate("server")
        await server.load_certificate(certificate)
        await server.load_private_key(key)
        space = await server.register_namespace(URI)
        for name, value in self.initial.items():
            await server.nodes.objects.add_variable(ua.NodeId(name, space), name, value)
        await server.start()
        return server


async def _ended() -> None:
    """Cancel what the server has left running."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


def opcua(plant: Plant, **changes: object) -> OpcuaSettings:
    """Settings for a client of that server that is quick to try again."""
    table = {
        "server": plant.address,
        "publishing": "50 ms",
        "confirm": "0 s",
        "retry_min": "50 ms",
        "retry_max": "200 ms",
        "timeout": "5 s",
    }
    return OpcuaSettings.model_validate(table | changes)
