"""Several twin types in one deployment: one source, one store, one outbox, and each type as if it were alone."""

import asyncio
import json
import math
from collections.abc import Iterator, Sequence
from heapq import merge
from operator import attrgetter
from pathlib import Path

import pytest

from tests.ward import EPOCH, TICK, messages
from twin_runtime.config import Config, TwinType
from twin_runtime.core import SECOND, Code, Message, RawReading
from twin_runtime.errors import StoreError
from twin_runtime.runs.assembly import Assembly, assemble
from twin_runtime.runs.fold import Fold
from twin_runtime.runs.live import run
from twin_runtime.runs.live_run import Ending
from twin_runtime.runs.replay import replay_recording, replay_store
from twin_runtime.runs.resuming import resume
from twin_runtime.runs.stored_summary import stored_summary
from twin_runtime.store.reader import Reader
from twin_runtime.store.store import Store
from twin_runtime.testing import MemoryRecording, MemorySink, MemorySource

PATIENTS = TwinType.model_validate(
    {
        "twin": {
            "name": "patients",
            "model": "windkessel",
            "twins": ["patient-0", "patient-1"],
            "tick": "40 ms",
            "lateness": "1 s",
            "clock": "stream",
            "seed": 3,
        },
        "sensors": {"abp": {"observes": "pressure", "unit": "mmHg", "noise": 2.0}},
        "inputs": {"flow": {"unit": "mL/s"}},
        "ensemble": {"members": 8},
    }
)
WEATHER = TwinType.model_validate(
    {
        "twin": {"name": "weather", "model": "lorenz63", "twins": ["air"], "tick": "100 ms", "clock": "stream"},
        "sensors": {"x": {"unit": "1", "noise": 1.0}},
        "ensemble": {"members": 12},
        "assimilation": {"gate": 0.0},
    }
)


def both() -> Assembly:
    return assemble(Config("hospital", (PATIENTS, WEATHER)))


def alone(twin_type: TwinType) -> Assembly:
    return assemble(Config.of(twin_type))


