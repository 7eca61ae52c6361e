"""A small recording: 10 s of a pressure in kPa at 25 Hz with a peak each second, and a configuration for it."""

import math
from pathlib import Path

from tests.config.files import Change, written

MAPPING = """\
[recording]
name = "sines"
twin = "patient-1"
epoch = 2020-01-01T00:00:00Z
file = "sines.csv"
time = "t"

[[streams]]
channel = "abp"
value = "abp"
unit = "kPa"

[[streams]]
channel = "r_peak"
file = "peaks.csv"
constant = 1.0
unit = "1"
"""
KILOPASCAL = 7.500615758456563
"""mmHg in a kPa."""


def sines(folder: Path, *changes: Change) -> Path:
    """Put the recording and its configuration, with some changes, into a folder."""
    written(folder, *changes)
    rows = (f"{k / 25},{(90 + 20 * math.sin(2 * math.pi * k / 25)) / KILOPASCAL}" for k in range(250))
    (folder / "sines.csv").write_text("t,abp\n" + "\n".join(rows) + "\n", "utf-8")
    (folder / "peaks.csv").write_text("t\n" + "\n".join(f"{k}.5" for k in range(10)) + "\n", "utf-8")
    (folder / "sines.recording.toml").write_text(MAPPING, "utf-8")
    return folder
