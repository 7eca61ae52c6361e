"""The sections of a configuration file that look ahead: forecasts, and limits that they watch."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from twin_runtime.config.sections import Name, Section, Text, wrong
from twin_runtime.durations import PositiveDuration

Share = Annotated[float, Field(gt=0, le=1)]
Probability = Annotated[float, Field(ge=0, le=1)]


class ForecastSection(Section):
    """``[[forecasts]]``: what is computed beside the ticks, from the newest posterior."""

    name: Name = Field(description="its name, in the store and in topics", examples=["soon"])
    horizon: PositiveDuration = Field(description="how far ahead", examples=["2 s"])
    step: PositiveDuration | None = Field(
        default=None, description="the interval of its lead times; default: the horizon alone", examples=["500 ms"]
    )
    every: PositiveDuration = Field(description="how often it is issued", examples=["1 s"])
    quantities: Annotated[tuple[Text, ...], Field(strict=False)] = Field(
        default=(), description="of which quantities; default: the model's outputs", examples=[["pressure"]]
    )
    budget: Share = Field(
        default=0.1,
        description="the share of the time that it may take, 0 to 1; what does not fit is skipped and counted",
        examples=[0.1],
    )


class LimitSection(Section):
    """``[[limits]]``: a value that a quantity should not go beyond, watched by a forecast."""

    name: Name = Field(description="its name, in the store and in topics", examples=["hypotension"])
    quantity: Text = Field(description="a quantity of the model, measured or not", examples=["pressure"])
    above: float | None = Field(default=None, description="beyond is above this value, in the model's unit")
    below: float | None = Field(default=None, description="beyond is below this value, in the model's unit")
    forecast: Name | None = Field(
        default=None, description="the forecast that raises its alarm; default: the one that looks furthest ahead"
    )
    alarm: Probability = Field(
        default=0.5, description="from which probability on, within the forecast's horizon, it alarms", examples=[0.5]
    )
    clear: Probability = Field(
        default=0.25, description="to which probability it must fall for the alarm to be over", examples=[0.25]
    )

    @model_validator(mode="after")
    def _is_one_sided(self) -> "LimitSection":
        if (self.above is None) == (self.below is None):
            raise wrong("expected `above` or `below`, one of them", "give the value beyond which it alarms")
        if not self.clear < self.alarm:
            what = f"expected `clear` below `alarm`, got {self.clear:g} and {self.alarm:g}"
            raise wrong(what, "else an alarm would come and go with every forecast")
        return self

    @property
    def side(self) -> Literal["above", "below"]:
        """On which side of its value beyond is."""
        return "above" if self.above is not None else "below"

    @property
    def value(self) -> float:
        """The value itself, in the model's unit."""
        return next(value for value in (self.above, self.below) if value is not None)
