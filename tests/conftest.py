"""Fixtures for every test."""

import os
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

# As the program itself has it: threads of several processes would wait for each other.
for library in ("OPENBLAS", "MKL", "OMP"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

# An example may have to wait for a compiler, and the examples of two runs are the same.
hypothesis.settings.register_profile("tests", deadline=None, derandomize=True)
hypothesis.settings.load_profile("tests")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def replay() -> Path:
    """The folder of real recordings, next to the repository; it may be absent."""
    return REPOSITORY.parent / "shared" / "replay"


@pytest.fixture(scope="session")
def recording(replay: Path) -> Callable[[str], Path]:
    """Find the folder of one real recording, such as ``recording("pipe")``; the test skips where it is absent."""

    def find(name: str) -> Path:
        folder = replay / name
        if not folder.is_dir():
            pytest.skip(f"the recording {name!r} is not here (expected in ../shared/replay beside the repository)")
        return folder

    return find
