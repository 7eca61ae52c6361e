"""The assets that can be simulated, by name: found by entry point."""

from collections.abc import Iterable

from pydantic import ValidationError

from twin_runtime import entry_points
from twin_runtime.errors import ConfigError, did_you_mean
from twin_simulators.asset import Asset


def asset_named(name: str) -> type[Asset]:
    """A kind of asset. Raises ConfigError where there is none of that name, or what is there is no asset."""
    found = entry_points.found(entry_points.ASSETS)
    if name not in found:
        raise ConfigError("no such asset", where=f"asset {name!r}", remedy=did_you_mean(name, found))
    kind = entry_points.loaded(found[name])
    if not (isinstance(kind, type) and issubclass(kind, Asset)):
        remedy = "name a subclass of twin_simulators.asset.Asset in the entry point"
        raise ConfigError(f"expected an asset, got {kind!r}", where=found[name].value, remedy=remedy)
    return kind


def make_asset(name: str, seed: int, settings: Iterable[str] = ()) -> Asset:
    """One individual of a kind of asset, with some properties set as ``name=value``.

    Raises ConfigError for an asset or a property that does not exist, and for a value that it cannot have.
    """
    kind = asset_named(name)
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
