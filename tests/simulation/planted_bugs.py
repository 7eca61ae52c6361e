"""Bugs on purpose, each a patch of ``planted/``: what a simulation that is worth something finds.

``python -m tests.simulation.planted_bugs`` prints after how many seeds each is found, and by which invariant.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
COPIED = ("twin_runtime", "models", "adapters", "simulators", "tests")
PATCHES = {path.stem: path for path in sorted((Path(__file__).parent / "planted").glob("*.patch"))}
WITHIN = 60
"""Seeds within which each is found."""


class Found(NamedTuple):
    """The seed that has found a bug, and what the simulation says of it."""

    seed: int
    says: str


def main() -> int:
    """Print the table; exit status 1 where one is not found."""
    print("| bug | found by seed | broken |", "|---|---:|---|", sep="\n")
    missed = 0
    for name in PATCHES:
        with tempfile.TemporaryDirectory() as folder:
            found = search(name, Path(folder))
        missed += found is None
        print(
            f"| {name} | {f'not within {WITHIN} | ' if found is None else f'{found.seed} | {found.says}'} |", flush=True
        )
    return int(missed > 0)


def search(name: str, folder: Path, seeds: int = WITHIN) -> Found | None:
    """Live through seeds with a planted bug, in a copy of the tree, until one finds it."""
    for part in COPIED:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("replay"))
    plant(name, folder)
    paths = os.pathsep.join(str(folder / part) for part in ("", "models", "adapters", "simulators"))
    command = [sys.executable, "-m", "tests.simulation.run", "--seeds", f"0:{seeds}", "--jobs", "1", "--first"]
    environment = {**os.environ, "PYTHONPATH": paths}
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode == 0:
        return None
    said = re.search(r"^seed (\d+): (.*)$", ran.stdout, re.MULTILINE)
    assert said is not None, ran.stdout + ran.stderr
    return Found(int(said[1]), said[2][:160])


def plant(name: str, folder: Path) -> None:
    """Apply a patch to a copy of the tree."""
    subprocess.run(["git", "apply", str(PATCHES[name])], cwd=folder, check=True, capture_output=True, text=True)


if __name__ == "__main__":
    sys.exit(main())
