"""The ``[mqtt]`` table of a configuration: which broker, who we are to it, and how long it remembers us."""

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import SplitResult, urlsplit
from uuid import uuid4

from paho.mqtt.client import topic_matches_sub
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from twin_adapters.addresses import parsed, require_encryption
from twin_adapters.credentials import read_password
from twin_runtime.core import SECOND
from twin_runtime.durations import Duration, PositiveDuration
from twin_runtime.errors import ConfigError

PORTS = {"mqtt": 1883, "mqtts": 8883}
"""The schemes of a broker's address and their usual ports; mqtts is MQTT over TLS."""

EXPECTED = "mqtt://HOST:PORT or mqtts://HOST:PORT"

File = Annotated[Path, Field(strict=False)]


class _TidySocket(ssl.SSLSocket):
    """Closes itself when the handshake fails, as paho does not."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


class MqttSettings(BaseModel):
    """How to reach a broker. Durations are nanoseconds here, texts such as "1 h" in the file.

    ``client_id`` is the name of the session: fixed, and used by one process at a time. ``window`` is the largest number
    of messages read and not yet acknowledged. The broker is asked to drop messages of more than ``largest_message``
    bytes, which an MQTT 5 broker does. ``protocol`` is 5, or 4 for MQTT 3.1.1.
    ``subscribe``: the topics or patterns asked for instead of one for each channel; they must hold all of these.
    A password goes over mqtt:// to another machine only if ``insecure`` allows it.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)

    broker: str = "mqtt://127.0.0.1:1883"
    client_id: str = Field(min_length=1)
    username: str | None = None
    password_file: File | None = None
    password_env: str | None = None
    insecure: bool = False
    ca_file: File | None = None
    cert_file: File | None = None
    key_file: File | None = None
    session_expiry: Duration = Field(default=3600 * SECOND, le=0xFFFF_FFFF * SECOND)
    protocol: Literal[4, 5] = 5
    keepalive: PositiveDuration = Field(default=60 * SECOND, ge=SECOND, le=0xFFFF * SECOND)
    timeout: PositiveDuration = 10 * SECOND
    window: int = Field(default=20_000, ge=1)
    retry_min: PositiveDuration = SECOND // 2
    retry_max: PositiveDuration = 30 * SECOND
    subscribe: Annotated[tuple[str, ...], Field(strict=False)] = ()
    largest_message: int = Field(default=262_144, ge=1024, le=268_435_455)

    @field_validator("broker")
    @classmethod
    def _is_an_address(cls, broker: str) -> str:
        parts = parsed(broker, EXPECTED, "name the user by `username`, the password by password_file or password_env")
        if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/"):
            raise ValueError(f"expected {EXPECTED}, got {broker!r}")
        return broker

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.password_file and self.password_env:
            raise ValueError("give the password once: password_file or password_env")
        if self.has_password and self.username is None:
            raise ValueError("a password needs a username")
        if bool(self.cert_file) != bool(self.key_file):
            raise ValueError("cert_file and key_file go together")
        if not self.tls and (self.ca_file or self.cert_file):
            raise ValueError("ca_file and cert_file need an mqtts:// broker")
        if self.has_password and not (self.tls or self.insecure):
            require_encryption("the password", self.broker, "mqtts")
        return self

    def visiting(self) -> "MqttSettings":
        """The same broker for another client, which leaves nothing behind."""
        return self.model_copy(update={"client_id": f"twin-{uuid4().hex[:12]}", "session_expiry": 0})

    def subscriptions(self, topics: Sequence[str]) -> tuple[str, ...]:
        """What to ask the broker for so that it sends these topics; raises ConfigError where one would be left out."""
        if not self.subscribe:
            return tuple(topics)
        for topic in topics:
            if not any(_holds(pattern, topic) for pattern in self.subscribe):
                what = f"expected patterns that hold every topic, got none for '{topic}'"
                raise ConfigError(what, where="mqtt.subscribe", remedy="add it, or leave out `subscribe`")
        return self.subscribe

    @property
    def has_password(self) -> bool:
        """Whether a password is sent to the broker."""
        return bool(self.password_file or self.password_env)

    @property
    def host(self) -> str:
        """The name or address of the broker."""
        return self._address.hostname or ""

    @property
    def port(self) -> int:
        """The broker's port, by default the usual one of the scheme."""
        return self._address.port or PORTS[self._address.scheme]

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self._address.scheme == "mqtts"

    @property
    def _address(self) -> SplitResult:
        return urlsplit(self.broker)

    def password(self) -> str | None:
        """The password, read now. Raises ConfigError where its file or variable is missing."""
        return read_password(self.password_file, self.password_env, "mqtt")

    def tls_context(self) -> ssl.SSLContext | None:
        """Who is trusted and who we are, or None without TLS. Raises ConfigError for files that cannot be used."""
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            context.sslsocket_class = _TidySocket
            if self.cert_file:
                context.load_cert_chain(self.cert_file, self.key_file, password=b"")  # no question on the terminal
        except OSError as error:  # ssl.SSLError is one
            files = ", ".join(str(f) for f in (self.ca_file, self.cert_file, self.key_file) if f)
            remedy = "give readable PEM files: the authority's certificate, our certificate and its key"
            raise ConfigError(f"cannot use {files}: {error}", where="mqtt", remedy=remedy) from error
        return context


def _holds(pattern: str, topic: str) -> bool:
    """Whether a subscription to a pattern gets all that one to a topic or a pattern gets."""
    return topic_matches_sub(pattern, topic) and (not topic.endswith("#") or pattern.endswith("#"))
