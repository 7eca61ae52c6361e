"""``twin simulate``: an asset as its own process, publishing to a broker. ``twin demo``: with its twin, in one."""

import asyncio
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from twin_runtime.cli.options import duration, instant
from twin_runtime.cli.output import progress
from twin_runtime.core import SECOND

if TYPE_CHECKING:
    from twin_adapters.mqtt_settings import MqttSettings
    from twin_simulators.transmission import Transmission

MINUTE = 60 * SECOND
HALF_MINUTE = 30 * SECOND


def demo(
    length: Annotated[
        int | None, typer.Option("--for", parser=duration, metavar="DURATION", help="How long; else 30 s.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the patient and all that goes wrong.")] = 1,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder for the store.")] = Path("twin-demo"),
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of a live view.")] = False,
) -> None:
    """See a twin at work: a simulated patient, a broker and the twin in this process, nothing else needed.

    From arterial pressure and R peaks, sent over MQTT with all that goes wrong on the way, the twin estimates flow,
    resistance and compliance, which nobody measures. In the end they are compared with the truth, and the command
    that replays the run is shown.

    Example: `twin demo --for "1 min" --seed 7`
    """
    from twin_simulators.demo.performance import perform

    lasting = HALF_MINUTE if length is None else length
    if lasting < SECOND:
        raise typer.BadParameter("the twin must see a heart beat: 1 s at least", param_hint="--for")
    if perform(lasting, seed, out, plain=plain):
        raise typer.Exit(130)


