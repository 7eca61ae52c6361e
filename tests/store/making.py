"""What the stories about the stream are made of: a twin type of two patients with a pressure and an R peak."""

import numpy as np

from twin_runtime.core import Checkpoint, Code, Entry, FleetState, Quantity, Reading, Record
from twin_runtime.store.identity import Identity, TypeIdentity

TICK = 40_000_000
START = 1_700_000_000_000_000_000

WARD = TypeIdentity(
    name="ward",
    twins=("patient-1", "patient-2"),
    channels=("abp", "r_peak"),
    quantities=(Quantity("pressure", "mmHg"), Quantity("resistance", "mmHg*s/mL")),
    checks=("age", "coverage", "innovation"),
    tick=TICK,
    config_hash="c0ffee",
    model_hash="beef",
    validity=5_000_000_000,
)
IDENTITY = Identity("ward", (WARD,))


def reading(number: int, twin: int = 0, channel: int = 0) -> Reading:
    return Reading(twin, channel, START + number * 8_000_000, 80.0 + number / 7, 2.0, number)


def accepted(number: int, twin: int = 0, channel: int = 0) -> Entry:
    return Entry(START + number * 8_000_000 + 1, Code.ACCEPTED, reading(number, twin, channel))


def record(tick: int, revision: int = 0, rows: tuple[int, ...] = (0, 1), reasons: int = 0) -> Record:
    figures = np.random.default_rng([tick, revision]).normal(size=(len(rows), 2, 5))
    one = np.ones(len(rows), dtype=np.int64)
    trust = one if reasons else 0 * one
    standing = np.array([[(tick + revision + q) % 4 for q in range(2)] for _ in rows])
    return Record(tick, np.array(rows), figures, trust, reasons * one, revision * one, standing)


def checkpoint(tick: int) -> Checkpoint:
    random = np.random.default_rng(tick)
    state = FleetState(*(random.normal(size=shape) for shape in ((2, 4, 3), (2, 6), (2, 4, 10))))
    return Checkpoint(tick, state, WARD.twins)
