"""``[model]``: how a model differs from its defaults, or of what it is made."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from twin_runtime.config.sections import FilePath, Name, NotNegative, Pair, Section, Text, ascending, wrong
from twin_runtime.durations import PositiveDuration


def _spread(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[1] >= 0:
        return pair
    raise wrong(f"expected a standard deviation of 0 or more, got {pair[1]}", "give the standard deviation second")


def _median(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] > 0:
        return pair
    raise wrong(f"expected a median above 0, got {pair[0]}", "give the median itself, not its logarithm")


def _bounds(given: tuple[float, ...]) -> tuple[float, ...]:
    low, high = ascending((given[0], given[1]))
    if not low < (given[2] if len(given) > 2 else (low + high) / 2.0) < high:
        raise wrong(f"expected a median between the bounds, got {given[2]}", "give low, high, median, spread")
    _spread((low, given[3] if len(given) > 3 else 1.0))
    return given


Bounds = Annotated[tuple[float, ...], Field(strict=False, min_length=2, max_length=4), AfterValidator(_bounds)]
Spread = Annotated[Pair, AfterValidator(_spread)]
LogSpread = Annotated[Spread, AfterValidator(_median)]
Discount = Annotated[float, Field(gt=0.5, lt=1)]


FILE = "the file of a model that is read from one (fmu, sbml), relative to this configuration"


class PriorSection(Section):
    """The distribution of a variable before any reading: exactly one of the distributions."""

    normal: Spread | None = Field(default=None, description="mean and standard deviation", examples=[[80.0, 15.0]])
    lognormal: LogSpread | None = Field(
        default=None, description="median and standard deviation of the logarithm", examples=[[1.5, 0.3]]
    )
    bounded: Bounds | None = Field(
        default=None,
        description="the lower and the upper bound, and then median and standard deviation of the logit, if wanted",
        examples=[[0, 1]],
    )
    fixed: float | None = Field(default=None, description="the value, known exactly", examples=[1.0])

    @property
    def given(self) -> dict[str, Any]:
        """The distribution by its name, with its numbers."""
        return self.model_dump(exclude_none=True)

    @model_validator(mode="after")
    def _one_distribution(self) -> Self:
        if len(self.given) == 1:
            return self
        names = " and ".join(self.given) or "none"
        raise wrong(f"expected one distribution, got {names}", "give one of normal, lognormal, bounded, fixed")


class PartSection(Section):
    """``[model.parts.NAME]``: a part of a coupled model."""

    model: Text = Field(
        description="the name of a model (`twin models` lists them), or of the format of its file", examples=["vessel"]
    )
    file: FilePath | None = Field(default=None, description=FILE, examples=["cell.xml"])
    step: PositiveDuration | None = Field(
        default=None, description="the longest step of its integration, instead of the model's own", examples=["10 ms"]
    )
    settings: dict[str, Any] = Field(default={}, description="the model's own settings")


class LinkSection(Section):
    """``[[model.links]]``: a signal from ``source`` to ``target``, or a flux from port to port."""

    source: Text | None = Field(
        default=None, description="an output of a part, or an input of the whole", examples=["pump.flow"]
    )
    target: Text | None = Field(
        default=None, description="the input of a part that it drives", examples=["chamber.inflow"]
    )
    name: Name | None = Field(default=None, description="the name of a flux", examples=["valve"])
    upstream: Text | None = Field(default=None, description="the port that it leaves", examples=["heart.outlet"])
    downstream: Text | None = Field(default=None, description="the port that it enters", examples=["tree.inlet"])
    law: Text | None = Field(default=None, description="the law of the flux by its name", examples=["resistance"])
    carries: Text | None = Field(
        default=None, description="the output of a part that is the flux", examples=["heart.flow"]
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = set(self.model_dump(exclude_none=True))
        if given in ({"source", "target"}, *({"name", "upstream", "downstream", by} for by in ("law", "carries"))):
            return self
        kinds = "source and target (a signal), or name, upstream, downstream and law or carries (a flux)"
        raise wrong(f"expected {kinds}, got {', '.join(sorted(given)) or 'nothing'}", "give all of one kind")


class ModelSection(Section):
    """``[model]``: how the model differs from its defaults, or of what it is made."""

    parts: dict[Name, PartSection] = Field(
        default={}, description='a table [model.parts.NAME] for each part of a model = "coupled"'
    )
    links: Annotated[tuple[LinkSection, ...], Field(strict=False)] = Field(
        default=(), description="a table [[model.links]] for each link between the parts"
    )
    splitting: Literal["gauss-seidel", "strang"] | None = Field(
        default=None,
        description="each part advances by its own step, and they take turns (order 1 or 2); else all advance together "
        "by the shortest of their steps",
        examples=["strang"],
    )
    exchange: PositiveDuration | None = Field(
        default=None,
        description="the interval of the turns; the longest step, if not given, but parts that are no differential "
        "equations need one",
        examples=["1 s"],
    )
    file: FilePath | None = Field(default=None, description=FILE, examples=["tank.fmu"])
    settings: dict[str, Any] = Field(default={}, description="the model's own settings")
    priors: dict[str, PriorSection] = Field(default={}, description="priors of the model's variables by name")
    walk: dict[str, NotNegative] = Field(
        default={}, description="random walks by variable: standard deviation per square root of a second"
    )
    shrinkage: dict[str, Discount] = Field(
        default={}, description="parameters that are shrunk and drawn anew every tick, with the discount, such as 0.99"
    )
