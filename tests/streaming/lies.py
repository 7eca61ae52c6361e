"""A sensor that lies for a minute, signed in as it should be: what the twin notices, when, and what it believes.

python -m tests.streaming.lies

The assets are simulated, so the truth is known. Sizes are in standard deviations of the sensor's noise. *Believed*: of
the lie's duration, for how much the twin was trusted; and for how much of that its 90 % interval of the measured
quantity held the truth.
"""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import track

from tests.streaming.faults import Noticed, verdict
from tests.streaming.streams import EXAMPLES, Followed, follow
from tests.streaming.tank import NOISE, Tank, installed, tank_config
from twin_runtime.config import Config, load
from twin_runtime.config.against_model import create_model
from twin_runtime.core import FIGURES, FloatArray, Trust
from twin_simulators.asset import Asset
from twin_simulators.faults import Fault, parse_fault
from twin_simulators.packets import Mask
from twin_simulators.patient import Patient
from twin_simulators.transmission import transmit

EPOCH = 1_700_000_000_000_000_000
HEADER = (
    "| twin | lie | noticed after | untrusted after | by | trusted again | believed | truth inside |",
    "|---|---|---:|---:|---|---:|---:|---:|",
)
AFTER = 120.0
"""Seconds that a twin is given to trust its sensor again."""


@dataclass(frozen=True, eq=False)
class Deceived:
    """An asset, the twin that follows it, and the sensor that lies; sizes follow its noise ``sd``."""

    name: str
    asset: Asset
    config: Config
    sensor: str
    quantity: str
    sd: float
    onset: float = 120.0
    lasting: float = 60.0

    @property
    def end(self) -> float:
        """When it tells the truth again, s."""
        return self.onset + self.lasting

    def lies(self) -> dict[str, list[Fault]]:
        """What the sensor may do for a minute, by name."""
        sd, window = self.sd, f"start={self.onset} s,length={self.lasting} s"
        honest = [self._fault(f"noise,sd={sd}")]
        around = [f"noise,sd={sd},length={self.onset} s", f"noise,sd={sd},start={self.end} s"]
        steady = f"bias,size={{0}},start={self.onset} s", f"bias,size=-{{0}},start={self.end} s"
        return {
            "none": honest,
            **{
                f"bias of {k} sd": [*honest, *(self._fault(text.format(k * sd)) for text in steady)] for k in (1, 3, 10)
            },
            **{
                f"ramp to {k} sd": [*honest, self._fault(f"ramp,rate={k * sd / self.lasting},{window}")]
                for k in (3, 10)
            },
            **{f"scaled by {k}": [*honest, self._fault(f"scale,factor={k},{window}")] for k in (1.02, 1.1)},
            "frozen": [*honest, self._fault(f"stuck,{window}")],
            "without noise": [self._fault(text) for text in around],
            "replayed, of 90 s before": [*honest, self._fault(f"replayed,ago=90 s,{window}")],
        }

    def _fault(self, text: str) -> Fault:
        return parse_fault(f"{self.sensor}:{text}")


class Verdict(NamedTuple):
    """What became of a lie: what was noticed, when the twin was untrusted, and what was believed meanwhile."""

    noticed: Noticed
    untrusted: float | None
    believed: float
    inside: float


@cache
def subjects() -> tuple[Deceived, ...]:
    """The artery example, and a tank with one gauge and with two."""
    artery = Deceived("artery", Patient.individual(1), load(EXAMPLES / "artery.toml"), "abp", "pressure", 1.5)
    gauges = {1: "tank, one gauge", 2: "tank, two gauges"}
    tanks = (Deceived(n, Tank(), tank_config(k), "gauge", "depth", NOISE, onset=600.0) for k, n in gauges.items())
    return (artery, *tanks)


def main() -> int:
    """Print the table."""
    for line in table():
        print(line, flush=True)
    return 0


def table() -> Iterator[str]:
    """The lines of the table."""
    yield from HEADER
    told = [(subject, lie) for subject in subjects() for lie in subject.lies()]
    for subject, lie in track(told, "lying", console=Console(stderr=True), disable=not sys.stderr.isatty()):
        yield f"| {subject.name} | {lie} {cells(found(subject, lie))}"


def unnoticed() -> str:
    """The lies that were not noticed, a line for each twin."""
    missed = {
        subject.name: [lie for lie in subject.lies() if lie != "none" and found(subject, lie).noticed.after is None]
        for subject in subjects()
    }
    return "\n".join(f"- {name}: {', '.join(names) or 'none'}" for name, names in missed.items())


@cache
def found(subject: Deceived, lie: str) -> Verdict:
    """What the twin makes of a lie."""
    with installed(), silent():
        return _found(subject, lie)


@contextmanager
def silent() -> Iterator[None]:
    """Without the log of the runs."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _found(subject: Deceived, lie: str) -> Verdict:
    [twin_type] = subject.config.types
    simulation = subject.asset.simulate(subject.end + AFTER, seed=1)
    sent = transmit(
        simulation,
        [*subject.lies()[lie], *_honest_others(subject)],
        twin=twin_type.twin.twins[0],
        seed=1,
        channels=[channel.name for channel in twin_type.channels],
    )
    followed = follow(subject.config, sent.as_recording(EPOCH), subject.end + AFTER)
    during = (followed.seconds > subject.onset) & (followed.seconds <= subject.end)
    trusted = during & (followed.trust == Trust.TRUSTED)
    untrusted = np.flatnonzero(during & (followed.trust == Trust.UNTRUSTED))
    inside = held(followed, subject, simulation.truth.times, simulation.signals[0].values)
    return Verdict(
        verdict(followed, subject.onset, subject.end),
        float(followed.seconds[untrusted[0]] - subject.onset) if untrusted.size else None,
        float(trusted.sum() / during.sum()),
        float(inside[trusted].mean()) if trusted.any() else np.nan,
    )


def _honest_others(subject: Deceived) -> Sequence[Fault]:
    sensors = subject.config.types[0].sensors
    return [parse_fault(f"{name}:noise,sd={subject.sd}") for name in sensors if name != subject.sensor]


def held(followed: Followed, subject: Deceived, times: FloatArray, true: FloatArray) -> Mask:
    """Whether the 90 % interval of the measured quantity holds the truth, tick by tick."""
    names = [quantity.name for quantity in create_model(subject.config.types[0]).quantities]
    quantity = names.index(subject.quantity)
    low, high = (followed.figures[:, quantity, FIGURES.index(name)] for name in ("q05", "q95"))
    truth = np.interp(followed.seconds, times, true)
    return np.asarray((low <= truth) & (truth <= high))


def cells(found: Verdict) -> str:
    """A verdict as the rest of a line."""
    noticed, untrusted, believed, inside = found
    shares = f"{believed:.0%} | {'' if np.isnan(inside) else f'{inside:.0%}'}"
    again = "" if noticed.after is None else _seconds(noticed.recovered, f"not within {AFTER:g} s")
    by = ", ".join(noticed.checks) if noticed.after is not None else ""
    return f"| {_seconds(noticed.after)} | {_seconds(untrusted)} | {by} | {again} | {shares} |"


def _seconds(seconds: float | None, otherwise: str = "not") -> str:
    return otherwise if seconds is None else f"{seconds:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
