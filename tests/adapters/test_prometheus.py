"""The newest estimates, as a scraper sees them; prometheus_client's parser reads what a real scrape brings."""

import urllib.request
from collections.abc import Mapping
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from tests.servers import free_port
from twin_adapters.prometheus import PrometheusSettings, PrometheusSink
from twin_runtime.core import SECOND, Sink, Trust
from twin_runtime.errors import ConnectionFailed
from twin_runtime.testing import SINK_IDENTITY, some_estimates

ON_THE_WALL = replace(SINK_IDENTITY, types=tuple(replace(known, clock="wall") for known in SINK_IDENTITY.types))
ANY_PORT = PrometheusSettings(listen="127.0.0.1:0")
Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(sink: PrometheusSink) -> Samples:
    with urllib.request.urlopen(f"http://127.0.0.1:{sink.port}/metrics", timeout=5) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


async def test_a_scrape_brings_the_newest_estimate_of_each_twin() -> None:
    estimates = some_estimates(20)
    async with PrometheusSink(ANY_PORT, SINK_IDENTITY) as sink:
        await sink.send(estimates)
        found = scraped(sink)
    for twin in {estimate.twin for estimate in estimates}:
        newest = [e for e in estimates if e.twin == twin][-1]
        quantities = SINK_IDENTITY.types[newest.type].quantities
        for quantity, figures in zip(quantities, newest.figures.tolist(), strict=True):
            labels = {"twin": twin, "quantity": quantity.name, "unit": quantity.unit}
            assert found[key("twin_estimate", figure="q95", **labels)] == pytest.approx(figures[4], nan_ok=True, rel=0)
        assert found[key("twin_trust", twin=twin)] == int(newest.trust)
        assert found[key("twin_estimate_time_seconds", twin=twin)] == newest.time / SECOND
        assert found[key("twin_valid", twin=twin)] == 1


async def test_a_revision_of_an_older_estimate_changes_nothing() -> None:
    first, second = [e for e in some_estimates(6) if e.twin == "patient-1"][:2]
    async with PrometheusSink(ANY_PORT, SINK_IDENTITY) as sink:
        await sink.send([first, second])
        before = scraped(sink)
        await sink.send([first._replace(revision=3, trust=Trust.UNTRUSTED)])
        assert scraped(sink) == before
        await sink.send([second._replace(revision=1, trust=Trust.UNTRUSTED, reasons=("coverage",))])
        found = scraped(sink)
    assert found[key("twin_trust", twin="patient-1")] == Trust.UNTRUSTED
    assert found[key("twin_reason", twin="patient-1", check="coverage")] == 1


async def test_a_verdict_does_not_outlive_its_validity() -> None:
    [estimate] = some_estimates(1)[:1]
    estimate = estimate._replace(valid_until=estimate.time + 2 * SECOND)
    now = [estimate.time + 2 * SECOND]
    async with PrometheusSink(ANY_PORT, ON_THE_WALL, now=lambda: now[0]) as sink:
        await sink.send([estimate])
        assert scraped(sink)[key("twin_valid", twin=estimate.twin)] == 1
        now[0] += 1
        found = scraped(sink)
    assert found[key("twin_valid", twin=estimate.twin)] == 0
    assert not [name for name, _ in found if name in ("twin_estimate", "twin_trust")]


async def test_a_port_that_is_taken_is_reported_and_freed_at_the_end() -> None:
    settings = PrometheusSettings(listen=f"127.0.0.1:{free_port()}")
    async with PrometheusSink(settings, SINK_IDENTITY):
        with pytest.raises(ConnectionFailed, match="cannot listen: Address already in use"):
            await PrometheusSink(settings, SINK_IDENTITY).__aenter__()
    async with PrometheusSink(settings, SINK_IDENTITY) as again:
        assert scraped(again) == {}


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"listen": "9464"}, "expected HOST:PORT"),
        ({"listen": "127.0.0.1:99999"}, "expected HOST:PORT"),
        ({"listen": "0.0.0.0:9464"}, "other machines could read"),
        ({"cert_file": "a.pem"}, "go together"),
    ],
)
def test_a_mistake_is_reported(table: dict[str, str], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        PrometheusSettings.model_validate(table)


def test_it_is_a_sink() -> None:
    sink: Sink = PrometheusSink(ANY_PORT, SINK_IDENTITY)
    assert sink.name == "prometheus"