def of_weather(seconds: float) -> list[Message]:
    """A reading of x every 0.1 s."""
    count = round(seconds * 10)
    times = [EPOCH + k * SECOND // 10 + 7_000_000 for k in range(count)]
    values = [8.0 * math.sin(0.7 * k) for k in range(count)]
    return [
        Message("air/x", json.dumps({"value": value, "time": time}).encode(), time)
        for time, value in zip(times, values, strict=True)
    ]


def of_all(seconds: float) -> list[Message]:
    """What the sensors of both types send, in order of arrival."""
    return list(merge(messages(round(seconds * 25), 2), of_weather(seconds), key=attrgetter("arrival")))


def folded(assembly: Assembly, sent: Sequence[Message]) -> Fold:
    fold, router = Fold(assembly), assembly.router()
    for message in sent:
        fold.take(router.read(message))
        list(fold.run())
    list(fold.finish())
    return fold


def test_each_type_ends_in_the_states_that_it_has_alone() -> None:
    fold = folded(both(), of_all(4.0))
    patients, weather = folded(alone(PATIENTS), messages(100, 2)), folded(alone(WEATHER), of_weather(4.0))
    assert [fleet.state_hash for fleet in fold.fleets] == [patients.state_hash, weather.state_hash]
    assert [fleet.ticks for fleet in fold.fleets] == [patients.ticks, weather.ticks]
    assert fold.state_hash not in (patients.state_hash, weather.state_hash)


def test_everything_that_came_in_is_accounted_for_by_type_and_in_all() -> None:
    strays = [Message("nobody/x", b"1", EPOCH + SECOND), Message("air/y", b"1", EPOCH + SECOND)]
    fold = folded(both(), [*of_all(2.0), *strays, Message("air/x", b"no number", EPOCH + 2 * SECOND)])
    readings, parts = fold.accounting(), [fleet.accounting() for fleet in fold.fleets]
    assert readings["rejected"] == {"not-json": 1, "unknown-signal": 1, "unknown-topic": 1}
    assert [part["accepted"] for part in parts] == [200, 21]
    assert readings["accepted"] == 200 + 21 + 2
    assert readings["assimilated"] == sum(part["assimilated"] for part in parts)
    for each in (readings, *parts):
        known = (each[fate] for fate in ("assimilated", "duplicate", "late", "pending"))
        assert each["accepted"] == sum(each["rejected"].values()) + sum(known)


async def test_a_live_run_stores_and_forwards_both_and_its_replay_agrees(tmp_path: Path) -> None:
    assembly, sink, path = both(), MemorySink(), tmp_path / "hospital.db"
    source = MemorySource([[message] for message in of_all(2.0)])
    with Store.create_or_open(path, assembly.identity) as store:
        ending = Ending(until=EPOCH + 2 * SECOND, idle=SECOND // 4)
        summary = await asyncio.wait_for(run(assembly, source, store, sinks=[sink], ending=ending), 30)
    assert len(source.acknowledged) == 220
    assert summary["types"].keys() == {"patients", "weather"}
    assert {(estimate.type, estimate.twin) for estimate in sink.received} == {
        (0, "patient-0"),
        (0, "patient-1"),
        (1, "air"),
    }
    figures = {estimate.type: estimate.figures.shape for estimate in sink.received}
    assert figures == {place: (len(each.quantities), 5) for place, each in enumerate(assembly.identity.types)}
    replayed = replay_store(assembly, path)
    assert replayed["state_hash"] == summary["state_hash"]
    assert replayed["readings"] == summary["readings"]
    with Reader.open(path) as reader:
        stored = stored_summary(reader)
    for key in ("state_hash", "readings", "ticks"):
        assert stored[key] == summary[key]
    for name, part in stored["types"].items():
        assert part["verdicts"] == summary["types"][name]["verdicts"]
        assert part["estimates"].keys() == summary["types"][name]["estimates"].keys()


def test_a_type_that_is_silent_does_not_keep_the_run_from_its_end() -> None:
    fold = Fold(both(), until=EPOCH + 2 * SECOND)
    router = fold.assembly.router()
    assert not fold.ended()
    for message in of_weather(3.0):
        fold.take(router.read(message))
    list(fold.run())
    assert fold.ended()


def test_a_run_that_died_goes_on_with_both(tmp_path: Path) -> None:
    assembly, path, sent = both(), tmp_path / "hospital.db", of_all(6.0)
    with Store.create_or_open(path, assembly.identity) as store:
        fold, router = resume(assembly, store)
        for message in sent[:250]:
            entries = fold.take(router.read(message))
            store.write(entries, list(fold.run()), fold.settled())
    with Store.create_or_open(path, assembly.identity) as store:
        fold, router = resume(assembly, store)
        store.write(records=fold.revise())
        for message in sent[250:]:
            entries = fold.take(router.read(message))
            store.write(entries, list(fold.run()), fold.settled())
        list(fold.finish())
    assert fold.state_hash == folded(both(), sent).state_hash
    assert fold.counts == {Code.ACCEPTED: len(sent)}


def test_a_recording_of_both_is_replayed(tmp_path: Path) -> None:
    def readings() -> Iterator[RawReading]:
        for message in of_all(2.0):
            body, (twin, channel) = json.loads(message.payload), message.topic.split("/")
            yield RawReading(twin, channel, body["time"], body["value"])

    recording = MemoryRecording(readings())
    summary = replay_recording(both(), recording, store=tmp_path / "replayed.db", horizons=[SECOND // 2])
    assert {row["twin"] for row in summary["horizon"]} == {"patient-0", "patient-1", "air"}
    assert replay_store(both(), tmp_path / "replayed.db")["state_hash"] == summary["state_hash"]


def test_a_store_belongs_to_its_types(tmp_path: Path) -> None:
    path = tmp_path / "hospital.db"
    Store.create_or_open(path, both().identity).close()
    with pytest.raises(StoreError, match=r"types \['patients', 'weather'\] in the store, \['patients'\] now"):
        Store.create_or_open(path, assemble(Config("hospital", (PATIENTS,))).identity)
    finer = WEATHER.model_copy(update={"twin": WEATHER.twin.model_copy(update={"tick": TICK})})
    with pytest.raises(StoreError, match=r"weather\.tick 100000000 in the store, 40000000 now"):
        Store.create_or_open(path, assemble(Config("hospital", (PATIENTS, finer))).identity)
