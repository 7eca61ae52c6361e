"""Estimates in InfluxDB 1, 2 or 3, or in any database that has one of their write APIs, such as VictoriaMetrics.

Two kinds of points for every estimate, stamped with its valid time in nanoseconds:

- measurement ``twin``, tags ``twin`` and ``quantity``: fields ``mean``, ``sd``, ``q05``, ``q50``, ``q95``,
  ``revision``, ``valid_until``, ``standing`` (0 measured, 1 inferred, 2 unverified, 3 assumed, 4 contradicted), and
  ``trust``: that of the twin, but no more than the quantity's standing allows. A figure that is not finite is left out.
- measurement ``twin_verdict``, tag ``twin``: fields ``trust`` (0 trusted, 1 degraded, 2 untrusted), ``revision``,
  ``valid_until`` (ns; later the verdict says nothing of the asset), and the texts ``reasons`` (names of checks, joined
  by commas) and ``model_hash``.

Trust and revision are fields and not tags, so that a later revision overwrites the points of the earlier one.
"""

import asyncio
import gzip
import time
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Annotated, Literal, Self
from urllib.parse import urlencode, urlsplit

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from urllib3 import PoolManager, make_headers
from urllib3.exceptions import HTTPError

from twin_adapters.addresses import is_loopback, parsed, require_encryption, warn_of_clear_text
from twin_adapters.credentials import read_token
from twin_runtime.core import FIGURES, SECOND, StoredEstimate
from twin_runtime.durations import PositiveDuration
from twin_runtime.errors import ConnectionFailed, EstimatesRefused
from twin_runtime.store.identity import Identity

NotEmpty = Annotated[str, Field(min_length=1)]


