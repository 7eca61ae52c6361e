"""Compiled kernels are discarded where they are stale or broken, and kept otherwise."""

import os
import pickle
from pathlib import Path

import pytest

from twin_runtime.modelling.kernel_cache import discard_stale_kernels

INDEX, CODE = pickle.dumps("version") + pickle.dumps({"key": "name"}), pickle.dumps(b"code")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with a source and its compiled kernel."""
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "source.py").write_text("FACTOR = 1.0")
    discard_stale_kernels([str(tmp_path)])
    (tmp_path / "__pycache__" / "kernel.nbi").write_bytes(INDEX)
    (tmp_path / "__pycache__" / "kernel.1.nbc").write_bytes(CODE)
    return tmp_path


def kept(package: Path) -> set[str]:
    discard_stale_kernels([str(package)])
    return {file.suffix for file in package.rglob("kernel.*")}


def test_they_are_kept_as_long_as_no_source_changes(package: Path) -> None:
    assert kept(package) == {".nbi", ".nbc"}
    os.utime(package / "source.py", (1.0, 1.0))
    assert kept(package) == set()


@pytest.mark.parametrize(("name", "left"), [("kernel.nbi", {".nbc"}), ("kernel.1.nbc", {".nbi"})])
@pytest.mark.parametrize("size", [0, 5])
def test_a_file_without_its_end_is_discarded(package: Path, name: str, left: set[str], size: int) -> None:
    file = package / "__pycache__" / name
    file.write_bytes(file.read_bytes()[:size])
    assert kept(package) == left
