"""How a test of recordings writes its mapping."""

from collections.abc import Callable
from pathlib import Path

import pytest

from twin_adapters.recordings import MergedStreams, load

Load = Callable[..., MergedStreams]


@pytest.fixture
def load_mapping(tmp_path: Path) -> Load:
    """``load_mapping(text, data)``: the recording that a mapping with this text describes."""

    def write_and_load(text: str, data: Path | None = None) -> MergedStreams:
        mapping = tmp_path / "test.recording.toml"
        mapping.write_text(text, encoding="utf-8")
        return load(mapping, data)

    return write_and_load