class InfluxSettings(BaseModel):
    """The ``[sinks.influx]`` table. Durations are nanoseconds here, texts such as "10 s" in the file.

    ``version`` 1 and 3 know no ``org``; the ``bucket`` is then the database, in version 1 with a retention policy after
    a slash if need be. Version 1 takes the token for the password of ``username``.
    A token goes over http:// to another machine only if ``insecure`` allows it.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)

    url: str = Field(
        pattern=r"^https?://", description="where the database listens", examples=["http://127.0.0.1:8086"]
    )
    version: Literal[1, 2, 3] = Field(default=2, description="the generation of InfluxDB whose write API is used")
    org: str = Field(default="", description="the organisation, for version 2", examples=["clinic"])
    bucket: NotEmpty = Field(description="the bucket to write to", examples=["twins"])
    token_env: str | None = Field(
        default=None, description="the variable that holds the token", examples=["INFLUX_TOKEN"]
    )
    username: str | None = Field(default=None, description="the user, for version 1")
    insecure: bool = Field(default=False, description="true to send the token over http:// to another machine")
    measurement: NotEmpty = Field(default="twin", description="the name of the points")
    gzip: bool = Field(default=False, description="compress what is sent")
    timeout: PositiveDuration = Field(default=10 * SECOND, description="how long to wait for an answer")

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parsed(url, "http://HOST:PORT or https://HOST:PORT", "name the variable that holds the token by `token_env`")
        return url

    @model_validator(mode="after")
    def _token_is_safe(self) -> Self:
        if bool(self.org) != (self.version == 2):
            raise ValueError("version 2 needs an `org`, versions 1 and 3 have none")
        if (self.username is not None) != (self.version == 1 and self.token_env is not None):
            raise ValueError("`username` goes with `token_env` in version 1, and only there")
        if self.token_env and self.in_the_clear and not self.insecure:
            require_encryption("the token", self.url, "https")
        return self

    @property
    def in_the_clear(self) -> bool:
        """Whether what is sent can be read on its way to another machine."""
        parts = urlsplit(self.url)
        return parts.scheme == "http" and not is_loopback(parts.hostname or "")

    def token(self) -> str:
        """The token, read now; "" where none is named. Raises ConfigError where its variable cannot be used."""
        return read_token(self.token_env, "sinks.influx") if self.token_env is not None else ""


class InfluxSink:
    """A :class:`twin_runtime.core.Sink` that writes points; raises ConnectionFailed for whatever keeps them out.

    Raises EstimatesRefused where the database does not accept the points themselves.
    """

    name = "influx"

    def __init__(self, settings: InfluxSettings, identity: Identity) -> None:
        self.settings = settings
        self.identity = identity
        self._client: InfluxDBClient | None = None
        self._pool = PoolManager(retries=False)
        self._token = ""

    async def __aenter__(self) -> Self:
        s = self.settings
        self._token = s.token()
        if self._token and s.in_the_clear:
            warn_of_clear_text("the token", s.url)
        self._client = InfluxDBClient(
            s.url, self._token, timeout=s.timeout // 1_000_000, enable_gzip=s.gzip, org=s.org, retries=False
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()  # type: ignore[no-untyped-call]
        self._pool.clear()

    async def send(self, estimates: Sequence[StoredEstimate]) -> None:
        """Write them all in one request; returns when the database has answered that it took them."""
        if estimates:
            body = "\n".join(line for e in estimates for line in lines(e, self.identity, self.settings.measurement))
            await asyncio.to_thread(self._write, body)

    def _write(self, body: str) -> None:
        assert self._client is not None, "send outside of `async with`"
        try:
            if self.settings.version == 2:
                with self._client.write_api(write_options=SYNCHRONOUS) as api:
                    api.write(self.settings.bucket, record=body, write_precision=WritePrecision.NS)
            else:
                self._post(body.encode())
        except ApiException as error:
            what, remedy = f"HTTP {error.status}: {self._answer(error)}", _remedy(error.status)
            if error.status in REFUSES_POINTS:
                raise EstimatesRefused(what, where=self.settings.url, remedy=remedy) from error
            wish = retry_after(error.headers)
            raise ConnectionFailed(what, where=self.settings.url, remedy=remedy, retry_after=wish) from error
        except HTTPError as error:
            remedy = "start the database, or correct `url`; the estimates wait in the store"
            raise ConnectionFailed(str(error), where=self.settings.url, remedy=remedy) from error

    def _post(self, body: bytes) -> None:
        """Write over the API of version 1 or 3, for which the client library has no call."""
        s = self.settings
        database, _, policy = s.bucket.partition("/")
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        if s.version == 1:
            path, query = "write", {"db": database, "precision": "ns", **({"rp": policy} if policy else {})}
            headers |= make_headers(basic_auth=f"{s.username}:{self._token}") if self._token else {}
        else:
            path, query = "api/v3/write_lp", {"db": s.bucket, "precision": "nanosecond"}
            headers |= {"Authorization": f"Bearer {self._token}"} if self._token else {}
        if s.gzip:
            body, headers = gzip.compress(body), headers | {"Content-Encoding": "gzip"}
        address = f"{s.url.rstrip('/')}/{path}?{urlencode(query)}"
        answer = self._pool.request("POST", address, body=body, headers=headers, timeout=s.timeout / SECOND)
        if answer.status >= 300:
            raise ApiException(http_resp=answer)  # type: ignore[no-untyped-call]

    def _answer(self, error: ApiException) -> str:
        """What the database answered, without our token should it repeat that."""
        text = str(error.message or error.reason or "")
        return (text.replace(self._token, "***") if self._token else text)[:200]


REFUSES_POINTS = (400, 413, 422)
"""Answers about the points themselves. All others may change, by time or by an administrator, and are tried again."""

REMEDIES: Mapping[int, str] = {
    400: "look at the database's log: it does not accept these points",
    401: "give a token that the database knows, in the variable that `token_env` names",
    403: "allow the token to write to `bucket`",
    404: "create `bucket` in `org`, or correct their names; `version` must be the database's (2: also from 1.8 on)",
    413: "raise the largest request that the database accepts",
    422: "look at the database's log: it does not accept these points, as those older than its retention",
    429: "the database is busy; it is tried again",
}
"""What to do about each refusal."""


def _remedy(status: int | None) -> str:
    return REMEDIES.get(status or 0, "look at the database's log; it is tried again")


def retry_after(headers: Mapping[str, str] | None, now: float | None = None) -> float:
    """The seconds to wait for which an answer asks, as a number or as a date; 0 where it does not."""
    asked = ((headers or {}).get("Retry-After") or "").strip()
    try:
        if asked.isdecimal():
            return float(asked)
        return max(0.0, parsedate_to_datetime(asked).timestamp() - (time.time() if now is None else now))
    except ValueError:
        return 0.0


def lines(estimate: StoredEstimate, identity: Identity, measurement: str) -> Iterator[str]:
    """Line protocol of one estimate: a line for its verdict and one for each quantity."""
    known = identity.types[estimate.type]
    issued = f"revision={estimate.revision}i,valid_until={estimate.valid_until}i"
    texts = f"reasons={text(','.join(estimate.reasons))},model_hash={text(known.model_hash)}"
    twin, name = name_of(estimate.twin), measurement_of(measurement)
    yield f"{name}_verdict,twin={twin} trust={int(estimate.trust)}i,{issued},{texts} {estimate.time}"
    columns = zip(known.quantities, estimate.figures.tolist(), estimate.standing, estimate.quantity_trust, strict=True)
    for quantity, figures, standing, trust in columns:
        finite = (f"{figure}={value!r}," for figure, value in zip(FIGURES, figures, strict=True) if isfinite(value))
        own = f"trust={int(trust)}i,standing={int(standing)}i,{issued}"
        yield f"{name},quantity={name_of(quantity.name)},twin={twin} {''.join(finite)}{own} {estimate.time}"


def measurement_of(word: str) -> str:
    """A measurement in line protocol."""
    return _escaped(word, ", ")


def name_of(word: str) -> str:
    """A tag's value in line protocol."""
    return _escaped(word, ",= ")


def text(value: str) -> str:
    """A text field in line protocol: quoted, with quotes and backslashes escaped."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _escaped(word: str, special: str) -> str:
    """Special characters get a backslash; backslashes and control characters, which cannot be written, become "_"."""
    plain = ("_" if character < " " or character == "\\" else character for character in word)
    return "".join(f"\\{character}" if character in special else character for character in plain)
