"""What forecasts and limits must agree on with each other, with the tick, and with the model."""

from collections.abc import Iterator

from twin_runtime.config.document import Key, Problem
from twin_runtime.config.outlook_sections import ForecastSection, LimitSection
from twin_runtime.config.twin_type import TwinType
from twin_runtime.durations import duration_text
from twin_runtime.errors import did_you_mean
from twin_runtime.modelling.model import Model


def outlook_problems(twin_type: TwinType) -> Iterator[Problem]:
    """All that can be known without the model."""
    yield from _shared_names("forecasts", twin_type.forecasts)
    yield from _shared_names("limits", twin_type.limits)
    for place, forecast in enumerate(twin_type.forecasts):
        yield from _times(twin_type, forecast, ("forecasts", place))
    names = [forecast.name for forecast in twin_type.forecasts]
    for place, limit in enumerate(twin_type.limits):
        if not names:
            what = f"expected a forecast that watches '{limit.name}', got none"
            yield Problem(("limits", place), what, "add a table [[forecasts]] with name, horizon and every")
        elif limit.forecast is not None and limit.forecast not in names:
            what = f"expected the name of a forecast, got '{limit.forecast}'"
            yield Problem(("limits", place, "forecast"), what, did_you_mean(limit.forecast, names))


def unknown_quantities(twin_type: TwinType, model: Model) -> Iterator[Problem]:
    """Quantities of forecasts and limits that the model does not have."""
    known = [quantity.name for quantity in model.quantities]
    asked: list[tuple[Key, str]] = [
        (("forecasts", place, "quantities"), name)
        for place, forecast in enumerate(twin_type.forecasts)
        for name in forecast.quantities
    ]
    asked += [(("limits", place, "quantity"), limit.quantity) for place, limit in enumerate(twin_type.limits)]
    for key, name in asked:
        if name not in known:
            what = f"expected a quantity of model '{model.name}', got '{name}'"
            yield Problem(key, what, did_you_mean(name, known))


def _shared_names(table: str, sections: tuple[ForecastSection, ...] | tuple[LimitSection, ...]) -> Iterator[Problem]:
    names = [section.name for section in sections]
    for place, name in enumerate(names):
        if name in names[:place]:
            yield Problem((table, place, "name"), f"expected a name of its own, got '{name}' again", "rename one")


def _times(twin_type: TwinType, forecast: ForecastSection, table: Key) -> Iterator[Problem]:
    tick = twin_type.twin.tick
    for key, value, unit in (
        ("step", forecast.step or tick, tick),
        ("horizon", forecast.horizon, forecast.step or tick),
        ("every", forecast.every, tick),
    ):
        if value % unit:
            of = "the tick" if unit == tick else "the step"
            what = f"expected a multiple of {of} of {duration_text(unit)}, got {duration_text(value)}"
            yield Problem((*table, key), what, f'take "{duration_text(max(1, round(value / unit)) * unit)}"')
