"""Faults inside a twin: members that are lost, an ensemble that collapses, a sensor that lies."""

from pathlib import Path

import numpy as np

from tests.faults.row import Outcome
from tests.streaming import lies
from tests.streaming.streams import Followed, follow
from tests.streaming.tank import NOISE, Tank, installed, tank_config
from twin_runtime.config import Config
from twin_runtime.core import Trust
from twin_simulators.faults import parse_fault
from twin_simulators.transmission import transmit

SECONDS = 600.0


def lost_members(folder: Path) -> Outcome:
    """A model that is not defined below zero, with a prior that reaches there."""
    del folder
    with installed(), lies.silent():
        followed = _followed(tank_config(1, model="draining-tank"))
    named = sum("replaced" in reasons for reasons in followed.reasons)
    finite = "every estimate is finite" if np.isfinite(followed.figures).all() else "ESTIMATES ARE NOT FINITE"
    does = "a member that is not finite is replaced by a copy of another, counted, and named (`replaced`)"
    lost = followed.summary["replaced"]["tank-1"]
    return Outcome(does, f"{lost} of 64 members lost, named in {named} ticks; {finite}; {_trust(followed)}")


def collapsed(folder: Path) -> Outcome:
    """The leak is taken for known, nothing walks, nothing is inflated; and the tank leaks twice as fast."""
    del folder
    settings = {"priors": {"leak": {"fixed": 0.02}}, "walk": {"level": 0.0, "leak": 0.0}}
    with installed(), lies.silent():
        followed = _followed(tank_config(1, settings=settings, rtps=0.0), leak=0.04)
    named = [t for t, reasons in zip(followed.seconds, followed.reasons, strict=True) if "collapse" in reasons]
    told = f"named after {named[0]:.0f} s" if named else "NOT NAMED"
    others = [t for t, reasons in zip(followed.seconds, followed.reasons, strict=True) if reasons]
    told += f", its wrong estimates by other checks after {others[0]:.0f} s" if others else ""
    return Outcome("an ensemble that has lost its spread is named (`collapse`)", f"{told}; {_trust(followed)}")


def lying(folder: Path) -> Outcome:
    """Every lie of the table below."""
    del folder
    told = [lies.found(subject, lie) for subject in lies.subjects() for lie in subject.lies() if lie != "none"]
    noticed = [found for found in told if found.noticed.after is not None]
    after = [found.noticed.after for found in noticed if found.noticed.after is not None]
    untrusted = [found.untrusted for found in told if found.untrusted is not None]
    figures = (
        f"of {len(told)} lies of a minute {len(noticed)} noticed, after {np.median(after):.1f} s in the median; "
        f"{len(untrusted)} untrusted, after {np.median(untrusted):.1f} s; see below for each"
    )
    return Outcome("what contradicts the physics or another sensor is named; the rest is believed", figures)


def _followed(config: Config, **properties: float) -> Followed:
    simulation = Tank.model_validate(properties).simulate(SECONDS, seed=1)
    noise = [parse_fault(f"gauge:noise,sd={NOISE}")]
    sent = transmit(simulation, noise, twin="tank-1", seed=1, channels=("gauge", "inflow"))
    return follow(config, sent.as_recording(lies.EPOCH), SECONDS)


def _trust(followed: Followed) -> str:
    counts = {trust: int((followed.trust == trust).sum()) for trust in Trust}
    ticks = ", ".join(f"{count} {trust.name.lower()}" for trust, count in counts.items() if count)
    return f"of {len(followed.trust)} ticks {ticks}"
