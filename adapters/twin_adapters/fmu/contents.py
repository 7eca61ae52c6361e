"""What an FMU offers a twin, and the tables of a configuration to paste."""

from collections.abc import Iterator
from pathlib import Path

from twin_adapters.fmu.description import Description, Scalar, described
from twin_adapters.fmu.plan import plan
from twin_runtime.errors import ModelError
from twin_runtime.modelling.files import Contents, Row, Wanted

ORDER = ("state", "parameter", "input", "output", "local")


def contents(file: Path) -> Contents:
    """What is in an FMU. Raises :class:`ModelError` for what is none."""
    found = described(file)
    model, refused, how = found.model, "", "nothing"
    try:
        plan(found, Wanted(), {}, {}, None, 1.0)
        how = "its states, which sensors correct"
    except ModelError as error:
        refused = f"{error.what}; remedy: {error.remedy}"
    facts = [
        ("FMI", f"{found.version}, {_kinds(found)}"),
        ("exported by", model.generationTool or "unknown"),
        ("its state", f"can{'' if found.saves else 'not'} be saved as bytes; {len(found.states)} states are listed"),
        ("carried by", how),
        ("SHA-256", found.digest),
    ]
    rows = sorted((_row(s, found) for s in found.scalars.values()), key=lambda row: ORDER.index(row.kind))
    return Contents(model.modelName, facts, rows, refused, "\n".join(_configuration(found)))


def _kinds(found: Description) -> str:
    named = {"co-simulation": found.model.coSimulation, "model exchange": found.model.modelExchange}
    return " and ".join(name for name, part in named.items() if part is not None) or "neither kind"


def _row(scalar: Scalar, found: Description) -> Row:
    kind = scalar.causality if scalar.causality in ORDER else "local"
    if scalar.name in found.states:
        kind = "state"
    notes = [scalar.type] if not scalar.is_float else []
    notes += ["fixed" if kind == "parameter" and not scalar.settable else scalar.variability, scalar.note]
    unit = scalar.unit if scalar.unit is not None else "not understood"
    return Row(scalar.name, kind, unit, scalar.start or "", ", ".join(filter(None, notes)))


def _configuration(found: Description) -> Iterator[str]:
    """Tables to paste: the priors are a tenth of the start values, to be replaced by what is known."""
    scalars = [s for s in found.scalars.values() if s.is_float]
    yield from ("[twin]", f'name = "{found.file.stem}"', 'model = "fmu"', 'tick = "1 s"', "")
    yield from (
        "[model]",
        f'file = "{found.file}"',
        "",
        "[model.priors]        # from the start values: put in what is known",
    )
    for scalar in scalars:
        if scalar.name in found.states:
            yield f'"{scalar.name}" = {{ normal = [{scalar.value:g}, {_spread(scalar):g}] }}'
        elif scalar.is_parameter and scalar.value > 0.0:
            yield f'# "{scalar.name}" = {{ lognormal = [{scalar.value:g}, 0.1] }}   # estimated, without the #'
    for scalar in (s for s in scalars if s.causality == "input"):
        yield from ("", f"[inputs.{_table(scalar)}]", f'drives = "{scalar.name}"', f'unit = "{scalar.unit or "?"}"')
    for scalar in (s for s in scalars if s.causality == "output"):
        yield from ("", f"[sensors.{_table(scalar)}]", f'observes = "{scalar.name}"', f'unit = "{scalar.unit or "?"}"')
        yield f"noise = {_spread(scalar):g}"


def _spread(scalar: Scalar) -> float:
    return abs(0.1 * scalar.value) or 0.1


def _table(scalar: Scalar) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in scalar.name)
