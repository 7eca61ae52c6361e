"""What of an FMU a twin uses, and how its state goes into the array: decided once, refused with the reason.

The runtime's promise is that a twin's whole state is its row of one array: a checkpoint is a copy, a late reading
restores one and folds again. So nothing may live in an instance from tick to tick. Every tick starts the FMU anew from
the states and parameters in the array, and reads the states back: that is what the standard allows of any FMU that
lists its continuous states as start values (in step mode it lets nobody set a state), it lets sensors correct the
states, and one instance can serve all members, as it keeps nothing. Other FMUs are refused. That the states listed are
all there is is no claim of the FMU's: it is tried before the start, see :mod:`twin_adapters.fmu.tried`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from twin_adapters.fmu.description import Description, Scalar
from twin_adapters.fmu.instance import Given, starting
from twin_runtime.errors import ModelError, did_you_mean
from twin_runtime.modelling.files import Wanted


@dataclass(frozen=True, slots=True)
class Plan:
    """Which scalars of an FMU are columns of the array, inputs and outputs of a twin.

    ``start`` are the other values that a configuration sets; ``step`` the longest step between two communication
    points, in seconds.
    """

    description: Description
    states: tuple[Scalar, ...]
    parameters: tuple[Scalar, ...]
    inputs: tuple[Scalar, ...]
    outputs: tuple[Scalar, ...]
    units: Mapping[str, str]
    start: tuple[Given, ...]
    step: float


def plan(
    description: Description,
    wanted: Wanted,
    start: Mapping[str, Any],
    units: Mapping[str, str],
    states: Sequence[str] | None,
    step: float,
) -> Plan:
    """Decide what a twin uses. Raises :class:`ModelError` with the reason where it cannot run."""
    if reason := description.refused():
        refuse(description, reason, "name another FMU")
    scalars = description.scalars
    for name in (*start, *units, *(states or ())):
        if name not in scalars:
            refuse(description, f"has no variable '{name}'", did_you_mean(name, scalars))
    if not step > 0.0:
        refuse(description, f"expected a step above 0 s, got {step!r}", "give seconds, or leave it out")
    listed = _states(description, states)
    parameters = _parameters(description, wanted.variables - {*listed})
    for name in (*listed, *(parameter.name for parameter in parameters)):
        if name in start:
            refuse(description, f"'{name}' has both a start and a prior", f"write {name} = {{ fixed = ... }} as prior")
    outputs = [s.name for s in scalars.values() if s.causality == "output" and s.is_float]
    observed = [name for name in sorted(wanted.outputs) if name in scalars and scalars[name].is_float]
    shown = dict.fromkeys((*outputs, *listed, *observed))
    inputs = [s.name for s in scalars.values() if s.causality == "input" and s.is_float and s.name not in start]
    return Plan(
        description,
        tuple(scalars[name] for name in listed),
        parameters,
        tuple(scalars[name] for name in inputs),
        tuple(scalars[name] for name in shown),
        _units(description, (*shown, *inputs, *(p.name for p in parameters)), units),
        tuple(starting(description, start)),
        float(step),
    )


def _states(description: Description, states: Sequence[str] | None) -> tuple[str, ...]:
    """The states that carry the FMU. Raises :class:`ModelError` where none do."""
    if states is None and not description.listed:
        what = "lists no states (ModelStructure, derivatives): nothing carries it from tick to tick"
        refuse(description, what, 'export it with its states; if you know them, name them: states = ["..."]')
    listed = tuple(description.states if states is None else states)
    if stiff := [name for name in listed if not _can_start(description.scalars[name])]:
        what = f"does not let its states be set ({', '.join(stiff)}: initial is not exact)"
        refuse(description, what, "export it with its states as start values")
    return listed


def _can_start(scalar: Scalar) -> bool:
    return scalar.is_float and scalar.settable


def _parameters(description: Description, names: Iterable[str]) -> tuple[Scalar, ...]:
    """The parameters that a configuration names, in the FMU's order."""
    known = {s.name: s for s in description.scalars.values() if s.is_parameter}
    for name in sorted(names):
        if name not in known:
            what = f"'{name}' is none of its states and of the parameters that can be set"
            refuse(description, what, did_you_mean(name, [*description.states, *known]))
    return tuple(scalar for name, scalar in known.items() if name in {*names})


def _units(description: Description, names: Iterable[str], given: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name in names:
        unit = given.get(name, description.scalars[name].unit)
        if unit is None:
            refuse(
                description,
                f"the unit of '{name}' is not understood",
                f'say which it is: units = {{ "{name}" = "..." }} under [model.settings]',
            )
        found[name] = unit
    return found


def refuse(description: Description, what: str, remedy: str) -> NoReturn:
    """Raise why an FMU cannot run as it is asked to."""
    raise ModelError(what, where=str(description.file), remedy=remedy)
