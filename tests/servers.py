"""Real servers for the tests: each binds 127.0.0.1 on a free port, can be restarted on it, and is ended by its pid."""

import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from subprocess import Popen

import pytest

START_LIMIT = 20.0
"""Seconds a server may take to answer on its port."""

DURABLE = (
    "persistence true",
    "autosave_interval 1",
    "max_queued_messages 0",
    "max_inflight_messages 0",
)
"""What mosquitto needs so that it drops no queued message and keeps them through a restart."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(name: str, package: str) -> str:
    """The path of an installed program; skips the test where its Debian package is missing."""
    found = which(name, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") or which(name)
    if found is None:
        pytest.skip(f"needs `{name}`: apt-get install {package}")
    return found


@dataclass
class Server:
    """One process that listens on ``port``; stopping and starting it again keeps the port and the data."""

    command: Sequence[str]
    port: int
    log: Path
    _process: Popen[bytes] | None = field(default=None, init=False)

    @property
    def pid(self) -> int:
        """The running process."""
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def start(self) -> None:
        """Start, and return when the port answers."""
        with self.log.open("ab") as log:
            self._process = Popen(self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            self._wait_until_open(self._process)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End it as an administrator would: it may save its data. Nothing happens when it is not running."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power failure would."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait(START_LIMIT)

    def _wait_until_open(self, process: Popen[bytes]) -> None:
        deadline = time.monotonic() + START_LIMIT
        while not _answers(self.port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.command[0]} did not start:\n{self.log.read_text()}")
            time.sleep(0.02)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
    except OSError:
        return False
    return True


@contextmanager
def mosquitto(folder: Path, lines: Sequence[str] = ("allow_anonymous true",), port: int = 0) -> Iterator[Server]:
    """A running broker with its data in ``folder``. ``lines`` go into its configuration after the listener."""
    binary = program("mosquitto", "mosquitto")
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    location = f"persistence_location {folder}/"
    # As root it would drop to its own user, who may not read the folders of a test.
    settings = ["user root", *DURABLE, location, f"listener {port} 127.0.0.1", *lines]
    path = folder / "mosquitto.conf"
    path.write_text("\n".join(settings) + "\n")
    yield from _running(Server([binary, "-c", str(path)], port, folder / "mosquitto.log"))


@contextmanager
def victoria_metrics(folder: Path, port: int = 0) -> Iterator[Server]:
    """A running time-series database with its data in ``folder``; it speaks the writing half of InfluxDB v2."""
    binary = program("victoria-metrics", "victoria-metrics")
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    flags = [f"-storageDataPath={folder / 'data'}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=100y"]
    yield from _running(Server([binary, *flags], port, folder / "victoria.log"))


@contextmanager
def influxdb(folder: Path, port: int = 0) -> Iterator[Server]:
    """A running InfluxDB 1 with its data in ``folder``."""
    binary = program("influxd", "influxdb")
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    path = folder / "influxdb.conf"
    tables = (
        f'reporting-disabled = true\nbind-address = "127.0.0.1:{free_port()}"\n[meta]\ndir = "{folder}/meta"\n'
        f'[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\n[http]\nbind-address = "127.0.0.1:{port}"\n'
        "auth-enabled = false\n"
    )
    path.write_text(tables)
    yield from _running(Server([binary, "-config", str(path)], port, folder / "influxdb.log"))


def _running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()
