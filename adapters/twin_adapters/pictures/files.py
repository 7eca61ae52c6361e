"""Figures as files, the same bytes for the same figure."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

from twin_runtime.cli.picture import require_picture
from twin_runtime.errors import ConfigError

SETTINGS: Any = {
    "svg.hashsalt": "twin-runtime",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
"""Text stays text; elements are numbered the same in every run."""
COLOURS = 255
"""Of a PNG: enough for lines and bands, in half of the bytes."""
NO_DATE: dict[str, dict[str, Any]] = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


def save(figure: Figure, path: Path) -> None:
    """Write a figure by the suffix of the path. Raises :class:`ConfigError`."""
    require_picture(path)
    try:
        with mpl.rc_context(SETTINGS):
            figure.savefig(path, dpi=110, metadata=NO_DATE[path.suffix])
        if path.suffix == ".png":
            with Image.open(path) as image:
                few = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
            few.save(path, optimize=True)
    except OSError as error:
        what = f"cannot be written: {error.strerror}"
        raise ConfigError(what, where=str(path), remedy="make room, or name a folder that can be written") from error
