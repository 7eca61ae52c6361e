"""A sensor that fails on a recorded stream: when the twin notices, what it then reports, and when it trusts again.

python -m tests.streaming.faults --data FOLDER
"""

import sys
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.streaming.streams import ARTERY, FRONT, PIPE, Followed, Stream, follow, with_faults
from twin_runtime.core import Recording, Trust
from twin_simulators.faults import Fault, parse_fault

ONSET = {ARTERY: 180.0, PIPE: 1500.0, FRONT: 150.0}
"""Seconds from the start. The pipe warms by 0.4 K in that minute; where there is a front, by 25 K."""
LASTING = 60.0
"""Seconds that a sensor stays wrong."""
AFTER = 180.0
"""Seconds that a twin is given to trust its sensor again."""
STEADY = 10.0
"""Seconds for which trust must last."""
HEADER = ("| twin | fault | noticed after | worst | by | trusted again |", "|---|---|---:|---|---|---:|")


class Noticed(NamedTuple):
    """Seconds from the fault to the first distrust (None: never), and from its end to trust that lasts (None: not yet).

    ``worst`` and the ``checks`` are of the time between.
    """

    after: float | None
    worst: Trust
    checks: tuple[str, ...]
    recovered: float | None


def main(arguments: list[str]) -> int:
    """Print the table."""
    parser = ArgumentParser(prog="python -m tests.streaming.faults", description="A sensor fails; the twin notices.")
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds the recordings' folders")
    folder = parser.parse_args(arguments).data
    print(*HEADER, sep="\n")
    for stream in ONSET:
        recording = stream.recorded(folder)
        for name in faults_of(stream):
            print(f"| {stream.name} | {name} {cells(noticed(stream, recording, name))}", flush=True)
    return 0


def faults_of(stream: Stream) -> dict[str, list[Fault]]:
    """What may happen to the sensor for a minute, by name; a bias ends by its opposite."""
    onset, end = ONSET[stream], ONSET[stream] + LASTING
    sd = stream.config().types[0].sensors[stream.sensor].noise
    window = f"start={onset} s,length={LASTING} s"
    return {
        "none": [],
        "dropped for a minute": [parse_fault(f"dropout,{window}")],
        "stuck for a minute": [parse_fault(f"stuck,{window}")],
        **{
            f"bias of {size} sd for a minute": [
                parse_fault(f"bias,size={sign * size * sd},start={moment} s")
                for sign, moment in ((1, onset), (-1, end))
            ]
            for size in (1, 3, 10)
        },
    }


def noticed(stream: Stream, recording: Recording, name: str) -> Noticed:
    """What the example's twin makes of a fault."""
    onset = ONSET[stream]
    faulty = with_faults(recording, stream.sensor, *faults_of(stream)[name])
    return verdict(follow(stream.config(), faulty, onset + LASTING + AFTER), onset, onset + LASTING)


def verdict(followed: Followed, onset: float, end: float) -> Noticed:
    """How the trust in a twin went while a fault lasted, and after it."""
    during = (followed.seconds > onset) & (followed.seconds <= end)
    doubted = np.flatnonzero(during & (followed.trust > Trust.TRUSTED))
    complaints = Counter(check for k in np.flatnonzero(during) for check in followed.reasons[k])
    return Noticed(
        float(followed.seconds[doubted[0]] - onset) if doubted.size else None,
        Trust(int(followed.trust[during].max())),
        tuple(check for check, _ in complaints.most_common()),
        trusted_again(followed, end),
    )


def trusted_again(followed: Followed, end: float) -> float | None:
    """Seconds from ``end`` until trust has come to last."""
    moment = end
    for second, trust in zip(followed.seconds, followed.trust, strict=True):
        if second > moment and trust > Trust.TRUSTED:
            moment = float(second)
        elif second > moment + STEADY:
            return moment - end
    return None


def cells(found: Noticed) -> str:
    """A verdict as the rest of a line."""
    after = "not" if found.after is None else f"{found.after:.1f} s"
    recovered = f"not within {AFTER:g} s" if found.recovered is None else f"{found.recovered:.1f} s"
    return f"| {after} | {found.worst.name.lower()} | {', '.join(found.checks)} | {recovered} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
