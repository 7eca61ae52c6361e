"""What real databases hold, read back as a recording; of InfluxDB 2, which has no package, an answer as documented."""

import gzip
import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar
from urllib.parse import parse_qs
from urllib.request import Request, urlopen

import numpy as np
import pytest

from tests.adapters.recordings.conftest import Load
from tests.conftest import REPOSITORY
from tests.servers import Server, free_port, influxdb, victoria_metrics
from twin_adapters.recordings import Layout, Table, load
from twin_adapters.recordings.historians import read
from twin_adapters.recordings.historians.flux import script
from twin_adapters.recordings.historians.influxql import statement
from twin_adapters.recordings.historians.settings import Wanted, read_query
from twin_runtime.core import SECOND
from twin_runtime.errors import ConfigError, RecordingError

NOON = 1_577_880_000 * SECOND
COUNT = 600
VALUES = 20 + np.arange(COUNT) / 8
Write = Callable[..., Table]


@pytest.fixture
def asked(tmp_path: Path) -> Write:
    """``asked(table, url, series, **more)``: the answer to a query file."""

    def write(table: str, url: str, series: str, **more: object) -> Table:
        span = 'from = 2020-01-01T12:00:00Z\nuntil = 2020-01-01T12:10:00Z\nchunk = "100 s"\n'
        keys = "".join(f"{name} = {json.dumps(value)}\n" for name, value in more.items())
        (tmp_path / "q.toml").write_text(f'[{table}]\nurl = "{url}"\n{span}{keys}{series}')
        return read(tmp_path / "q.toml", Layout())

    return write


def held(table: Table, column: str) -> tuple[list[int], list[float]]:
    values = table.numbers(column)
    there = ~np.isnan(values)
    return ((table.column("time").astype(np.int64) - NOON)[there]).tolist(), values[there].tolist()


def post(url: str, body: str) -> None:
    urlopen(Request(url, body.encode())).close()


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A VictoriaMetrics with two series of a sample a second, in which one sample is missing."""
    with victoria_metrics(tmp_path_factory.mktemp("victoria")) as server:
        times = [NOON // 10**6 + 1000 * place for place in range(COUNT)]
        for shift, place in enumerate(("supply", "return")):
            one = {
                "metric": {"__name__": "temp", "place": place},
                "values": (VALUES + shift).tolist(),
                "timestamps": times,
            }
            post(f"http://127.0.0.1:{server.port}/api/v1/import", json.dumps(one))
        urlopen(f"http://127.0.0.1:{server.port}/internal/force_flush").close()
        yield server


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An InfluxDB 1 with points of two rooms, at times that milliseconds cannot tell."""
    with influxdb(tmp_path_factory.mktemp("influx")) as server:
        url = f"http://127.0.0.1:{server.port}"
        post(f"{url}/query", "q=CREATE+DATABASE+plant")
        lines = [
            f'climate,room={room} t={20 + place / 8},n={place}i,ok=true,word="x" {NOON + place * SECOND + place}'
            for place in range(COUNT)
            for room in ("a b", "c'd")
        ]
        body = "\n".join(lines).replace("a b", "a\\ b")
        post(f"{url}/write?db=plant", body)
        yield server


def test_stored_samples_come_as_they_were_stored(metrics: Server, asked: Write) -> None:
    series = '[series.supply]\nquery = \'temp{place="supply"}\'\nunit = "degC"\n'
    table = asked("prometheus", f"http://127.0.0.1:{metrics.port}", series)
    assert (list(table.names), dict(table.units)) == (["time", "supply"], {1: "degC"})
    times, values = held(table, "supply")
    assert times == [place * SECOND for place in range(COUNT)]
    assert values == VALUES.tolist()


def test_a_query_of_several_series_is_a_column_for_each(metrics: Server, asked: Write) -> None:
    table = asked("prometheus", f"http://127.0.0.1:{metrics.port}", "[series.t]\nquery = 'temp'\n")
    assert list(table.names) == ["time", "t{place=return}", "t{place=supply}"]
    assert held(table, "t{place=return}")[1] == (VALUES + 1).tolist()
    assert table.titles[1] == "temp{place=return}"


