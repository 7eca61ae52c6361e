"""``twin calibrate``: parameters estimated from a whole recording, as priors of a new configuration."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin_runtime.cli.calibrated import display_calibration
from twin_runtime.cli.options import Begin, ConfigPath, Data, Json, Length, Until, instant_text
from twin_runtime.cli.output import print_json, progress
from twin_runtime.cli.recordings import opened, section
from twin_runtime.cli.tried import try_models
from twin_runtime.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from twin_runtime.calibration import Calibration, EsMda, Ies, Segment
    from twin_runtime.runs.assembly import Assembly


def calibrate(  # noqa: PLR0913, PLR0917  # one argument an option
    config: ConfigPath,
    recording: Annotated[
        Path, typer.Argument(metavar="RECORDING", help="The mapping of a recording (TOML).", show_default=False)
    ],
    out: Annotated[Path | None, typer.Option(metavar="PATH", help="Write the calibrated configuration here.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
    method: Annotated[str, typer.Option(help="How to smooth: es-mda or ies.")] = "es-mda",
    iterations: Annotated[
        int | None, typer.Option(min=1, help="Runs through the recording besides the first: 4, or at most 20 with ies.")
    ] = None,
    members: Annotated[int, typer.Option(min=4, help="Members of the ensemble.")] = 100,
    variables: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Only the posteriors of these parameters: resistance,compliance")
    ] = None,
    twin: Annotated[str | None, typer.Option(help="The twin to calibrate, where there are several.")] = None,
    data: Data = None,
    begin: Begin = None,
    length: Length = None,
    until: Until = None,
    every: Annotated[int, typer.Option(min=1, help="Of each sensor, take one reading in so many.")] = 1,
    noise: Annotated[
        float, typer.Option(min=1e-3, help="Multiply the noise of readings, for errors of the model.")
    ] = 1,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of all random numbers, for the configured one.")] = None,
    json: Json = False,
) -> None:
    """Calibrate the parameters of CONFIG by a whole RECORDING, and write a configuration with their posteriors.

    An ensemble drawn from the priors runs through the recording as a free forecast, again and again, and is drawn to
    the readings after each run. `es-mda` takes so many equal steps; `ies` iterates until the fit no longer
    improves. The states at the start are estimated, too. `--variables` chooses which posteriors are written: what is
    not named stays uncertain, and keeps its prior in the file; give it a `fixed` prior where it shall not vary.

    Look at the misfit first. It is the squared error per reading in units of the noise: 1 is a model that explains the
    recording. Far above 1 the posteriors are too narrow, whatever their spread; `--noise` widens them.

    The twin that then runs with the new file starts from what the recording has taught; how fast its parameters may
    still drift is `[model.walk]`, which stays as it is.

    Example: `twin calibrate artery.toml surgery-patient.recording.toml --data DIR --for "2 min" --out calibrated.toml`
    """
    from twin_runtime.calibration import segment_of
    from twin_runtime.calibration.summary import calibration_summary, provenance
    from twin_runtime.config import load
    from twin_runtime.runs.assembly import assemble

    smoother = _smoother(method, iterations)
    _check_writable(out, force=force)
    assembly = assemble(load(config))
    try_models(assembly)
    played = opened(recording, data)
    first, last = section(played, begin, length, until)
    segment = segment_of(assembly, played, twin, begin=first, until=last, every=every)
    drawn_by = segment.fleet.seed if seed is None else seed
    names = [name.strip() for name in variables.split(",")] if variables else []
    settings = {"members": members, "seed": drawn_by, "names": names, "noise": noise}
    calibration = _run(segment, smoother, settings)
    summary = calibration_summary(assembly, segment, calibration, method, drawn_by, noise)
    if out is not None:
        between = f"{instant_text(segment.begin)} to {instant_text(segment.end)}"
        _write(out, assembly, segment.twin, calibration, provenance(recording.name, summary, between))
    if json:
        print_json(summary)
    else:
        display_calibration(summary, out)


def _smoother(method: str, iterations: int | None) -> "EsMda | Ies":
    from twin_runtime.calibration import SMOOTHERS

    if method not in SMOOTHERS:
        raise ConfigError(f"expected a method of calibration, got '{method}'", remedy=did_you_mean(method, SMOOTHERS))
    return SMOOTHERS[method]() if iterations is None else SMOOTHERS[method](iterations=iterations)


def _check_writable(out: Path | None, *, force: bool) -> None:
    """Raise, before the long run, what would make its result useless."""
    if out is None:
        return
    import_module("tomlkit")
    if not out.parent.is_dir():
        raise ConfigError("cannot be written: there is no such folder", where=str(out), remedy="create it")
    if out.exists() and not force:
        raise ConfigError("there is such a file already", where=str(out), remedy="give another --out, or --force")


def _run(segment: "Segment", smoother: "EsMda | Ies", settings: dict[str, Any]) -> "Calibration":
    from twin_runtime.calibration import calibrate as smoothed

    done = 0
    with progress("calibrating", (smoother.iterations + 1) * len(segment)) as advance:

        def ran(ticks: int) -> None:
            nonlocal done
            done += ticks
            advance(done)

        return smoothed(segment, smoother, **settings, progress=ran)


def _write(out: Path, assembly: "Assembly", twin: str, calibration: "Calibration", notes: Iterable[str]) -> None:
    from twin_runtime.calibration.configuration import calibrated

    twin_type = next(each for each in assembly.config.types if twin in each.twin.twins)
    text = calibrated(twin_type, calibration.posteriors, notes)
    out.write_text(text, encoding="utf-8")
