"""Estimates in a real time-series database, read back and compared."""

import asyncio
import json
import socket
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest
from pydantic import ValidationError

from tests.servers import Server, free_port
from twin_adapters.influx import InfluxSettings, InfluxSink, lines, retry_after
from twin_runtime.core import FIGURES, FloatArray, Sink, Trust
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
        names = (quantity.name for quantity in SINK_IDENTITY.type_of(estimate.twin).quantities)
        for place in [("verdict_{}", ""), *(("{}", name) for name in names)]:
            found = {f: held[place[0].format(f), estimate.twin, place[1]][estimate.time] for f in ("trust", "revision")}
            assert found == {"trust": estimate.trust, "revision": 3}


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
        rf"mean=1.0,q50=1e-300,q95=-2.5,trust={trust}i,revision=1i,valid_until=1600000005000000000i 1600000000000000000"
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
