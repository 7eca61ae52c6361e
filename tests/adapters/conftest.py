"""Real servers, empty for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import Server, mosquitto, victoria_metrics


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Server]:
    """A running mosquitto that lets everybody do everything."""
    with mosquitto(tmp_path / "mosquitto") as server:
        yield server


@pytest.fixture
def victoria(tmp_path: Path) -> Iterator[Server]:
    """A running VictoriaMetrics."""
    with victoria_metrics(tmp_path / "victoria") as server:
        yield server
