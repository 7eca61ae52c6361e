"""Estimates in a real time-series database, read back and compared."""

import asyncio
import json
import socket
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import numpy as np
import pytest
from pydantic import ValidationError

from tests.servers import Server, free_port, influxdb
from twin_adapters.influx import InfluxSettings, InfluxSink, lines, retry_after
from twin_runtime.core import FIGURES, FloatArray, Quantity, Sink, StoredEstimate, Trust, trust_of
from twin_runtime.errors import ConfigError, ConnectionFailed, EstimatesRefused
from twin_runtime.testing import SINK_IDENTITY, SinkTests, some_estimates

MILLISECOND = 1_000_000
LABELS = ("__name__", "twin", "quantity")


def settings(port: int, **changes: object) -> InfluxSettings:
    return InfluxSettings.model_validate(
        {"url": f"http://127.0.0.1:{port}", "org": "ward", "bucket": "twins", **changes}
    )


def stored(victoria: Server, measurement: str = "twin") -> dict[tuple[str, ...], dict[int, float]]:
    """All values by (field, twin, quantity) and time in ns; of values at one time the last one written."""
    base = f"http://127.0.0.1:{victoria.port}"
    urlopen(f"{base}/internal/force_flush").close()
    with urlopen(f"{base}/api/v1/export?start=0&match[]={{__name__=~'{measurement}_.*'}}") as answer:
        series = [json.loads(line) for line in answer]
    return {
        tuple(one["metric"].get(label, "").removeprefix(f"{measurement}_") for label in LABELS):
        {time * MILLISECOND: value for time, value in zip(one["timestamps"], one["values"], strict=True)}
        for one in series
    }  # fmt: skip


class TestAsASink(SinkTests):
    precision = 1e-12  # VictoriaMetrics keeps decimal digits, with one exponent for a block of values

    @pytest.fixture(autouse=True)
    def _storing(self, victoria: Server) -> None:
        self.victoria = victoria

    def sink(self) -> Sink:
        return InfluxSink(settings(self.victoria.port), SINK_IDENTITY)

    def unreachable(self) -> Sink:
        return InfluxSink(settings(free_port()), SINK_IDENTITY)

    async def arrived(self) -> Mapping[tuple[str, int], FloatArray]:
        held = await asyncio.to_thread(stored, self.victoria)
        verdicts = {(twin, time) for (field, twin, _), of in held.items() if field == "verdict_trust" for time in of}
        return {(twin, time): np.array(_figures(held, twin, time)) for twin, time in verdicts}


def _figures(held: dict[tuple[str, ...], dict[int, float]], twin: str, time: int) -> list[list[float]]:
    return [
        [held.get((figure, twin, quantity.name), {}).get(time, np.nan) for figure in FIGURES]
        for quantity in SINK_IDENTITY.type_of(twin).quantities
    ]


@pytest.mark.parametrize("gzip", [False, True])
async def test_verdicts_and_revisions_are_stored_with_the_figures(victoria: Server, gzip: bool) -> None:
    estimates = some_estimates(6, revision=3)
    async with InfluxSink(settings(victoria.port, gzip=gzip, measurement="ward"), SINK_IDENTITY) as sink:
        await sink.send(estimates)
    held = stored(victoria, "ward")
    for estimate in estimates:
        quantities = SINK_IDENTITY.type_of(estimate.twin).quantities
        verdict = {f: held[f"verdict_{f}", estimate.twin, ""][estimate.time] for f in ("trust", "revision")}
        assert verdict == {"trust": estimate.trust, "revision": 3}
        for quantity, standing in zip(quantities, estimate.standing, strict=True):
            of_it = ("trust", "standing", "revision")
            found = [held[figure, estimate.twin, quantity.name][estimate.time] for figure in of_it]
            assert found == [trust_of(estimate.trust, standing), standing, 3]


async def test_a_database_that_goes_away_is_reported_and_written_to_again(victoria: Server) -> None:
    estimates = some_estimates(2)
    async with InfluxSink(settings(victoria.port), SINK_IDENTITY) as sink:
        await sink.send(estimates[:2])
        victoria.stop()
        with pytest.raises(ConnectionFailed, match=r"remedy: start the database.*wait in the store"):
            await sink.send(estimates[2:])
        victoria.start()
        await sink.send(estimates[2:])
    assert {len(of) for of in stored(victoria).values()} == {2}


class TestVersionOne:
    """A real InfluxDB 1.6."""

    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[Server]:
        with influxdb(tmp_path) as server:
            ask(server, "CREATE DATABASE twins")
            yield server

    @pytest.mark.parametrize("gzip", [False, True])
    async def test_it_holds_what_is_sent(self, database: Server, gzip: bool) -> None:
        estimates = some_estimates(3)
        async with InfluxSink(settings(database.port, version=1, org="", gzip=gzip), SINK_IDENTITY) as sink:
            await sink.send(estimates)
            await sink.send(estimates[:1])
        names = [(e, q.name, f) for e in estimates for q, f in zip(_quantities(e), e.figures.tolist(), strict=True)]
        found = ask(database, "SELECT mean, q95, twin, quantity FROM twins..twin")
        held = {(row[0], row[3], row[4]): row[1:3] for row in found}
        assert held == {(e.time, e.twin, name): [figures[0], figures[4]] for e, name, figures in names}

    async def test_what_it_does_not_have_is_told(self, database: Server) -> None:
        async with InfluxSink(settings(database.port, version=1, org="", bucket="other"), SINK_IDENTITY) as sink:
            with pytest.raises(ConnectionFailed, match=r"HTTP 404: .*database not found.*remedy: create `bucket`"):
                await sink.send(some_estimates(1))


