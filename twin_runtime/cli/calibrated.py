"""What a calibration came to, for people. The JSON object is the same, for programs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from twin_runtime.cli.output import display


def display_calibration(summary: Mapping[str, Any], out: Path | None) -> None:
    """Print a summary of a calibration on stdout, as tables and sentences."""
    display(f"{summary['readings']} readings of {summary['twin']}, {summary['members']} members, {summary['method']}")
    display(_misfits(summary["misfits"]))
    display("")
    display(_posteriors(summary["posteriors"]))
    for text in summary["unidentifiable"]:
        display(f"[yellow]not identifiable:[/] {escape(text)}")
    for remark in summary["remarks"]:
        display(f"[yellow]mind:[/] {escape(remark)}")
    if out is not None:
        display(f"[green]written to {escape(str(out))}[/]")


def _misfits(misfits: list[Mapping[str, float]]) -> Table:
    table = Table("misfit a reading", "of the mean", "of the members", box=None)
    for iteration, misfit in enumerate(misfits):
        name = f"after {iteration}" if iteration else "prior"
        table.add_row(name, f"{misfit['of_mean']:.4g}", f"{misfit['of_members']:.4g}")
    return table


def _posteriors(posteriors: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table("parameter", "prior", "90 % interval", "posterior", "90 % interval", "spread left", "unit", box=None)
    for name, found in posteriors.items():
        figures = (*_figures(found["prior"]), *_figures(found["posterior"]))
        table.add_row(name, *figures, f"{found['kept']:.1%}", found["unit"])
    return table


def _figures(found: Mapping[str, float]) -> tuple[str, str]:
    return f"{found['q50']:.4g}", f"{found['q05']:.4g} to {found['q95']:.4g}"
