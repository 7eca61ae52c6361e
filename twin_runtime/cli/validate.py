"""``twin validate``: what a twin predicts of sensors that it does not use, compared with what they read."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from twin_runtime.cli.options import Begin, ConfigPath, Data, Json, Length, Until
from twin_runtime.cli.output import display, print_json, progress
from twin_runtime.cli.recordings import opened, section
from twin_runtime.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from twin_runtime.runs.assembly import Assembly
    from twin_runtime.runs.known_quantities import EvidenceFile, OfSensor


def validate(  # noqa: PLR0913, PLR0917  # one argument an option
    config: ConfigPath,
    recording: Annotated[
        Path, typer.Argument(metavar="RECORDING", help="The mapping of a recording (TOML).", show_default=False)
    ],
    withhold: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Only these sensors, each on its own: inlet,outlet")
    ] = None,
    first: Annotated[
        int, typer.Option(min=0, help="Use so many first readings of the sensor, and predict the rest from them.")
    ] = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Write the evidence here, for [trust] evidence.")
    ] = None,
    data: Data = None,
    begin: Begin = None,
    length: Length = None,
    until: Until = None,
    json: Json = False,
) -> None:
    """Replay RECORDING with one sensor of CONFIG withheld at a time, and score what the twin predicts of it.

    A twin is at its best where it is measured. What it infers is known only by readings that it has not seen: here they
    are compared with its predictions. The score speaks for the quantities that the other sensors inform, and that go
    along with what was withheld. A deployment that names the file under `[trust] evidence` trusts what is supported;
    what is not stays unverified. A sensor of a test rig that the deployment lacks can be withheld as well.

    With `--first 5` the twin uses the first five readings of the sensor of each asset and predicts all that follow; the
    last two columns score the same twin without those five, which has its prior only. Such a table is no evidence for
    `[trust]`, so nothing is written.

    Example: `twin validate plant.toml plant.recording.toml --out plant.evidence.json`
    """
    import msgspec

    from twin_runtime.config import load
    from twin_runtime.runs.assembly import assemble
    from twin_runtime.runs.validation import validate as found_by

    if first and out is not None:
        what = "a sensor of which readings are used is no evidence for what no sensor measures"
        raise ConfigError(what, where="--out", remedy="leave out --first, or --out")
    assembly = assemble(load(config))
    names = _names(assembly, withhold)
    played = opened(recording, data)
    start, last = section(played, begin, length, until)
    with progress("validating", None) as advance:
        evidence = found_by(assembly, played, names, first=first, begin=start, until=last, progress=advance)
    evidence = msgspec.structs.replace(evidence, recording=recording.name)
    if out is not None:
        out.write_bytes(msgspec.json.format(msgspec.json.encode(evidence)))
    if json:
        print_json(msgspec.to_builtins(evidence))
    else:
        display(_table(evidence))
        display(f"[green]written to {out}[/]" if out else "nothing is written without --out")


def _names(assembly: "Assembly", withhold: str | None) -> list[str]:
    known = dict.fromkeys(sensor.name for each in assembly.types for sensor in each.fleet.sensors)
    names = [name.strip() for name in withhold.split(",")] if withhold else []
    for name in names:
        if name not in known:
            what = f"expected the name of a sensor, got '{name}'"
            raise ConfigError(what, where="--withhold", remedy=did_you_mean(name, known))
    return names


def _table(evidence: "EvidenceFile") -> Table:
    columns = (
        "sensor",
        "readings",
        "worth",
        "NIS (chance)",
        "50 % covers",
        "90 % covers",
        "CRPS",
        "outcome",
        "speaks for",
    )
    prior = any(found.prior_crps is not None for each in evidence.types.values() for found in each.sensors.values())
    table = Table(*columns, *(("prior: 90 % covers", "CRPS") if prior else ()), box=None)
    for name, of_type in evidence.types.items():
        for sensor, found in of_type.sensors.items():
            table.add_row(sensor if len(evidence.types) == 1 else f"{name}.{sensor}", *_row(found), *_prior(found))
    return table


def _prior(found: "OfSensor") -> tuple[str, ...]:
    """What the twin without the first readings would have predicted."""
    if found.prior_coverage_90 is None:
        return ()
    return f"{100 * found.prior_coverage_90:.0f} %", f"{found.prior_crps:.3g}"


def _row(found: "OfSensor") -> tuple[str, ...]:
    spoken = ", ".join(found.speaks_for) or "nothing that the other sensors inform"
    if found.nis is None or found.nis_band is None or found.coverage_50 is None or found.coverage_90 is None:
        return ("0", "", "", "", "", "", found.outcome, spoken)
    low, high = found.nis_band
    shares = (
        f"{100 * share:.0f} % ({100 * a:.0f}-{100 * b:.0f})" for share, a, b in (found.coverage_50, found.coverage_90)
    )
    figures = f"{found.nis:.3g} ({low:.2f}-{high:.2f})", *shares, f"{found.crps:.3g}"
    return (str(found.readings), f"{found.effective:.0f}", *figures, found.outcome, spoken)