def simulate(  # noqa: PLR0913, PLR0917 - an argument for every option
    asset: Annotated[str, typer.Argument(metavar="ASSET", help="patient, pipe or your own.", show_default=False)],
    config: Annotated[Path | None, typer.Option(metavar="CONFIG", help="The configuration that receives it.")] = None,
    broker: Annotated[str | None, typer.Option(metavar="URL", help="mqtt://HOST:PORT; else that of CONFIG.")] = None,
    twin: Annotated[str, typer.Option(metavar="NAME", help="Its name; else the first of CONFIG, or ASSET.")] = "",
    seed: Annotated[int, typer.Option(min=0, help="Draws the individual, its life and its faults.")] = 1,
    length: Annotated[
        int | None, typer.Option("--for", parser=duration, metavar="DURATION", help="In its own time; else 1 min.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0, help="Times real time; 0: as fast as the broker confirms.")] = 1.0,
    start: Annotated[
        int | None, typer.Option(parser=instant, metavar="TIME", help="Event time of its start; else now.")
    ] = None,
    fault: Annotated[list[str] | None, typer.Option(metavar="FAULT", help="As above; may be repeated.")] = None,
    properties: Annotated[
        list[str] | None, typer.Option("--set", metavar="PROPERTY=VALUE", help="May be repeated.")
    ] = None,
    truth: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the hidden truth: .csv or .json.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Publish nothing, write a recording: NAME.csv or NAME.parquet, for CONFIG."),
    ] = None,
) -> None:
    """Publish a simulated asset over MQTT as a real one would, and keep its truth.

    The same seed gives the same asset, the same life and the same faults. Assets of installed packages are found by the
    entry point `twin_runtime.assets`; `twin new` writes one.

    Without a configuration all signals are published, on topics TWIN/CHANNEL.

    At another speed than 1 the stamps leave the wall clock: give the twin clock = "stream".

    \b
    Faults act in the order given, on one channel or on all. Durations have a unit, as in 50ms or 2s:
      noise,sd=2                             bias,size=5[,start=10s]
      spikes,share=0.001,size=80             stuck,start=10s,length=2s[,every=60s]
      ramp,rate=0.5,start=60s,length=30s     scale,factor=1.1,start=60s,length=30s
      replayed,ago=30s,start=60s,length=30s
      dropout,start=10s,length=2s[,every=60s]
      outage,start=10s,length=2s[,every=60s]  (held back, then all at once)
      jitter,sd=2ms                          drift,ppm=50[,offset=0.1]
      loss,share=0.01                        delay,mean=50ms[,least=10ms][,share=0.1]
      duplicates,share=0.01[,after=100ms]

    \b
    Examples:
      twin simulate patient --twin patient-1 --fault abp:noise,sd=2 --fault delay,mean=20ms --truth truth.csv
      twin simulate patient --config artery.toml --for "5 min" --set step_at=120 --set step_factor=0.7
      twin simulate pipe --speed 20 --for "10 min" --set flow=0.6
      twin simulate pipe --config pipe.toml --for "1 h" --out run.csv    and  twin replay pipe.toml run.recording.toml
    """  # noqa: D301 - \b keeps lines as they are
    from twin_simulators.assets import make_asset
    from twin_simulators.faults import parse_fault
    from twin_simulators.transmission import transmit

    faults = [parse_fault(text) for text in fault or ()]
    run = make_asset(asset, seed, properties or ()).simulate((length or MINUTE) / SECOND, seed)
    if out is not None:
        _check_writable(out, config)
    receiver = _receiver(asset, config, broker, twin)
    measured = [signal.channel for signal in run.signals]
    channels = measured if receiver.topics is None else [name for name in measured if name in receiver.topics]
    transmission = transmit(run, faults, twin=receiver.twin, seed=seed, channels=channels)
    if truth is not None:
        run.truth.write(truth)
    if out is not None and config is not None:
        _record(transmission, receiver, start, config, out)
    else:
        _publish(transmission, receiver, start, speed or math.inf)
    Console(stderr=True).print(_account(transmission))


class _Receiver(NamedTuple):
    """Who gets the readings: the twin's name, the topics by channel (None: TWIN/CHANNEL), the broker."""

    twin: str
    topics: Mapping[str, str] | None
    settings: "MqttSettings"


def _receiver(asset: str, config: Path | None, broker: str | None, twin: str) -> _Receiver:
    from twin_adapters.commands.broker import sender_for
    from twin_runtime.config import load
    from twin_runtime.errors import ConfigError, did_you_mean

    if config is None:
        return _Receiver(twin or asset, None, sender_for("simulate", None, broker))
    configuration = load(config)
    name = twin or configuration.types[0].twin.twins[0]
    twin_type = configuration.type_of(name)
    if twin_type is None and len(configuration.types) > 1:
        known = [known for each in configuration.types for known in each.twin.twins]
        raise ConfigError(f"there is no twin '{name}'", where=str(config), remedy=did_you_mean(name, known))
    twin_type = twin_type or configuration.types[0]
    topics = {channel.name: twin_type.topic_of(channel, name) for channel in twin_type.channels}
    return _Receiver(name, topics, sender_for("simulate", configuration, broker))


def _check_writable(out: Path, config: Path | None) -> None:
    """Raise, before anything is simulated, what keeps a recording from being written."""
    from twin_runtime.errors import ConfigError

    if config is None:
        raise ConfigError("a recording has the units of a configuration", where="--out", remedy="give --config, too")
    if out.exists():
        raise ConfigError("is there already", where=str(out), remedy="name another file, or move this one away")


def _record(transmission: "Transmission", receiver: _Receiver, start: int | None, config: Path, out: Path) -> None:
    """Write what would be published, and the mapping that reads it again."""
    from twin_adapters.commands.recorder import Recorder
    from twin_runtime.config import load

    epoch = time.time_ns() if start is None else start
    with progress("recording", len(transmission)) as advance, Recorder(load(config), out, advance) as recorder:
        for message in transmission.messages(epoch, receiver.topics):
            recorder.take([message])
    typer.echo(str(recorder))


def _publish(transmission: "Transmission", receiver: _Receiver, start: int | None, speed: float) -> None:
    from twin_adapters.publishing import publish

    epoch = time.time_ns() if start is None else start  # taken last, so that stamps agree with the wall clock
    messages = transmission.messages(epoch, receiver.topics)
    with progress(f"publishing {receiver.twin} to {receiver.settings.broker}", len(transmission)) as advance:
        asyncio.run(publish(messages, receiver.settings, origin=epoch, speed=speed, sent=advance))


def _account(transmission: "Transmission") -> Table:
    """What became of the samples of each channel."""
    table = Table("channel", "measured", "lost", "twice", "published", "faults")
    for channel, ledger in transmission.ledgers.items():
        counts = (ledger.measured, ledger.lost, ledger.duplicated, ledger.published)
        faults = ", ".join(f"{kind} {count}" for kind, count in ledger.touched.items())
        table.add_row(channel, *map(str, counts), faults)
    return table
