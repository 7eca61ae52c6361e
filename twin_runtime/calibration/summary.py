"""What a calibration came to: one JSON object, remarks on how far to trust it, and the head of the new file."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from twin_runtime.calibration.calibrate import Calibration, Fit
from twin_runtime.calibration.posterior import Posterior, interval, spelled
from twin_runtime.calibration.segment import Segment
from twin_runtime.modelling.variables import Prior
from twin_runtime.runs.assembly import Assembly

LARGE, SMALL = 1.2, 0.5
"""Misfits that are reported: errors 10 % larger, or 30 % smaller, than the noise as stated."""
CHANCE = 3.0
"""How many of its own standard deviations a misfit must be away from 1 to be reported."""
UNSETTLED = 1.1
"""The misfit of the members, beyond what they must differ, in units of that of their mean."""
NOTHING = 0.9
"""A variable that keeps more than this share of its prior spread has hardly been informed."""


def calibration_summary(
    assembly: Assembly, segment: Segment, calibration: Calibration, method: str, seed: int, noise: float = 1.0
) -> dict[str, Any]:
    """What a calibration came to; times are event times in nanoseconds, misfits are per reading."""
    return {
        "name": assembly.identity.name,
        "model": segment.fleet.model.name,
        "model_hash": segment.fleet.model.fingerprint,
        "twin": segment.twin,
        "method": method,
        "seed": seed,
        "noise": noise,
        "members": calibration.members,
        "dropped": calibration.dropped,
        "begin": segment.begin,
        "end": segment.end,
        "readings": segment.readings,
        "refused": segment.refused,
        "misfits": [misfit._asdict() for misfit in calibration.misfits],
        "by_sensor": {name: fit._asdict() for name, fit in calibration.by_sensor.items()},
        "posteriors": {posterior.name: _reported(posterior) for posterior in calibration.posteriors},
        "unidentifiable": list(calibration.unidentifiable),
        "remarks": list(remarks(calibration, noise)),
    }


def _reported(posterior: Posterior) -> dict[str, Any]:
    return {
        "unit": posterior.unit,
        "prior": _figures(posterior.prior),
        "posterior": _figures(posterior.posterior),
        "kept": posterior.kept,
        "written": spelled(posterior.posterior),
    }


def _figures(prior: Prior) -> dict[str, float]:
    return dict(zip(("q50", "q05", "q95"), interval(prior), strict=True))


def remarks(calibration: Calibration, noise: float = 1.0) -> Iterator[str]:
    """What must be known before the posteriors are believed; ``noise`` is by what that of readings was multiplied."""
    if calibration.dropped:
        yield f"{calibration.dropped} members diverged and were left out; {calibration.members} are left"
    for name, fit in calibration.by_sensor.items():
        yield from _of_fit(name, fit, noise)
    yield from _of_members(calibration)
    for posterior in calibration.posteriors:
        if posterior.kept > NOTHING:
            yield f"the recording says next to nothing of {posterior.name}: it keeps {posterior.kept:.0%} of its spread"


def _of_members(calibration: Calibration) -> Iterator[str]:
    """Of p variables known as well as n readings determine them, the predictions vary by p / n of the noise's."""
    of_mean, of_members = calibration.misfits[-1]
    readings = sum(fit.readings for fit in calibration.by_sensor.values())
    if of_members > UNSETTLED * of_mean + 2.0 * calibration.uncertain / readings:
        yield (
            f"the members have not settled: their misfit is {of_members:.3g}, that of their mean {of_mean:.3g}; "
            "give more --iterations, or more --members"
        )


def _of_fit(name: str, fit: Fit, noise: float) -> Iterator[str]:
    """A squared normal has variance 2, and so their mean over n readings 2 / n."""
    if abs(fit.misfit - 1.0) <= CHANCE * math.sqrt(2.0 / fit.readings):
        return
    factor = math.sqrt(fit.misfit)
    if fit.misfit > LARGE:
        yield (
            f"{name} is missed by {factor:.3g} times its noise: the model, or the noise as stated, does not explain "
            f"the recording, and the posteriors are too narrow. With --noise {factor * noise:.3g} they are widened by "
            f"as much; errors that last call for more."
        )
    elif fit.misfit < SMALL:
        yield (
            f"{name} is missed by only {factor:.3g} times its noise: the noise is overstated, and the posteriors are "
            f"too wide. --noise {factor * noise:.3g} would do."
        )


def provenance(source: str, summary: Mapping[str, Any], segment: str) -> Iterator[str]:
    """What the posteriors come from, a line each; ``summary`` is a :func:`calibration_summary`."""
    before, after = summary["misfits"][0]["of_mean"], summary["misfits"][-1]["of_mean"]
    yield f"Calibrated by {source}, twin {summary['twin']}, {segment}:"
    yield f"{summary['readings']} readings, {summary['method']}, {summary['members']} members, seed {summary['seed']}."
    noise = "the noise as stated" if summary["noise"] == 1.0 else f"{summary['noise']:g} times the noise as stated"
    yield f"Misfit a reading {before:.3g} before, {after:.3g} after (1 is {noise})."
    yield from (f"Mind: {remark}" for remark in (*summary["remarks"], *summary["unidentifiable"]))
