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

from rich.console import Console
from rich.progress import track

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
    with tempfile.TemporaryDirectory() as folder:
        copy_tree(Path(folder))
        for name in track(PATCHES, "searching", console=Console(stderr=True), disable=not sys.stderr.isatty()):
            found = search(name, Path(folder))
            missed += found is None
            cells = f"not within {WITHIN} | " if found is None else f"{found.seed} | {found.says}"
            print(f"| {name} | {cells} |", flush=True)
    return int(missed > 0)


def copy_tree(folder: Path) -> None:
    """Copy the code; one copy serves for all bugs, as kernels are compiled anew in each."""
    for part in COPIED:
        shutil.copytree(ROOT / part, folder / part)


def search(name: str, folder: Path, seeds: int = WITHIN) -> Found | None:
    """Live through seeds with a planted bug, in a copy of the tree, until one finds it."""
    patch(name, folder)
    try:
        ran = simulate(folder, seeds)
    finally:
        patch(name, folder, "--reverse")
    if ran.returncode == 0:
        return None
    said = re.search(r"^seed (\d+): (.*)$", ran.stdout, re.MULTILINE)
    assert said is not None, ran.stdout + ran.stderr
    return Found(int(said[1]), said[2][:160])


def simulate(folder: Path, seeds: int) -> subprocess.CompletedProcess[str]:
    """Run the simulations of a tree until one fails."""
    paths = os.pathsep.join(str(folder / part) for part in ("", "models", "adapters", "simulators"))
    command = [sys.executable, "-m", "tests.simulation.run", "--seeds", f"0:{seeds}", "--jobs", "1", "--first"]
    environment = {**os.environ, "PYTHONPATH": paths}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def patch(name: str, folder: Path, *options: str) -> None:
    """Have git change a copy of the tree."""
    subprocess.run(["git", "apply", *options, str(PATCHES[name])], cwd=folder, check=True, capture_output=True)


if __name__ == "__main__":
    sys.exit(main())
