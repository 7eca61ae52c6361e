"""The assets that can be simulated, by name."""

from collections.abc import Iterable, Mapping

from pydantic import ValidationError

from twin_runtime.errors import ConfigError, did_you_mean
from twin_simulators.asset import Asset
from twin_simulators.patient import Patient
from twin_simulators.pipe import Pipe

ASSETS: Mapping[str, type[Asset]] = {"patient": Patient, "pipe": Pipe}


def make_asset(name: str, seed: int, settings: Iterable[str] = ()) -> Asset:
    """One individual of a kind of asset, with some properties set as ``name=value``.

    Raises ConfigError for an asset or a property that does not exist, and for a value that it cannot have.
    """
    if name not in ASSETS:
        raise ConfigError("no such asset", where=f"asset {name!r}", remedy=did_you_mean(name, ASSETS))
    kind = ASSETS[name]
    chosen = dict(setting.partition("=")[::2] for setting in settings)
    for field in chosen:
        if field not in kind.model_fields:
            remedy = did_you_mean(field, kind.model_fields)
            raise ConfigError(f"a {name} has no such property", where=f"property {field!r}", remedy=remedy)
    try:
        return kind.model_validate({**kind.individual(seed).model_dump(), **chosen})
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(map(str, problem["loc"]))
        meaning = kind.model_fields[field].description if field else ""
        where = f"property {field!r}" if field else f"properties of a {name}"
        remedy = f"set another value: {meaning}" if meaning else "set other values"
        raise ConfigError(problem["msg"], where=where, remedy=remedy) from error