def test_an_expression_is_evaluated_at_every_step(metrics: Server, asked: Write) -> None:
    series = '[series.drop]\nquery = \'temp{place="supply"} - ignoring(place) temp{place="return"}\'\n'
    table = asked("prometheus", f"http://127.0.0.1:{metrics.port}", series, step="15 s")
    assert held(table, "drop") == ([place * 15 * SECOND for place in range(40)], [-1.0] * 40)
    with pytest.raises(ConfigError, match=r"expected a selector such as .*; remedy: give \[prometheus\] a `step`"):
        asked("prometheus", f"http://127.0.0.1:{metrics.port}", series)


def test_a_mapping_replays_what_a_database_holds(metrics: Server, asked: Write, load_mapping: Load) -> None:
    asked(
        "prometheus",
        f"http://127.0.0.1:{metrics.port}",
        '[series.t]\nquery = \'temp{place="supply"}\'\nunit = "degC"\n',
    )
    stream = '[[streams]]\nchannel = "outlet"\nfile = "q.toml"\nvalue = "t"\ntime_unit = "iso"\n'
    recording = load_mapping(stream + 'unit = "degC"')
    assert (recording.start, recording.end, len(recording)) == (NOON, NOON + 599 * SECOND, COUNT)
    with pytest.raises(RecordingError, match="column 't' is in 'degC', the mapping says 'K'"):
        load_mapping(stream + 'unit = "K"')


def test_a_recording_out_of_a_database_is_that_of_the_file(
    points: Server, tmp_path: Path, recording: Callable[[str], Path]
) -> None:
    """A run of the pipe, written to a database channel by channel."""
    file = load(REPOSITORY / "deploy" / "examples" / "pipe-150801.recording.toml", recording("pipe"))
    url = f"http://127.0.0.1:{points.port}"
    post(f"{url}/write?db=plant", "\n".join(f"pipe {r.channel}={r.value!r} {r.time}" for r in file.readings()))
    span = "from = 2015-08-01T00:00:00Z\nuntil = 2015-08-02T00:00:00Z\n"
    query = f'[influx]\nurl = "{url}"\nversion = 1\ndatabase = "plant"\n{span}'
    mapping = '[recording]\nname = "pipe-150801"\nfile = "q.toml"\ntime_unit = "iso"\n'
    for channel, unit in file.units.items():
        query += f'[series.{channel}]\nmeasurement = "pipe"\nfield = "{channel}"\nunit = "{unit}"\n'
        mapping += f'[[streams]]\nchannel = "{channel}"\nvalue = "{channel}"\nunit = "{unit}"\n'
    (tmp_path / "q.toml").write_text(query)
    (tmp_path / "m.toml").write_text(mapping)
    again = load(tmp_path / "m.toml")
    assert list(again.readings()) == [reading._replace(twin="") for reading in file.readings()]


def test_influxql_reads_every_kind_of_number_to_the_nanosecond(points: Server, asked: Write) -> None:
    series = "".join(
        f'[series.{field}]\nmeasurement = "climate"\nfield = "{field}"\ntags = {{ room = "c\'d" }}\n'
        for field in ("t", "n", "ok")
    )
    table = asked("influx", f"http://127.0.0.1:{points.port}", series, version=1, database="plant")
    times, values = held(table, "t")
    assert times == [place * SECOND + place for place in range(COUNT)]
    assert values == VALUES.tolist()
    assert held(table, "n")[1] == list(range(COUNT))
    assert held(table, "ok")[1] == [1.0] * COUNT


def test_tags_that_are_not_asked_for_are_columns(points: Server, asked: Write) -> None:
    series = '[series.t]\nmeasurement = "climate"\nfield = "t"\n'
    table = asked("influx", f"http://127.0.0.1:{points.port}", series, version=1, database="plant")
    assert table.names == ["time", "t{room=a b}", "t{room=c'd}"]


