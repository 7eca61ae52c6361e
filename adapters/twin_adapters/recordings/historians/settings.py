"""The query of a recording, one small TOML file: which database, from when until when, which series."""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from twin_adapters.addresses import is_loopback, parsed, require_encryption
from twin_adapters.credentials import read_password, read_token
from twin_adapters.recordings.notation import Moment
from twin_runtime.config.document import Document, Problem
from twin_runtime.config.explain import validated
from twin_runtime.config.sections import Section, Text
from twin_runtime.core import SECOND
from twin_runtime.durations import PositiveDuration
from twin_runtime.errors import ConfigError

_LABELS = r"""\{(?:[^{}"'`]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)*\}"""
_SELECTOR = re.compile(rf"\s*(?:[a-zA-Z_:][\w:]*\s*(?:{_LABELS})?|{_LABELS})\s*", re.ASCII)
"""What names series and nothing else, in PromQL."""


class Database(Section):
    """Where a database listens, how it is asked, and between which times."""

    url: str = Field(
        pattern=r"^https?://", description="where the database listens", examples=["http://127.0.0.1:8428"]
    )
    begin: Moment = Field(alias="from", description="the first moment, unquoted: from = 2026-01-01T00:00:00Z")
    end: Moment = Field(alias="until", description="the moment before which it ends: until = 2026-01-02T00:00:00Z")
    chunk: PositiveDuration = Field(default=6 * 3600 * SECOND, description="how much one request asks for")
    timeout: PositiveDuration = Field(default=60 * SECOND, description="how long to wait for one answer")
    token_env: str = Field(default="", description="the variable that holds the token", examples=["INFLUX_TOKEN"])
    user: str = Field(default="", description="the name to log in with, where there is no token")
    password_env: str = Field(default="", description="the variable that holds the password of `user`")
    insecure: bool = Field(default=False, description="true to send credentials over http:// to another machine")

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parsed(url, "http://HOST:PORT or https://HOST:PORT", "name the variable that holds the token by `token_env`")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _secret_is_safe(self) -> Self:
        if self.has_secret and not self.insecure and not self.url.startswith("https"):
            require_encryption("the token or password", self.url, "https")
        return self

    @property
    def has_secret(self) -> bool:
        """Whether anything secret is sent."""
        return bool(self.token_env or self.password_env)

    @property
    def in_the_clear(self) -> bool:
        """Whether what is sent can be read on its way to another machine."""
        parts = urlsplit(self.url)
        return parts.scheme == "http" and not is_loopback(parts.hostname or "")


class Prometheus(Database):
    """``[prometheus]``: Prometheus, or what answers like it (VictoriaMetrics, Thanos, Mimir)."""

    step: PositiveDuration | None = Field(
        default=None, description="evaluate so often, instead of the samples as they were stored", examples=["15 s"]
    )


class Influx(Database):
    """``[influx]``: InfluxDB of any version."""

    version: Literal[1, 2, 3] = Field(description="1 or 3: asked by InfluxQL; 2: by Flux", examples=[2])
    database: Text = Field(description="the database, of version 2 the bucket", examples=["plant"])
    org: str = Field(default="", description="the organisation, of version 2", examples=["clinic"])


class Wanted(Section):
    """``[series.NAME]``: one column of the recording."""

    query: str = Field(default="", description="a selector or an expression of PromQL", examples=['temp{room="1"}'])
    measurement: str = Field(default="", description="the measurement of InfluxDB", examples=["climate"])
    field: str = Field(default="", description="the field of the measurement", examples=["temperature"])
    tags: dict[str, str] = Field(default={}, description="values that tags must have", examples=[{"room": "1"}])
    unit: str = Field(default="", description="the unit of the values, for a mapping to compare", examples=["degC"])


class Query(Section):
    """A whole query file: one database, and a table for each series."""

    prometheus: Prometheus | None = Field(default=None, description="a database that is asked by PromQL")
    influx: Influx | None = Field(default=None, description="an InfluxDB")
    series: dict[str, Wanted] = Field(description="a table [series.NAME] for each column")

    @property
    def database(self) -> Database:
        """The one that is given."""
        found = self.prometheus or self.influx
        assert found is not None, "settled when the file was read"
        return found


def read_query(path: Path) -> Query:
    """Read a query file. Raises :class:`ConfigError` telling every problem by file, line and key."""
    document = Document.read(path)
    if not document.data.keys() & {"prometheus", "influx"}:
        remedy = "name a file of recorded data, a mapping ([[streams]]), or a query that says where to ask"
        raise ConfigError("expected [prometheus] or [influx], came neither", where=str(path), remedy=remedy)
    query = validated(Query, document)
    if problems := list(_disagreements(query)):
        raise document.error(problems)
    return query


def _disagreements(query: Query) -> Iterator[Problem]:
    if query.prometheus is not None and query.influx is not None:
        yield Problem((), "expected [prometheus] or [influx], got both", "give one table that says where to ask")
        return
    table = "prometheus" if query.influx is None else "influx"
    if query.database.end <= query.database.begin:
        yield Problem((table, "until"), "expected a moment after `from`", "exchange the two")
    if query.influx is not None and query.influx.version == 2 and not query.influx.org:
        yield Problem(("influx",), "expected `org` for version 2, got none", "name the organisation of the bucket")
    if not query.series:
        yield Problem(("series",), "expected at least one table [series.NAME], got none", "add one for each column")
    if query.prometheus is not None and query.prometheus.step is None:
        yield from (problem for name, wanted in query.series.items() for problem in _no_selector(name, wanted))
    for name, wanted in query.series.items():
        yield from _wrong_keys(name, wanted, ("query",) if query.influx is None else ("measurement", "field"))


def _no_selector(name: str, wanted: Wanted) -> Iterator[Problem]:
    """Of what is no selector there are no stored samples; VictoriaMetrics would evaluate it at steps of its own."""
    if wanted.query and not _SELECTOR.fullmatch(wanted.query):
        what = f'expected a selector such as temp{{room="1"}}, got {wanted.query!r}'
        yield Problem(("series", name, "query"), what, "give [prometheus] a `step` at which to evaluate it")


def _wrong_keys(name: str, wanted: Wanted, needed: tuple[str, ...]) -> Iterator[Problem]:
    for key in needed:
        if not getattr(wanted, key):
            yield Problem(("series", name), f"expected `{key}`, got none", Wanted.model_fields[key].description or "")
    others = {"query", "measurement", "field", "tags"} - {*needed, *(("tags",) if "field" in needed else ())}
    for key in sorted(others & wanted.model_fields_set):
        yield Problem(
            ("series", name, key), f"nothing reads `{key}` here", "delete it: this database is asked another way"
        )


def authorization(database: Database, table: str, scheme: str) -> Mapping[str, str]:
    """The header that shows who asks, read from the environment now; ``scheme`` is that of tokens."""
    if database.token_env:
        return {"Authorization": f"{scheme} {read_token(database.token_env, table)}"}
    if database.password_env:
        pair = f"{database.user}:{read_password(None, database.password_env, table)}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    return {}
