"""Bugs on purpose: each is found by a simulation."""

import subprocess
from pathlib import Path

import pytest

from tests.servers import program
from tests.simulation.planted_bugs import PATCHES, ROOT, copy_tree, search

BUGS = pytest.mark.parametrize("name", PATCHES)


@BUGS
def test_its_patch_fits_the_code(name: str) -> None:
    fits = [program("git", "git"), "apply", "--check", str(PATCHES[name])]
    subprocess.run(fits, cwd=ROOT, check=True)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tree")
    copy_tree(folder)
    return folder


@pytest.mark.slow
@BUGS
def test_it_is_found(name: str, tree: Path) -> None:
    assert search(name, tree) is not None
