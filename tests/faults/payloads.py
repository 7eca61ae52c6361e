"""Faults of what is sent: twice, in disorder, garbage, in other units."""

import asyncio
import json
import random
import time
from collections import Counter
from operator import attrgetter
from pathlib import Path

from tests.acceptance.running import Deployment
from tests.faults.live import account, living, patient, settled
from tests.faults.row import Outcome
from tests.ingest.test_fuzz import mutated
from twin_adapters.publishing import publish
from twin_runtime.core import SECOND, Code, Message
from twin_runtime.store.reader import Reader

GARBAGE = 5000
UNITS = ("dB", "delta_degC", "kPa", "mmHg", "degC", "rpm", "", "\u00b5", "m" * 30, "1/0", "mmHg**1e9", "__import__")
APART = 2_000_000
"""Nanoseconds between them."""
DISORDER = 2 * SECOND
"""How long a message may be under way."""


def disordered(folder: Path) -> Outcome:
    """Every message is sent twice, each under way for up to 2 s."""
    with living(folder) as (_, deployment, run):
        with patient(deployment, 20.0) as sent:
            rng = random.Random(3)
            again = [m._replace(arrival=m.arrival + rng.randint(0, DISORDER)) for m in sent.messages]
            asyncio.run(_send(deployment, sorted(again, key=attrgetter("arrival")), sent.epoch))
        summary = settled(deployment, run, sent)
    duplicates = summary["readings"]["duplicate"]
    does = "by (sensor, time): what came before counts once; what comes late is folded in where it belongs"
    return Outcome(does, f"{duplicates} of {len(again)} counted as duplicates; {account(deployment, summary, sent)}")


async def _send(deployment: Deployment, messages: list[Message], origin: int) -> None:
    await publish(messages, deployment.client("again"), origin=origin)


def garbage(folder: Path) -> Outcome:
    """Mutated payloads on the topic of the pressure, among those of the patient."""
    rng = random.Random(4)
    return _poured(folder, [mutated(rng) for _ in range(GARBAGE)], "each is refused with a code, its payload kept")


def units(folder: Path) -> Outcome:
    """Readings in units that are wrong, strange or no units."""
    payloads = [json.dumps({"value": 12.0, "time": time.time_ns(), "unit": unit}).encode() for unit in UNITS]
    return _poured(folder, payloads, "converted where it is a pressure, else refused as wrong-unit")


def _poured(folder: Path, payloads: list[bytes], does: str) -> Outcome:
    with living(folder) as (_, deployment, run):
        with patient(deployment, 20.0) as sent:
            time.sleep(3.0)
            now = time.time_ns()
            stamps = range(now, now + len(payloads) * APART, APART)
            poured = [Message("patient-1/abp", *each) for each in zip(payloads, stamps, strict=True)]
            asyncio.run(_send(deployment, poured, now))
        summary = settled(deployment, run, sent)
    with Reader.open(deployment.store) as reader:
        codes = Counter(entry.code for _, entry in reader.entries() if entry.code.is_rejection)
    kinds = ", ".join(f"{count} {code}" for code, count in codes.most_common())
    return Outcome(
        does, f"of {len(payloads)}: {kinds}; {codes[Code.FAULT]} faults; {account(deployment, summary, sent)}"
    )
