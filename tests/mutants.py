"""Mutation runs: change one operator, number or branch of a module at a time, and see whether a test notices.

``python -m tests.mutants [MODULE ...]``: those named, or all that are chosen here. What survives is printed as a
diff: it wants a test, or is code that does nothing. Takes seconds a mutant, so it is run by hand.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHOSEN = {
    "twin_runtime/store/seals.py": ("tests/store/test_damage.py",),
    "twin_runtime/store/head.py": ("tests/store/test_damage.py",),
    "twin_runtime/store/writer.py": ("tests/store/test_writer.py",),
    "twin_runtime/store/outbox.py": ("tests/store/test_outbox.py",),
    "twin_runtime/ingest/agreed_time.py": ("tests/ingest",),
    "twin_runtime/ingest/watermark.py": ("tests/ingest", "tests/timeline"),
    "twin_runtime/ingest/intake.py": ("tests/ingest",),
    "twin_runtime/engine/omission.py": ("tests/timeline/test_omission.py",),
    "twin_runtime/runs/overload.py": ("tests/runs/test_overload_policies.py",),
    "twin_runtime/timeline/timeline.py": ("tests/timeline", "tests/runs/test_fold.py"),
}
"""Modules, and the tests that have to notice what is changed in them."""
COSMIC_RAY = (str(ROOT / ".venv/bin/uv"), "tool", "run", "--quiet", "--from", "cosmic-ray==8.7.0")
SECONDS = 120
"""How long the tests of one mutant may take."""
COPIED = ("pyproject.toml", "twin_runtime", "models", "adapters", "simulators", "deploy", "tests")


def main(modules: Sequence[str]) -> int:
    """Run the mutants of some modules; exit status 1 where one survives."""
    unknown = [module for module in modules if module not in CHOSEN]
    if unknown:
        print(f"{unknown[0]}: no tests are chosen for it; there are {', '.join(CHOSEN)}", file=sys.stderr)
        return 2
    return int(sum(map(survivors, modules or CHOSEN)) > 0)


def survivors(module: str) -> bool:
    """Whether a mutant of a module lives through its tests; prints those that do."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, copy / name)
        (copy / "mutants.toml").write_text(configuration(module, copy))
        ray(copy, "cosmic-ray", "init", "mutants.toml", "mutants.sqlite")
        ray(copy, "cosmic-ray", "baseline", "mutants.toml")
        ray(copy, "cosmic-ray", "exec", "mutants.toml", "mutants.sqlite")
        report = ray(copy, "cr-report", "--show-diff", "--surviving-only", "mutants.sqlite")
    print(f"{module}\n{report}", flush=True)
    return "surviving mutants: 0 " not in report


def configuration(module: str, copy: Path) -> str:
    """What cosmic-ray is told."""
    paths = ":".join(str(copy / part) for part in ("", "models", "adapters", "simulators"))
    pytest = f"{sys.executable} -m pytest -q -x -p no:cacheprovider {' '.join(CHOSEN[module])}"
    return (
        f'[cosmic-ray]\nmodule-path = "{module}"\ntimeout = {SECONDS}.0\nexcluded-modules = []\n'
        f'test-command = "env PYTHONPATH={paths} {pytest}"\n[cosmic-ray.distributor]\nname = "local"\n'
    )


def ray(folder: Path, *command: str) -> str:
    """Run a command of cosmic-ray; its output."""
    done = subprocess.run([*COSMIC_RAY, *command], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
