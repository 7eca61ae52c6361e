"""The model of an SBML file."""

from collections.abc import Mapping
from pathlib import Path

from twin_adapters.sbml.network import network
from twin_adapters.sbml.translated import model_class, translation
from twin_runtime.errors import ModelError
from twin_runtime.modelling.files import Wanted
from twin_runtime.modelling.ode import OdeModel

NOTHING: Mapping[str, str] = {}


def model(
    file: Path,
    wanted: Wanted,
    *,
    step: float | None = None,
    time_unit: str | None = None,
    units: Mapping[str, str] = NOTHING,
) -> type[OdeModel]:
    """The class of the model in an SBML file.

    ``step`` is the longest step of its integration in seconds, else found from its rates at the start; ``time_unit`` is
    that of the model's time and ``units`` those of quantities, where the file does not say them. Raises
    :class:`ModelError` for what is no SBML, or has no translation.
    """
    if step is not None and not step > 0.0:
        raise ModelError(f"expected a step above 0 s, got {step}", where=str(file), remedy="give seconds")
    return model_class(translation(network(file), wanted, units, time_unit), step)
