"""A patient and a broker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.deployments import Finder
from tests.acceptance.running import Deployment
from tests.servers import Server, mosquitto


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Server]:
    """A running mosquitto that keeps everything and logs every subscription."""
    lines = ["allow_anonymous true", "log_type notice", "log_type error", "log_type warning", "log_type subscribe"]
    with mosquitto(tmp_path / "mosquitto", lines) as server:
        yield server


@pytest.fixture
def deployment(tmp_path: Path, broker: Server, recording: Finder) -> Deployment:
    """The artery example, with the surgical patient at that broker."""
    return Deployment(tmp_path, broker, recording)
