"""Models tried before they run: what would end a run is told in a sentence, with the line of the model."""

from typing import TYPE_CHECKING

from twin_runtime.cli.output import MESSAGES
from twin_runtime.errors import ModelError, all_of

if TYPE_CHECKING:
    from twin_runtime.runs.assembly import Assembly, TypeAssembly


def try_models(assembly: "Assembly") -> None:
    """Compile the models of a deployment and try them on their priors.

    Remarks are printed on stderr. Raises one :class:`ModelError` with all that no twin could run with.
    """
    from twin_runtime.core import SECOND
    from twin_runtime.modelling.trial import tried

    faults = list[ModelError]()
    for twin_type in assembly.types:
        model = twin_type.fleet.model
        note = f"compiling model {model.name} and trying it on its prior (seconds, the first time)"
        with MESSAGES.status(note):
            trial = tried(model, twin_type.config.twin.tick / SECOND, _ranges(twin_type))
        faults += trial.faults
        for remark in trial.remarks:
            MESSAGES.print("[yellow]mind:[/]", end=" ")
            MESSAGES.print(str(remark), markup=False, soft_wrap=True)
    if faults:
        raise all_of(list(dict.fromkeys(faults)))


def _ranges(twin_type: "TypeAssembly") -> dict[str, tuple[float, float]]:
    """The ranges of the inputs of a model, in its own units."""
    from twin_runtime.units import conversion

    units = {given.name: given.unit for given in twin_type.fleet.model.inputs}
    found = {}
    for channel in twin_type.config.channels:
        if channel.kind == "input" and channel.range is not None:
            scale, offset = conversion(channel.unit, units[channel.target])
            low, high = (scale * end + offset for end in channel.range)
            found[channel.target] = (low, high)
    return found
