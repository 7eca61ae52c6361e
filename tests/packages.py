"""Installed packages for tests: real metadata and real modules in a folder of their own."""

from collections.abc import Mapping
from pathlib import Path


def install(folder: Path, entry_points: str, modules: Mapping[str, str]) -> Path:
    """Put a package with these entry points and modules into a folder, as pip would; put the folder on ``sys.path``."""
    metadata = folder / "tinkering-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tinkering\nVersion: 1.0\n", "utf-8")
    (metadata / "entry_points.txt").write_text(entry_points, "utf-8")
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text, "utf-8")
    return folder