def ask(server: Server, query: str) -> list[list[Any]]:
    """The rows that InfluxDB 1 answers."""
    body = urlencode({"q": query, "epoch": "ns"}).encode()
    with urlopen(f"http://127.0.0.1:{server.port}/query", body) as answer:
        [result] = json.load(answer)["results"]
    return result["series"][0]["values"] if "series" in result else []


def _quantities(estimate: StoredEstimate) -> tuple[Quantity, ...]:
    return SINK_IDENTITY.types[estimate.type].quantities


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"version": 1}, "versions 1 and 3 have none"),
        ({"org": ""}, "version 2 needs an `org`"),
        ({"username": "me"}, "`username` goes with `token_env` in version 1"),
    ],
)
def test_a_version_has_its_own_settings(table: dict[str, object], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        settings(1, **table)


class Refusing(BaseHTTPRequestHandler):
    """Answers every request with the status that stands first in its path."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"code": "x", "message": "as you asked"}'
        self.send_response(int(self.path.split("/")[1]))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


async def test_version_three_is_asked_as_it_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its documentation: POST /api/v3/write_lp, the database and the precision in the query, the token as Bearer."""
    asked: list[tuple[str, str | None]] = []

    class Taking(Refusing):
        def do_POST(self) -> None:
            asked.append((self.path, self.headers["Authorization"]))
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

    monkeypatch.setenv("TOKEN", "apiv3_x")
    server = HTTPServer(("127.0.0.1", 0), Taking)
    Thread(target=server.serve_forever, args=(0.01,)).start()
    try:
        table = settings(server.server_port, version=3, org="", token_env="TOKEN")
        async with InfluxSink(table, SINK_IDENTITY) as sink:
            await sink.send(some_estimates(1))
    finally:
        server.shutdown()
        server.server_close()
    assert asked == [("/api/v3/write_lp?db=twins&precision=nanosecond", "Bearer apiv3_x")]


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (400, "log"),
        (401, "token_env"),
        (403, "token"),
        (404, "bucket"),
        (413, "largest"),
        (422, "log"),
        (429, "busy"),
        (503, "tried again"),
    ],
)
async def test_every_refusal_is_reported_with_a_remedy(status: int, remedy: str) -> None:
    server = HTTPServer(("127.0.0.1", 0), Refusing)
    Thread(target=server.serve_forever, args=(0.01,)).start()
    try:
        refused = settings(0, url=f"http://127.0.0.1:{server.server_port}/{status}")
        async with InfluxSink(refused, SINK_IDENTITY) as sink:
            kind = EstimatesRefused if status in (400, 413, 422) else ConnectionFailed
            with pytest.raises(kind, match=f"HTTP {status}: as you asked; remedy: .*{remedy}"):
                await sink.send(some_estimates(1))
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (None, 0),
        ({}, 0),
        ({"Retry-After": "17"}, 17),
        ({"Retry-After": "soon"}, 0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:01:40 GMT"}, 90),
        ({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
    ],
)
def test_a_database_may_ask_to_be_left_alone_for_a_while(headers: dict[str, str] | None, seconds: float) -> None:
    assert retry_after(headers, now=10.0) == seconds


async def test_a_database_that_never_answers_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        patience = settings(mute.getsockname()[1], timeout="200 ms")
        async with InfluxSink(patience, SINK_IDENTITY) as sink:
            with pytest.raises(ConnectionFailed, match="timed out"):
                await sink.send(some_estimates(1))


def test_line_protocol_is_escaped_and_a_revision_overwrites() -> None:
    first, second = (some_estimates(1, revision)[1]._replace(reasons=("age", 'a "b"\\')) for revision in (0, 1))
    second.figures[0] = (1.0, np.nan, np.inf, 1e-300, -2.5)
    written = list(lines(second, SINK_IDENTITY, "my twin"))
    trust = int(Trust.DEGRADED)
    assert written[0] == (
        r"my\ twin_verdict,twin=patient\ 2\,\ left "
        rf"trust={trust}i,revision=1i,valid_until=1600000005000000000i,"
        r'reasons="age,a \"b\"\\",model_hash="5eed" 1600000000000000000'
    )
    assert written[1] == (
        r"my\ twin,quantity=pressure,twin=patient\ 2\,\ left "
        rf"mean=1.0,q50=1e-300,q95=-2.5,trust={trust}i,standing=0i,revision=1i,"
        "valid_until=1600000005000000000i 1600000000000000000"
    )
    assert [point(line) for line in written] == [point(line) for line in lines(first, SINK_IDENTITY, "my twin")]


def point(line: str) -> tuple[str, str]:
    """What decides which point a line overwrites: its series and its time."""
    series, _, rest = line.replace("\\ ", "_").partition(" ")
    return series, rest.rpartition(" ")[2]


def test_what_line_protocol_cannot_carry_becomes_an_underscore() -> None:
    estimate = some_estimates(1)[0]._replace(twin="a\nb\\")
    assert next(lines(estimate, SINK_IDENTITY, "twin")).startswith("twin_verdict,twin=a_b_ ")


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"url": "127.0.0.1:8086"}, "should match pattern"),
        ({"bucket": ""}, "at least 1 character"),
        ({"orgg": "x"}, "Extra inputs"),
    ],
)
def test_a_mistake_in_the_table_is_reported(wrong: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        settings(8086, **wrong)


def test_the_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIN_TOKEN", "hush")
    assert settings(8086, token_env="TWIN_TOKEN").token() == "hush"
    monkeypatch.delenv("TWIN_TOKEN")
    with pytest.raises(ConfigError, match="no variable TWIN_TOKEN"):
        settings(8086, token_env="TWIN_TOKEN").token()
