"""Tables of forecasts, of how good they have been, and of alarms."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

from twin_runtime.cli.options import instant_text
from twin_runtime.durations import NANOSECONDS, rough_duration

KEYS = ("newest_forecasts", "forecast_skill", "limit_skill", "alarms", "horizon")
"""What has a table of its own in a summary."""


def outlook_tables(summary: Mapping[str, Any]) -> Iterator[Table]:
    """Those of a summary, or of its part for one type."""
    if summary.get("newest_forecasts"):
        yield forecast_table(summary["newest_forecasts"])
    if rows := [*summary.get("forecast_skill", ()), *summary.get("horizon", ())]:
        yield skill_table(rows)
    if summary.get("limit_skill"):
        yield limit_table(summary["limit_skill"])
    if summary.get("alarms"):
        yield alarm_table(summary["alarms"])


def forecast_table(newest: Mapping[str, Mapping[str, Any]]) -> Table:
    """The last forecast of every twin, at its first and its last lead time."""
    table = Table("forecast", "twin", "issued", "quantity", "in", "mean", "90 % interval", "unit", box=None)
    for name, twins in newest.items():
        for twin, body in twins.items():
            for quantity, figures in body["quantities"].items():
                for k in sorted({0, len(body["leads"]) - 1}):
                    about = name, twin, instant_text(body["issued"]), quantity, rough_duration(body["leads"][k])
                    table.add_row(*about, *interval({key: figures[key][k] for key in FIGURES}), figures["unit"])
            for limit, found in body.get("limits", {}).items():
                watched = name, twin, instant_text(body["issued"]), f"{limit} is passed"
                table.add_row(*watched, rough_duration(body["leads"][-1]), share(found["within"]), passing(found), "")
    return table


FIGURES = ("mean", "q05", "q95")


def interval(figures: Mapping[str, float | None]) -> tuple[str, str]:
    """A mean and a 90 % interval."""
    return number(figures["mean"]), f"{number(figures['q05'])} to {number(figures['q95'])}"


def passing(found: Mapping[str, float | None]) -> str:
    """When a limit is passed, if it is."""
    median = found["q50"]
    if median is None:
        return ""
    return f"if so, in {seconds(median)} [{seconds(found['q05'])}, {seconds(found['q95'])}]"


def seconds(value: float | None) -> str:
    """A rough duration of so many seconds."""
    if value is None:
        return ""
    return rough_duration(value * NANOSECONDS["s"]) if value > 0.0 else "0 s"


def number(value: float | None) -> str:
    """To four digits; what is not known is a dash."""
    return "-" if value is None or value != value else f"{value:.4g}"  # noqa: PLR0124  # NaN


def share(value: float | None) -> str:
    """A probability in per cent."""
    return "-" if value is None else f"{100.0 * value:.0f} %"


def skill_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """By lead time: errors and CRPS beside those of forecasters without physics, and the coverage."""
    columns = ("forecast", "twin", "quantity", "in", "count", "RMSE", "persistence", "climatology")
    more = ("CRPS", "persistence", "climatology", "skill", "90 % covers")
    table = Table(*columns, *more, box=None)
    for row in rows:
        about = row["forecast"].strip("-"), row["twin"], row["quantity"], seconds(row["seconds"]), str(row["count"])
        errors = (f"{row[score][name]:.3g}" for score in ("rmse", "crps") for name in row["rmse"])
        skill = row["skill"]["persistence"]
        table.add_row(*about, *errors, "-" if skill is None else f"{skill:.2f}", share(row["coverage_90"]))
    return table


def limit_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """How good the probabilities of limits were."""
    columns = ("forecast", "twin", "limit", "count", "passed", "Brier", "skill", "reliability", "90 % of times cover")
    table = Table(*columns, box=None)
    for row in rows:
        counts = str(row["count"]), str(row["passed"])
        figures = (number(row.get(name)) for name in ("brier", "brier_skill", "reliability"))
        table.add_row(row["forecast"], row["twin"], row["limit"], *counts, *figures, share(row.get("time_coverage_90")))
    return table


def alarm_table(alarms: Sequence[Mapping[str, Any]]) -> Table:
    """The alarms that ask for somebody."""
    table = Table("alarm", "limit", "twin", "state", "raised", "probability", "acknowledged by", box=None)
    for alarm in alarms:
        by = alarm["acknowledged_by"] or "nobody: `twin alarms STORE --acknowledge NUMBER`"
        about = str(alarm["number"]), alarm["limit"], alarm["twin"], alarm["state"], instant_text(alarm["raised"])
        table.add_row(*about, share(alarm["probability"]), by)
    return table
