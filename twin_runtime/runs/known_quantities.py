"""What the evidence that a configuration names says of the quantities of its twins."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from twin_runtime.config.document import Problem
from twin_runtime.config.twin_type import TwinType
from twin_runtime.modelling.model import Model
from twin_runtime.vvuq.standing import KnownQuantities
from twin_runtime.vvuq.withheld import CONTRADICTS, SUPPORTS, UNDECIDED, Outcome

Share = Annotated[float, msgspec.Meta(le=1.0)]


class OfSensor(msgspec.Struct, frozen=True):
    """What a sensor said that was withheld: ``taken`` and ``speaks_for`` are by quantity.

    ``using`` are the sensors that the twin had; ``taken`` is the share of a quantity's variance that they took,
    ``speaks_for`` what one reading of the sensor would have taken of the rest. ``effective`` is how many independent
    readings they are worth, ``nis`` the mean normalised innovation squared, coverage comes with its limits.
    Where its first readings were used, ``prior_`` is of the same twin that had none of them.
    """

    using: tuple[str, ...]
    outcome: Outcome
    readings: int
    effective: float
    nis: float | None
    nis_band: tuple[float, float] | None
    coverage_50: tuple[float, float, float] | None
    coverage_90: tuple[float, float, float] | None
    crps: float | None
    taken: Mapping[str, Share]
    speaks_for: Mapping[str, float]
    prior_coverage_90: float | None = None
    prior_crps: float | None = None


class OfType(msgspec.Struct, frozen=True):
    """Evidence of one type of twins: of its sensors that were withheld, and what ``using`` all of them has taken."""

    model_hash: str
    using: tuple[str, ...]
    taken: Mapping[str, Share]
    sensors: Mapping[str, OfSensor]


class EvidenceFile(msgspec.Struct, frozen=True):
    """The file that ``twin validate`` writes."""

    types: Mapping[str, OfType]
    recording: str = ""


def known_quantities(config: TwinType, model: Model) -> KnownQuantities | None:
    """What the evidence of a type says of its quantities; None where its configuration names none.

    Raises :class:`ConfigError` where the file cannot be read, or is of another model.
    """
    path = config.trust.evidence
    return None if path is None else known(_of_type(config, model, path), list(config.sensors), model)


def known(evidence: OfType, sensors: list[str], model: Model) -> KnownQuantities:
    """What holds of a twin that has these sensors: of evidence that used some it lacks, nothing but contradictions."""
    names = [quantity.name for quantity in model.quantities]
    usable = [found for found in evidence.sensors.values() if set(found.using) <= set(sensors)]
    whole = set(evidence.using) <= set(sensors)
    takings = [evidence.taken] if whole else [found.taken for found in usable]
    taken = [max((taking[name] for taking in takings if name in taking), default=np.nan) for name in names]
    supported = {name for found in usable if found.outcome == "supports" for name in found.speaks_for}
    contradicted = {
        name for found in evidence.sensors.values() if found.outcome == "contradicts" for name in found.speaks_for
    }
    said = [CONTRADICTS if name in contradicted else SUPPORTS if name in supported else UNDECIDED for name in names]
    return KnownQuantities(np.array(taken), np.array(said, np.int64))


def _of_type(config: TwinType, model: Model, path: Path) -> OfType:
    key, remedy = ("trust", "evidence"), "write it with `twin validate CONFIG RECORDING --out PATH`"
    try:
        types = msgspec.json.decode(path.read_bytes(), type=EvidenceFile).types
    except OSError as error:
        raise config.error([Problem(key, f"'{path}' cannot be read: {error.strerror}", remedy)]) from None
    except msgspec.DecodeError as error:
        raise config.error([Problem(key, f"'{path}' is no evidence: {error}", remedy)]) from None
    found = types.get(config.twin.name)
    if found is None:
        what = f"'{path}' has evidence of {', '.join(types)}, not of '{config.twin.name}'"
        raise config.error([Problem(key, what, remedy)])
    if found.model_hash != model.fingerprint:
        raise config.error([Problem(key, f"'{path}' is evidence of another model, or of other priors", remedy)])
    return found
