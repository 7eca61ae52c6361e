"""The ``[opcua]`` table of a configuration: which server, who we are to it, and how it samples."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from twin_adapters.addresses import parsed, require_encryption
from twin_adapters.credentials import read_password
from twin_runtime.core import SECOND
from twin_runtime.durations import Duration, PositiveDuration

EXPECTED = "opc.tcp://HOST:PORT"
File = Annotated[Path, Field(strict=False)]


class OpcuaSettings(BaseModel):
    """How to reach a server. Durations are nanoseconds here, texts such as "1 s" in the file.

    The server samples every ``sampling`` (by default, ``publishing``) and sends every ``publishing`` what has changed,
    at most ``queue`` values a node. ``trigger``: whether a change is one of the value, or one of its ``time`` alone.
    ``time``: whose timestamps are the times of readings. ``confirm``: how often a value that has not changed is
    confirmed while the subscription lives; "0 s" for never. ``policy`` other than ``none`` needs our certificate and
    key, and the certificate of the server, which is the only one that is trusted. A user has a name and a password, or
    a certificate and key of its own.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)

    server: str = Field(description="the address of the server", examples=["opc.tcp://127.0.0.1:4840"])
    username: str | None = None
    password_file: File | None = None
    password_env: str | None = None
    user_cert_file: File | None = None
    user_key_file: File | None = None
    insecure: bool = False
    policy: Literal["none", "Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"] = "none"
    mode: Literal["sign", "sign-and-encrypt"] = "sign-and-encrypt"
    cert_file: File | None = None
    key_file: File | None = None
    server_cert_file: File | None = None
    publishing: PositiveDuration = Field(
        default=SECOND // 10, description="how often the server sends what has changed", examples=["100 ms"]
    )
    sampling: Duration | None = Field(default=None, description="how often it samples a node", examples=["100 ms"])
    queue: int = Field(default=100, ge=1, le=100_000, description="how many values of a node it holds for us at most")
    trigger: Literal["value", "time"] = "value"
    time: Literal["source", "server"] = "source"
    confirm: Duration = Field(
        default=SECOND, description="how often a value that has not changed is confirmed", examples=["1 s"]
    )
    timeout: PositiveDuration = 10 * SECOND
    retry_min: PositiveDuration = SECOND // 2
    retry_max: PositiveDuration = 30 * SECOND

    @field_validator("server")
    @classmethod
    def _is_an_address(cls, server: str) -> str:
        parts = parsed(server, EXPECTED, "name the user by `username`, the password by password_file or password_env")
        if parts.scheme != "opc.tcp" or not parts.hostname:
            raise ValueError(f"expected {EXPECTED}, got {server!r}")
        return server

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.password_file and self.password_env:
            raise ValueError("give the password once: password_file or password_env")
        if self.has_password and self.username is None:
            raise ValueError("a password needs a username")
        if bool(self.user_cert_file) != bool(self.user_key_file):
            raise ValueError("user_cert_file and user_key_file go together")
        if self.user_cert_file and self.username:
            raise ValueError("a user is known by a name or by a certificate, not by both")
        files = (self.cert_file, self.key_file, self.server_cert_file)
        if self.policy != "none" and None in files:
            raise ValueError("a policy needs cert_file and key_file of our own, and server_cert_file of the server")
        if self.policy == "none" and any(files):
            raise ValueError('certificates need a policy such as policy = "Basic256Sha256"')
        if self.has_password and not (self.is_encrypted or self.insecure):
            require_encryption("the password", self.server, 'policy = "Basic256Sha256" and opc.tcp')
        return self

    def visiting(self) -> "OpcuaSettings":
        """The same: each client has a subscription of its own."""
        return self

    @property
    def has_password(self) -> bool:
        """Whether a password is sent to the server."""
        return bool(self.password_file or self.password_env)

    @property
    def is_encrypted(self) -> bool:
        """Whether nobody on the way can read what is sent."""
        return self.policy != "none" and self.mode == "sign-and-encrypt"

    @property
    def host(self) -> str:
        """The name or address of the server."""
        return urlsplit(self.server).hostname or ""

    def password(self) -> str | None:
        """The password, read now. Raises ConfigError where its file or variable is missing."""
        return read_password(self.password_file, self.password_env, "opcua")
