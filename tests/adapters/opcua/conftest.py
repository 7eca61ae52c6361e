"""One OPC UA server for all tests here: it takes a second to make."""

from collections.abc import Iterator

import pytest

from tests.adapters.opcua.plant import Plant


@pytest.fixture(scope="package")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    plant = Plant(tmp_path_factory.mktemp("plant"))
    yield plant
    plant.end()


@pytest.fixture
def plant(_server: Plant) -> Plant:
    """A running server whose variables have their first values since now."""
    for name, value in _server.initial.items():
        _server.set(name, value)
    return _server
