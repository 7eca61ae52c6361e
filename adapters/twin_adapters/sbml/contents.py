"""What an SBML file offers a twin, and the tables of a configuration to paste."""

from collections.abc import Iterator
from pathlib import Path

from twin_adapters.sbml.network import Network, network, settable
from twin_adapters.sbml.translated import model_class, translation
from twin_runtime.errors import ModelError
from twin_runtime.modelling.files import Contents, Row, Wanted

ORDER = ("state", "parameter", "output")


def contents(file: Path) -> Contents:
    """What is in an SBML file. Raises :class:`ModelError` for what is none, or has no translation."""
    found, refused, step = network(file), "", None
    try:
        step = model_class(translation(found, Wanted(), {}, None), None).step
    except ModelError as error:
        refused = f"{error.what}; remedy: {error.remedy}"
    model = found.source.model
    facts = [
        ("SBML", f"level {model.getLevel()} version {model.getVersion()}"),
        ("its time", found.time_unit or "not given, or not understood"),
        ("step", f"{step:g} s, by its fastest time constant at the start" if step is not None else "none"),
        ("SHA-256", found.source.digest),
    ]
    rows = sorted(_rows(found), key=lambda row: ORDER.index(row.kind))
    return Contents(
        model.getName() or model.getId() or file.stem, facts, rows, refused, "\n".join(_tables(found, step))
    )


def _rows(found: Network) -> Iterator[Row]:
    for name in found.rates:
        yield Row(name, "state", _unit(found, name), f"{found.start(name):g}", found.kinds[name])
    for name, value in settable(found).items():
        yield Row(name, "parameter", _unit(found, name), f"{value:g}", f"{found.kinds[name]}, or an input")
    for name in found.calculated:
        yield Row(name, "output", _unit(found, name), f"{found.start(name):g}", found.kinds[name])


def _unit(found: Network, name: str) -> str:
    unit = found.units[name]
    return "not understood" if unit is None else unit


def _tables(found: Network, step: float | None) -> Iterator[str]:
    """Tables to paste: the priors are a tenth of the start values, to be replaced by what is known."""
    yield from ("[twin]", f'name = "{found.source.file.stem}"', 'model = "sbml"', 'tick = "1 s"', "")
    yield from ("[model]", f'file = "{found.source.file}"', "")
    if step is not None:
        yield from ("[model.settings]", f"step = {step:g}        # seconds", "")
    yield "[model.priors]   # from the start values: put in what is known"
    for name in found.rates:
        value = found.start(name)
        yield f"{name} = {{ normal = [{value:g}, {abs(0.1 * value) or 0.1:g}] }}"
    for name, value in settable(found).items():
        if value > 0.0:
            yield f"# {name} = {{ lognormal = [{value:g}, 0.1] }}   # estimated, without the #"
    for name in found.rates:
        yield from ("", f"[sensors.{name}]", f'observes = "{name}"', f'unit = "{found.units[name] or "?"}"')
        yield f"noise = {abs(0.1 * found.start(name)) or 0.1:g}"
