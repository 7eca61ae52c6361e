"""A database that is away for a minute gets everything once it is back, while the twin goes on."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.acceptance.ledger import balance
from tests.acceptance.running import Deployment
from tests.servers import Server, victoria_metrics
from twin_runtime.core import FIGURES
from twin_runtime.store.reader import Reader

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

AWAY = 60.0
"""Seconds without a database."""

PRECISION = 1e-9
"""VictoriaMetrics keeps decimal digits with one exponent for a block of values."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Server]:
    with victoria_metrics(tmp_path / "victoria") as server:
        yield server


def test_a_minute_without_the_database(deployment: Deployment, database: Server) -> None:
    sink = (
        '# [sinks.influx]\n# url = "http://127.0.0.1:8428"',
        f'[sinks.influx]\nurl = "http://127.0.0.1:{database.port}"',
    )
    rest = ('# org = "clinic"\n# bucket = "twins"\n# token_env = "INFLUX_TOKEN"', 'org = "clinic"\nbucket = "twins"')
    deployment.changes = [sink, rest]
    with deployment.run("--idle", "40 s") as live:
        live.wait_until(lambda: deployment.subscriptions == 1)
        with deployment.play("--speed", "4", "--for", "400 s") as player:
            live.wait_until(lambda: deployment.holds(lambda reader: reader.cursor("influx") > 500))
            database.stop()
            at_the_stop = newest(deployment)
            time.sleep(AWAY)
            assert newest(deployment) > at_the_stop + 1000, "the twin did not go on without its database"
            database.start()
            assert player.process.wait(200) == 0
        summary = live.summary()
    assert balance(summary["readings"]) == 0
    assert "estimates wait in the store" in live.errors.read_text()
    compare(deployment, database)


def newest(deployment: Deployment) -> int:
    """The position of the newest estimate."""
    with Reader.open(deployment.store) as reader:
        return len(reader.estimates(0, 1_000_000))


def compare(deployment: Deployment, database: Server) -> None:
    """Every estimate in the store is in the database, figure by figure."""
    held = stored(database)
    with Reader.open(deployment.store) as reader:
        estimates = {estimate.time // 1_000_000: estimate for estimate in reader.estimates(0, 1_000_000)}
        names = [quantity.name for quantity in reader.identity.types[0].quantities]
    for place, quantity in enumerate(names):
        for which, figure in enumerate(FIGURES):
            expected = {moment: float(e.figures[place, which]) for moment, e in estimates.items()}
            assert held[figure, quantity] == pytest.approx(expected, rel=PRECISION, abs=PRECISION)


def stored(database: Server) -> dict[tuple[str, str], dict[int, float]]:
    """All values by figure and quantity, and by time (ms); of values at one time the last one written."""
    base = f"http://127.0.0.1:{database.port}"
    urlopen(f"{base}/internal/force_flush").close()
    with urlopen(f"{base}/api/v1/export?start=0&match[]={{__name__=~'twin_.*',quantity!=''}}") as answer:
        series = [json.loads(line) for line in answer]
    return {
        (one["metric"]["__name__"].removeprefix("twin_"), one["metric"]["quantity"]): dict(
            zip(one["timestamps"], one["values"], strict=True)
        )
        for one in series
    }
