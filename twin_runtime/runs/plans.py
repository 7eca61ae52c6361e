"""The forecasts that a configuration declares, as they are computed."""

from collections.abc import Sequence

from twin_runtime.config.outlook_sections import ForecastSection, LimitSection
from twin_runtime.runs.assembly import TypeAssembly
from twin_runtime.runs.outlook import Limit, Plan

HORIZONS = "--horizon"
"""The name of the forecast that an option asks for: none that is declared can have it."""

EVERY = 13
"""It is made in every so many ticks: prime to what is periodic in the readings."""


def plans(of: TypeAssembly) -> tuple[Plan, ...]:
    """The forecasts of a type, each with all limits: it raises the alarms of those that it is to watch."""
    furthest = max(of.config.forecasts, key=lambda forecast: forecast.horizon, default=None)
    return tuple(
        Plan(
            forecast.name,
            forecast.every // of.fleet.tick,
            leads(forecast.step or forecast.horizon, forecast.horizon, of.fleet.tick),
            places(of, forecast.quantities),
            tuple(_limit(of, limit, forecast, furthest) for limit in of.config.limits),
            forecast.budget,
        )
        for forecast in of.config.forecasts
    )


def of_horizons(of: TypeAssembly, horizons: Sequence[int]) -> Plan:
    """A forecast of all that sensors measure, so many ns ahead, to the nearest tick."""
    ahead = sorted({max(1, round(horizon / of.fleet.tick)) for horizon in horizons})
    measured = sorted({sensor.output for sensor in of.fleet.sensors})
    return Plan(HORIZONS, EVERY, tuple(ahead), tuple(measured))


def limits(of: TypeAssembly) -> tuple[Limit, ...]:
    """The limits of a type, to be told and without alarms."""
    return tuple(_limit(of, limit, None, None) for limit in of.config.limits)


def leads(step: int, horizon: int, tick: int) -> tuple[int, ...]:
    """Lead times in ticks: every step (ns), and the horizon itself."""
    every, last = max(1, step // tick), max(1, horizon // tick)
    return tuple(sorted({*range(every, last + 1, every), last}))


def places(of: TypeAssembly, names: Sequence[str]) -> tuple[int, ...]:
    """The places of some quantities; of the outputs where none are named."""
    known = [quantity.name for quantity in of.fleet.model.quantities]
    return tuple(known.index(name) for name in names) or tuple(range(len(of.fleet.model.outputs)))


def _limit(
    of: TypeAssembly, limit: LimitSection, forecast: ForecastSection | None, furthest: ForecastSection | None
) -> Limit:
    watcher = limit.forecast or (furthest.name if furthest else None)
    alarms = forecast is not None and forecast.name == watcher
    sign = 1.0 if limit.side == "above" else -1.0
    [quantity] = places(of, [limit.quantity])
    return Limit(limit.name, quantity, limit.value, sign, limit.alarm if alarms else None, limit.clear)
