"""What must hold at the end of every simulation."""

from collections.abc import Iterator, Sequence
from typing import Any

from tests.acceptance.ledger import History, balance, history_of
from tests.simulation.broker import Broker
from tests.simulation.sensors import PERIOD, Key, Sent
from tests.simulation.sinks import Received
from tests.simulation.story import AGAIN
from tests.simulation.trace import Broken
from tests.simulation.world import World
from twin_runtime.core import Code, Entry, StoredEstimate
from twin_runtime.ingest.agreed_time import AGREEING
from twin_runtime.runs.accounting import joint_hash
from twin_runtime.runs.assembly import Assembly, TypeAssembly
from twin_runtime.runs.fleet_fold import FleetFold
from twin_runtime.store.reader import Reader
from twin_runtime.store.refused import refused_path

UNDER_WAY = 1.0
"""Seconds that a message may be under way where no fault delays it."""
NOWHERE: Key = (-1, -1, -1, -1)
"""What is in no journal."""


def require_all(
    world: World,
    assembly: Assembly,
    broker: Broker,
    sent: Sent,
    received: Sequence[Received],
    summary: dict[str, Any],
) -> None:
    """Raise :class:`Broken` unless everything holds."""
    with Reader.open(world.path, assembly.identity) as reader:
        entries = [entry for _, entry in reader.entries() if entry.code is not Code.DECISION]
        _require("the store is whole", reader.damage())
        _require("the accounts are balanced", balance(summary["readings"]))
        _require("every entry is counted", len(entries) - summary["readings"]["accepted"])
        _require("everything is acknowledged", broker.kept)
        _require("nothing acknowledged is lost", list(_lost(broker, sent, entries)))
        _require("every refusal says why", [e for e in entries if e.code.is_rejection and not (e.detail or e.reading)])
        _require("every lock-out has ended", list(_locked_out(world, sent, entries)))
        _require("every refusal has ended", list(_refused(world, sent, entries)))
        _require_undisturbed(assembly, reader, summary["state_hash"])
        estimates = reader.estimates(limit=10**6)
        refused = len(refused_path(world.path).read_bytes().splitlines()) if refused_path(world.path).exists() else 0
    for number, each in enumerate(received):
        _require_delivered(each, estimates, whole=not (world.story.hangs_at_the_end and number == 0))
    _require("what is refused is kept aside", len(set().union(*(each.refused for each in received))) > refused)


def _require(invariant: str, exceptions: object) -> None:
    if exceptions:
        raise Broken(invariant, exceptions)


def _lost(broker: Broker, sent: Sent, entries: Sequence[Entry]) -> Iterator[str]:
    """What was acknowledged and is not in the journal."""
    readings = {_key(e) for e in entries}
    kept = {(e.topic, e.payload) for e in entries if e.reading is None}
    for packet in broker.acknowledged:
        message = packet.topic, packet.payload
        if message not in kept and not readings.issuperset(sent.keys.get(message, [NOWHERE])):
            yield f"{packet.topic} {packet.payload!r}"


def _key(entry: Entry) -> Key | None:
    reading = entry.reading
    return None if reading is None else (entry.type, reading.twin, reading.channel, reading.time)


def _locked_out(world: World, sent: Sent, entries: Sequence[Entry]) -> Iterator[str]:
    """Good readings that were not accepted although all faults had ended long before."""
    accepted = {_key(e): e.code for e in entries if e.code in (Code.ACCEPTED, Code.LATE)}
    since = world.story.healed + AGAIN
    for key, moment in sent.honest.items():
        if since < moment < world.story.last_sent and (code := accepted.get(key)) is not Code.ACCEPTED:
            yield f"{key} of {moment:g} s is {code}"


def _refused(world: World, sent: Sent, entries: Sequence[Entry]) -> Iterator[str]:
    """Good readings that were refused for their time although so many good ones before them had agreed on it."""
    since = world.story.healed + (AGREEING + 1) * world.story.batch * 1.1 * PERIOD + UNDER_WAY
    for entry in entries:
        if entry.code in (Code.FUTURE, Code.PAST, Code.CLOCK_BACKWARDS):
            for key in sent.keys.get((entry.topic, entry.payload), ()):
                if sent.honest.get(key, 0.0) > since:
                    yield f"{key} of {sent.honest[key]:g} s is {entry.code}: {entry.detail}"


def _require_undisturbed(assembly: Assembly, reader: Reader, found: str) -> None:
    """The estimates and the states are those of the same readings in order, without any fault."""
    hashes = [_undisturbed(twin_type, reader) for twin_type in assembly.types]
    _require("the bits are those of the undisturbed fold", "" if found == joint_hash(hashes) else "another state")


def _undisturbed(twin_type: TypeAssembly, reader: Reader) -> str:
    """The same for one type; the hash of its state."""
    place, frontier = twin_type.place, reader.frontier(twin_type.place)
    fleet = FleetFold(twin_type, "stream")
    for _, entry in reader.entries():
        if entry.code is Code.DECISION and entry.type == place:
            fleet.take(entry)
    for reading in reader.accepted(place=place):
        fleet.take(Entry(reading.time, Code.ACCEPTED, reading))
    undisturbed = History(fleet.timeline.advance(-1 if frontier is None else frontier - 1)).newest
    try:
        stored = history_of(reader, place).newest
    except AssertionError as error:
        raise Broken("no estimate is missing or double", error) from None
    _require("no estimate is missing or double", sorted(stored.keys() ^ undisturbed.keys())[:10])
    differing = [where for where, verdict in stored.items() if verdict != undisturbed[where]]
    if differing:
        raise Broken("the bits are those of the undisturbed fold", f"{len(differing)} differ, first {differing[0]}")
    return fleet.state_hash


def _require_delivered(received: Received, estimates: Sequence[StoredEstimate], *, whole: bool) -> None:
    """A sink has every estimate in order, as it is stored, but those that it refused; and the last if not ``whole``."""
    _require("sinks get estimates in order", received.owed)
    stored = {e.position: e.figures.tobytes() for e in estimates}
    missing = stored.keys() - received.first.keys() - received.refused
    if not whole:
        missing = {position for position in missing if position < max(received.first, default=0)}
    _require("sinks get every estimate", sorted(missing)[:10])
    _require("sinks get what is stored", [p for p, figures in received.first.items() if stored.get(p) != figures][:10])
