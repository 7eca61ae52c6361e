"""Print the table of ratios, and that of costs: ``python -m tests.benchmarks.run [part ...]``.

Exit status 1 where a bound is missed.
"""

import importlib
import math
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from tests.benchmarks.timing import ONE_THREAD, Row

RATIOS = ("large_state", "local_analysis", "many_twins", "ticks", "replays", "coupling", "intake", "payloads", "live")
COSTS = "costs"
"""A part with a table of its own."""


def main(parts: Sequence[str]) -> int:
    """Measure the parts named, and print their ratios as one table."""
    os.environ.update(ONE_THREAD)  # read when NumPy is first imported: by the parts, not before
    rows = [row for name in parts if name != COSTS for row in measured(name)]
    console = Console(width=140)
    if rows:
        console.print(table(rows))
    if COSTS in parts:
        console.print(importlib.import_module(f"tests.benchmarks.{COSTS}").table())
    return int(any(row.ratio > row.bound for row in rows))


def measured(name: str) -> Iterator[Row]:
    """The rows of one part; none where a server that it needs is not installed."""
    try:
        yield from importlib.import_module(f"tests.benchmarks.{name}").rows()
    except pytest.skip.Exception as absent:
        print(f"{name}: left out, it {absent}")


def table(rows: Sequence[Row]) -> Table:
    """The rows with the machine for a title."""
    lines = Table(title=machine())
    for heading in ("", "ours", "peer", "", "ratio", "bound", "differ by"):
        lines.add_column(heading, justify="left" if heading == "" else "right")
    for row in rows:
        lines.add_row(*cells(row))
    return lines


def cells(row: Row) -> Iterator[str]:
    """One line as it is printed; a ratio above its bound is red."""
    yield row.name
    yield f"{row.ours:.3g} {row.unit}"
    yield "not installed" if math.isnan(row.peer) else f"{row.peer:.3g} {row.unit}"
    yield row.against
    yield "" if math.isnan(row.peer) else f"[red]{row.ratio:.3g}[/red]" if row.ratio > row.bound else f"{row.ratio:.3g}"
    yield f"{row.bound:.3g}"
    yield "" if math.isnan(row.difference) else f"{row.difference:.0e}"


def machine() -> str:
    """Processor, cores and system."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.processor()
    return f"{processor}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or (*RATIOS, COSTS)))
