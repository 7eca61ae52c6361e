"""The model of an FMU file."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twin_adapters.fmu.description import described
from twin_adapters.fmu.model import FmuModel
from twin_adapters.fmu.plan import plan
from twin_runtime.modelling.files import Wanted

NOTHING: Mapping[str, Any] = {}


def model(
    file: Path,
    wanted: Wanted,
    *,
    start: Mapping[str, Any] = NOTHING,
    units: Mapping[str, str] = NOTHING,
    states: Sequence[str] | None = None,
    step: float = math.inf,
) -> type[FmuModel]:
    """The class of the model in an FMU.

    ``start`` sets parameters and inputs for good; ``units`` says what the FMU does not, ``states`` names states that it
    does not list; ``step`` is the longest time in seconds between two
    communication points. Raises :class:`ModelError` for what is no FMU, or cannot run as a twin.
    """
    found = plan(described(file), wanted, start, units, states, step)
    name = re.sub(r"\W", "_", found.description.model.modelName or file.stem)
    return type(name, (FmuModel,), {"name": name, "plan": found, "__doc__": found.description.model.description})
