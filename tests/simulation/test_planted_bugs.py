"""Bugs on purpose: each is found by a simulation."""

import subprocess
from pathlib import Path

import pytest

from tests.servers import program
from tests.simulation.planted_bugs import PATCHES, ROOT, search

BUGS = pytest.mark.parametrize("name", PATCHES)


@BUGS
def test_its_patch_fits_the_code(name: str) -> None:
    fits = [program("git", "git"), "apply", "--check", str(PATCHES[name])]
    subprocess.run(fits, cwd=ROOT, check=True)


@pytest.mark.slow
@BUGS
def test_it_is_found(name: str, tmp_path: Path) -> None:
    assert search(name, tmp_path) is not None