REFUSED: dict[str, tuple[dict[str, object], str, str]] = {
    "no such database": ({"database": "nope"}, "t", "answered: database not found: nope"),
    "no such field": ({"database": "plant"}, "zz", "holds nothing of series 's' in that time; remedy: mend its query"),
    "a field of texts": ({"database": "plant"}, "word", "expected numbers in field 'word', came 'x'"),
    "another version": ({"database": "plant", "version": 2, "org": "x"}, "t", "answered HTTP 404: .*; remedy: correct"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_database_refuses_is_reported(case: str, points: Server, asked: Write) -> None:
    keys, field, words = REFUSED[case]
    series = f'[series.s]\nmeasurement = "climate"\nfield = "{field}"\n'
    with pytest.raises(RecordingError, match=rf"q\.toml: .*{words}.*"):
        asked("influx", f"http://127.0.0.1:{points.port}", series, **{"version": 1, **keys})


def test_a_query_that_is_wrong_says_what_the_database_says(metrics: Server, asked: Write) -> None:
    with pytest.raises(RecordingError, match=r"answered HTTP 4\d\d: .*(unparsed|parse|missing).*; remedy: "):
        asked("prometheus", f"http://127.0.0.1:{metrics.port}", "[series.x]\nquery = 'sum((temp'\n", step="1 min")


def test_a_database_that_is_not_there_is_reported(asked: Write) -> None:
    with pytest.raises(RecordingError, match=r"no answer from http://127\.0\.0\.1:\d+: .*refused; remedy: start"):
        asked("prometheus", f"http://127.0.0.1:{free_port()}", "[series.x]\nquery = 'temp'\n")


class Scripted(BaseHTTPRequestHandler):
    """Answers with what stands in ``answers`` for its path, bytes as packed, and keeps what it was asked."""

    answers: ClassVar[dict[str, tuple[int, str | bytes]]] = {}
    seen: ClassVar[list[tuple[str, str | None, bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.path, self.headers["Authorization"], body))
        status, text = self.answers[self.path.partition("?")[0]]
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        if isinstance(text, bytes):
            self.send_header("Content-Encoding", "gzip")
        content = text if isinstance(text, bytes) else text.encode()
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def scripted() -> Iterator[str]:
    """The address of a server that answers by script."""
    Scripted.answers, Scripted.seen = {}, []
    server = HTTPServer(("127.0.0.1", 0), Scripted)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


FLUX = (
    ",result,table,_start,_stop,_time,_value,_field,_measurement,room\r\n"
    ",_result,0,2020-01-01T12:00:00Z,2020-01-01T12:10:00Z,2020-01-01T12:00:00.000000001Z,21.5,t,climate,a\r\n"
    ",_result,0,2020-01-01T12:00:00Z,2020-01-01T12:10:00Z,2020-01-01T12:00:01Z,,t,climate,a\r\n"
    ",_result,0,2020-01-01T12:00:00Z,2020-01-01T12:10:00Z,2020-01-01T12:00:02Z,22.5,t,climate,a\r\n\r\n"
    ",result,table,_start,_stop,_time,_value,_field,_measurement\r\n"
    ",_result,1,2020-01-01T12:00:00Z,2020-01-01T12:10:00Z,2020-01-01T12:00:03.5Z,true,t,climate\r\n\r\n"
)
SERIES = '[series.t]\nmeasurement = "climate"\nfield = "t"\n'
VERSION_2 = {"version": 2, "database": "plant", "org": "my clinic"}


def test_flux_is_read_to_the_nanosecond(scripted: str, asked: Write) -> None:
    Scripted.answers = {"/api/v2/query": (200, FLUX)}
    table = asked("influx", scripted, SERIES, **VERSION_2)
    assert list(table.names) == ["time", "t", "t{room=a}"]
    assert held(table, "t{room=a}")[0][:2] == [1, 2 * SECOND]
    assert held(table, "t")[1][0] == 1.0
    path, _, body = Scripted.seen[0]
    assert path == "/api/v2/query?org=my%20clinic"
    assert json.loads(body)["query"].startswith(
        f'from(bucket: "plant") |> range(start: time(v: {NOON}), stop: time(v: '
    )
    assert len(Scripted.seen) == 6


def test_an_error_within_an_answer_of_flux_is_reported(scripted: str, asked: Write) -> None:
    Scripted.answers = {"/api/v2/query": (200, FLUX + "error,reference\r\nengine: out of memory,897\r\n")}
    with pytest.raises(RecordingError, match="answered: engine: out of memory; remedy"):
        asked("influx", scripted, SERIES, **VERSION_2)


def test_names_cannot_leave_their_quotes() -> None:
    wanted = Wanted(measurement='m" or ${x}', field="f\\", tags={"a'b": "c'; DROP"})
    assert script('b"', wanted, 0, 1) == (
        'from(bucket: "b\\"") |> range(start: time(v: 0), stop: time(v: 1)) |> filter(fn: (r) => '
        'r["_measurement"] == "m\\" or \\${x}" and r["_field"] == "f\\\\" and r["a\'b"] == "c\'; DROP")'
    )
    assert statement(wanted, 0, 1).endswith("AND \"a'b\" = 'c\\'; DROP' GROUP BY *")


SECRET = "s3cret-of-mine"
ANSWER = '{"status":"success","data":{"resultType":"matrix","result":[]}}'


@pytest.mark.parametrize(
    ("table", "keys", "header"),
    [
        ("prometheus", {"token_env": "HISTORIAN"}, f"Bearer {SECRET}"),
        (
            "prometheus",
            {"user": "me", "password_env": "HISTORIAN"},
            f"Basic {b64encode(f'me:{SECRET}'.encode()).decode()}",
        ),
        ("influx", {**VERSION_2, "token_env": "HISTORIAN"}, f"Token {SECRET}"),
    ],
)
def test_secrets_come_from_the_environment_and_are_never_printed(
    scripted: str, asked: Write, monkeypatch: pytest.MonkeyPatch, table: str, keys: dict[str, object], header: str
) -> None:
    series = SERIES if table == "influx" else "[series.t]\nquery = 'temp'\n"
    with pytest.raises(ConfigError, match="no variable HISTORIAN; remedy: export"):
        asked(table, scripted, series, **keys)
    monkeypatch.setenv("HISTORIAN", SECRET)
    for path in ("/api/v1/query", "/api/v2/query"):
        Scripted.answers[path] = 401, f'{{"message": "{header} is not known"}}'
    with pytest.raises(
        RecordingError, match=r"answered HTTP 401: .*\*\*\* is not known; remedy: give a token"
    ) as error:
        asked(table, scripted, series, **keys)
    assert SECRET not in str(error.value)
    assert Scripted.seen[0][1] == header


def test_no_secret_follows_a_redirection(scripted: str, asked: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HISTORIAN", SECRET)
    Scripted.answers = {"/api/v1/query": (307, "")}
    with pytest.raises(RecordingError, match="sends on to another address; remedy: name that address"):
        asked("prometheus", scripted, "[series.t]\nquery = 'temp'\n", token_env="HISTORIAN")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>",
        "[]",
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"status":"success","data":{"result":[{"metric":{},"values":[[1]]}]}}',
    ],
)
def test_an_answer_of_something_else_is_reported(scripted: str, asked: Write, text: str) -> None:
    Scripted.answers = {"/api/v1/query": (200, text)}
    with pytest.raises(
        RecordingError, match=r"answered something else than such a database does: .*; remedy: see that"
    ):
        asked("prometheus", scripted, "[series.t]\nquery = 'temp'\n")


@pytest.mark.parametrize(
    ("version", "text"),
    [
        (1, "<html>"),
        (1, '{"a":' * 100_000),
        (1, '{"error": "\x00"'),
        (2, "_time,_value\r\n" + "x" * 200_000),
        (2, "_time,_value\r\nnoon,1\r\n"),
        (2, "_time,_value\r\n2020-01-01T12:00:00Z,warm\r\n"),
    ],
)
def test_an_answer_of_something_else_than_an_influxdb_is_reported(
    scripted: str, asked: Write, version: int, text: str
) -> None:
    Scripted.answers = {"/query": (200, text), "/api/v2/query": (200, text)}
    with pytest.raises(
        RecordingError, match=r"answered something else than such a database does: .*; remedy: see that"
    ):
        asked("influx", scripted, SERIES, **{**VERSION_2, "version": version})


DAMAGED = gzip.compress(ANSWER.encode())[:10] + b"\xff" * 20


@pytest.mark.parametrize("answer", [(200, DAMAGED), (400, DAMAGED), (200, DAMAGED[:5]), (400, '{"a":' * 100_000)])
def test_an_answer_that_cannot_be_unpacked_is_reported(scripted: str, asked: Write, answer: tuple[int, str]) -> None:
    Scripted.answers = {"/api/v1/query": answer}
    with pytest.raises(RecordingError, match=r"no answer from|answered HTTP 400"):
        asked("prometheus", scripted, "[series.t]\nquery = 'temp'\n")


def test_a_password_that_the_database_repeats_is_not_reported(
    scripted: str, asked: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HISTORIAN", "grün: of mine")
    Scripted.answers = {"/api/v1/query": (401, '{"message": "no user me with grün: of mine"}')}
    with pytest.raises(RecordingError, match=r"HTTP 401: no user me with \*\*\*"):
        asked("prometheus", scripted, "[series.t]\nquery = 'temp'\n", user="me", password_env="HISTORIAN")


def test_a_part_of_the_data_is_no_recording(scripted: str, asked: Write) -> None:
    Scripted.answers = {"/api/v1/query": (200, ANSWER.replace('"status"', '"isPartial":true,"status"'))}
    with pytest.raises(RecordingError, match=r"without a part of its data.*; remedy: try again"):
        asked("prometheus", scripted, "[series.t]\nquery = 'temp'\n")


SELECTORS = {
    'temp{room="1"}': True,
    " temp ": True,
    '{__name__=~"a|b", x="}"}': True,
    "temp{room='{'}": True,
    "rate(temp[1m])": False,
    "temp - 1": False,
    'temp{a="b"} offset 1h': False,
    "temp[5m]": False,
}


@pytest.mark.parametrize("query", SELECTORS)
def test_only_selectors_have_stored_samples(query: str, tmp_path: Path) -> None:
    span = 'url = "http://127.0.0.1:1"\nfrom = 2020-01-01T12:00:00Z\nuntil = 2020-01-01T13:00:00Z\n'
    (tmp_path / "q.toml").write_text(f"[prometheus]\n{span}[series.t]\nquery = {json.dumps(query)}\n")
    with nullcontext() if SELECTORS[query] else pytest.raises(ConfigError, match="expected a selector"):
        read_query(tmp_path / "q.toml")


def test_long_times_are_asked_for_in_parts(scripted: str, asked: Write) -> None:
    Scripted.answers = {"/api/v1/query": (200, ANSWER)}
    with pytest.raises(RecordingError, match="holds nothing of series 't'"):
        asked("prometheus", scripted, "[series.t]\nquery = 'temp'\n")
    forms = [parse_qs(body.decode()) for _, _, body in Scripted.seen]
    assert [form["query"][0] for form in forms] == ["temp[100000ms]"] * 6
    assert [form["time"][0] for form in forms] == [f"{NOON // SECOND + 100 * part + 99}.999" for part in range(6)]


SPAN = "from = 2020-01-01T12:00:00Z\nuntil = 2020-01-01T12:10:00Z\n"
HERE = f'url = "http://127.0.0.1:1"\n{SPAN}'
WRONG = {
    f'[prometheus]\n{HERE}[influx]\n{HERE}version = 1\ndatabase = "x"': "got both",
    "[twin]": "expected .prometheus. or .influx., came neither; remedy: name a file of recorded data, a mapping",
    f'[prometheus]\nurl = "http://me:pw@127.0.0.1:1"\n{SPAN}': "without user, password or query",
    f'[prometheus]\nurl = "http://db.example:1"\ntoken_env = "X"\n{SPAN}': "could be read by anybody",
    f'[prometheus]\n{HERE}stpe = "1 s"': "q.toml:5: prometheus.stpe: unknown key; remedy: did you mean step",
    f'[influx]\n{HERE}version = 4\ndatabase = "x"': "influx.version: expected 1, 2 or 3, got 4",
    f'[influx]\n{HERE}version = 2\ndatabase = "x"': "expected `org` for version 2, got none",
}
"""Tables with a mistake, and what is reported."""


@pytest.mark.parametrize("text", WRONG)
def test_a_mistake_in_a_query_file_is_reported_with_its_place(text: str, tmp_path: Path) -> None:
    series = SERIES if text.startswith("[influx]") else "[series.t]\nquery = 'temp'\n"
    (tmp_path / "q.toml").write_text(f"{text}\n{series}")
    with pytest.raises(ConfigError, match=WRONG[text]) as error:
        read(tmp_path / "q.toml", Layout())
    assert "q.toml" in str(error.value)
    assert "pw" not in str(error.value)


def test_series_that_do_not_fit_their_database_are_reported(tmp_path: Path) -> None:
    span = 'url = "http://127.0.0.1:1"\nfrom = 2020-01-01T12:00:00Z\nuntil = 2020-01-01T11:00:00Z\n'
    (tmp_path / "q.toml").write_text(f'[prometheus]\n{span}[series.t]\nmeasurement = "m"\n')
    with pytest.raises(ConfigError) as error:
        read(tmp_path / "q.toml", Layout())
    for words in ("expected a moment after `from`", "expected `query`", "nothing reads `measurement` here"):
        assert words in str(error.value)


def test_the_example_is_a_query_that_could_be_asked() -> None:
    query = read_query(REPOSITORY / "deploy" / "examples" / "pipe-historian.query.toml")
    assert list(query.series) == ["outlet", "inlet", "flow"]
    assert query.database.end - query.database.begin == timedelta(days=1)
