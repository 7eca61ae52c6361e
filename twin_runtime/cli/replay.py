"""``twin replay``: the same states again, from a recording or from a store."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin_runtime.cli.options import Begin, ConfigPath, Data, Json, Length, StorePath, Until, duration
from twin_runtime.cli.output import display, progress
from twin_runtime.cli.picture import Plot, draw, drawer
from twin_runtime.cli.recordings import opened, section
from twin_runtime.cli.report import print_summary
from twin_runtime.cli.tried import try_models
from twin_runtime.errors import RecordingError, did_you_mean

if TYPE_CHECKING:
    from twin_runtime.core import Recording
    from twin_runtime.runs.assembly import Assembly

SQLITE = b"SQLite format 3\0"


def replay(  # noqa: PLR0913, PLR0917  # one argument an option
    config: ConfigPath,
    source: Annotated[
        Path,
        typer.Argument(metavar="SOURCE", help="The mapping of a recording (TOML), or a store.", show_default=False),
    ],
    data: Data = None,
    begin: Begin = None,
    length: Length = None,
    until: Until = None,
    horizon: Annotated[
        list[int] | None,
        typer.Option(parser=duration, metavar="DURATION", help="Forecast so far ahead, and compare; repeatable."),
    ] = None,
    store: StorePath = None,
    plot: Plot = None,
    json: Json = False,
) -> None:
    """Replay a recording or a store through the twins of CONFIG, as fast as this machine can.

    With `--horizon` a table says how good forecasts are: errors by lead time, skill against persistence, coverage.
    A store replayed under its own configuration gives the same state, bit for bit: compare `state_hash`. Nothing is
    written without `--store`. `--plot` draws the worst twin: what it estimated, what was read, how far it was trusted.

    Example: `twin replay deploy/examples/artery.toml deploy/examples/surgery-patient.recording.toml --data DIR --json`
    """
    from twin_runtime.config import load
    from twin_runtime.runs.assembly import assemble

    assembly = assemble(load(config))
    try_models(assembly)
    if not _is_store(source):
        recording = opened(source, data, besides="a store")
        first, last = section(recording, begin, length, until)
        options = {"begin": first, "until": last, "horizons": horizon or ()}
        with _kept(store, plot) as path:
            print_summary(_replay_recording(assembly, recording, options | {"store": path}), json=json)
            _draw(path, plot, json=json)
    elif any(option is not None for option in (data, begin, length, until, store)) or horizon:
        raise typer.BadParameter("a store is replayed as a whole: the options are for recordings")
    else:
        print_summary(_replay_store(assembly, source), json=json)
        _draw(source, plot, json=json)


@contextmanager
def _kept(store: Path | None, plot: Path | None) -> Iterator[Path | None]:
    """Where the store is written; a picture needs one, if only for a while."""
    if store is not None or plot is None:
        yield store
        return
    drawer("twin")
    with TemporaryDirectory(prefix="twin-") as folder:
        yield Path(folder) / "replay.db"


def _draw(store: Path | None, plot: Path | None, *, json: bool) -> None:
    from twin_runtime.store.reader import Reader

    if store is not None and plot is not None:
        with Reader.open(store) as reader:
            draw(reader, plot)
        if not json:
            display(f"drawn into {plot}")


def _replay_recording(assembly: "Assembly", recording: "Recording", options: dict[str, Any]) -> dict[str, Any]:
    from twin_runtime.runs.replay import replay_recording

    with progress("replaying", len(recording)) as advance:
        return replay_recording(assembly, recording, **options, progress=advance)


def _replay_store(assembly: "Assembly", path: Path) -> dict[str, Any]:
    from twin_runtime.runs.replay import replay_store
    from twin_runtime.store.reader import Reader

    with Reader.open(path) as reader:
        total = sum(reader.counts().values())
    with progress("replaying", total) as advance:
        return replay_store(assembly, path, progress=advance)


def _is_store(source: Path) -> bool:
    try:
        with source.open("rb") as file:
            return file.read(len(SQLITE)) == SQLITE
    except OSError as error:
        near = did_you_mean(source.name, [p.name for p in source.parent.glob("*") if p.suffix in (".toml", ".db")])
        raise RecordingError(f"cannot be read: {error.strerror}", where=str(source), remedy=near) from None
