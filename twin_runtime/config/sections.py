"""The sections of a configuration file. Every field says what it means; the same words are the remedy in an error."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from twin_runtime.core import SECOND
from twin_runtime.durations import Duration, PositiveDuration

LEAST_VALIDITY = 5 * SECOND
"""How long an estimate counts at least, where nothing is declared: a busy machine or broker may publish late."""


def ascending(pair: tuple[float, float]) -> tuple[float, float]:
    """The pair, if its lower value comes first."""
    if pair[0] < pair[1]:
        return pair
    raise wrong(f"expected the lowest value first, got {list(pair)}", "exchange the two numbers")


def _squarable(deviation: float) -> float:
    if 1e-100 <= deviation <= 1e100:
        return deviation
    raise wrong(f"expected a number that can be squared, got {deviation:g}", "measure in another unit")


def _name(name: str) -> str:
    if re.fullmatch(r"\w[\w.-]*", name):
        return name
    raise ValueError(f"expected a name of letters, digits, '_', '-' and '.', got \"{name}\"")


def wrong(what: str, remedy: str) -> PydanticCustomError:
    """What pydantic raises, with a remedy."""
    return PydanticCustomError("disagreement", "{what}", {"what": what, "remedy": remedy})


Name = Annotated[str, AfterValidator(_name)]
"""A name that can stand in a topic, a tag and a file name."""
Text = Annotated[str, Field(min_length=1)]
FilePath = Annotated[Path, Field(strict=False)]
Pair = Annotated[tuple[float, float], Field(strict=False)]
Interval = Annotated[Pair, AfterValidator(ascending)]
Positive = Annotated[float, Field(gt=0)]
Deviation = Annotated[Positive, AfterValidator(_squarable)]
Correlation = Annotated[tuple[Name, Name, Annotated[float, Field(gt=-1, lt=1)]], Field(strict=False)]
NotNegative = Annotated[float, Field(ge=0)]


class Section(BaseModel):
    """What all sections have in common: frozen, strict about types, without unknown keys."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())


class DeploymentSection(Section):
    """``[deployment]``: what several twin types have in common."""

    name: Name = Field(description="the name of this deployment", examples=["plant"])


class TwinSection(Section):
    """``[twin]``: what runs, and how it keeps time."""

    name: Name = Field(description="the name of this deployment", examples=["artery"])
    model: Text = Field(description="the name of a model (`twin models` lists them)", examples=["artery"])
    twins: Annotated[tuple[Name, ...], Field(strict=False, min_length=1)] = Field(
        default_factory=lambda before: (before["name"],),
        description="the names of the twins, one an asset",
        examples=[["patient-1", "patient-2"]],
    )
    groups: dict[Name, Annotated[tuple[Name, ...], Field(strict=False)]] = Field(
        default={},
        description="twins that have something in common, for {group} in topics",
        examples=[{"north": ["house-1", "house-2"]}],
    )
    tick: PositiveDuration = Field(description="the interval at which the twins advance", examples=["40 ms"])
    wait: Duration = Field(
        default=SECOND // 10, description="how long a tick holds back for slow readings", examples=["100 ms"]
    )
    lateness: Duration = Field(
        default=5 * SECOND, description="how long a late reading may still revise the past", examples=["5 s"]
    )
    pause_after: PositiveDuration | None = Field(
        default=None,
        description="after how long without any reading a twin pauses until the next one; 10 000 ticks by default",
        examples=["10 min"],
    )
    validity: PositiveDuration | None = Field(
        default=None,
        description="how long an estimate counts after its valid time; by default twice tick + wait, at least 5 s",
        examples=["10 s"],
    )
    clock: Literal["wall", "stream"] = Field(
        default="wall", description='"wall" for a live asset, "stream" for a recording at any speed', examples=["wall"]
    )
    seed: Annotated[int, Field(ge=0)] = Field(
        default=0, description="the seed of all random numbers, a whole number", examples=[1]
    )

    @property
    def valid_for(self) -> int:
        """How long (ns) an estimate counts after its valid time: the next one is due by then, with a margin."""
        return self.validity or max(2 * (self.tick + self.wait), LEAST_VALIDITY)


class SignalSection(Section):
    """What sensors and inputs have in common."""

    topic: Text = Field(
        default="{twin}/{channel}",
        description="the MQTT topic, or an address behind the name of its source; {twin} and {channel} are the names",
        examples=["opcua:ns=2;s={twin}.T1"],
    )
    payload: Text | None = Field(
        default=None,
        description="the kind of its messages, if they are not in the native form: a profile, or [payloads.NAME]",
        examples=["zigbee2mqtt"],
    )
    value: str | None = Field(
        default=None, description="where its value stands in a message", examples=["AM2301.Temperature"]
    )
    where: dict[str, str] = Field(
        default={}, description="what else must stand in a message, by path; {twin} stands for the name"
    )
    unit: Text = Field(description="the unit in which values arrive", examples=["mmHg"])
    range: Interval | None = Field(
        default=None, description="the lowest and the highest physically possible value", examples=[[-30, 300]]
    )
    stale: PositiveDuration | None = Field(
        default=None,
        description="the age from which on the newest value counts as old; default: the lateness, or never for an "
        "input that is held until the next one, or an event",
        examples=["2 s"],
    )
    future: Duration | None = Field(
        default=None,
        description="how far ahead of now a reading may be dated; default: 5 s, or 1 h on the stream clock",
        examples=["2 s"],
    )
    oldest: PositiveDuration | None = Field(
        default=None,
        description="how long before now a reading may be dated; default: 1 d on the wall clock, else however long",
        examples=["1 h"],
    )


class SensorSection(SignalSection):
    """``[sensors.NAME]``: a measured channel, compared with an output of the model."""

    observes: str = Field(default="", description="the model output that it measures; default: the sensor's name")
    noise: Deviation = Field(description="the standard deviation of a reading, in the sensor's unit", examples=[2.0])
    logarithm: Text | None = Field(
        default=None,
        description="the unit of a positive quantity whose natural logarithm is compared with the output; the noise is "
        "then that of the logarithm, a share",
        examples=["ng/mL"],
    )
    frozen: PositiveDuration | None = Field(
        default=None, description="how long it may repeat the very same reading; default: for ever", examples=["1 s"]
    )


class InputSection(SignalSection):
    """``[inputs.NAME]``: a measured channel that drives the model."""

    drives: str = Field(default="", description="the model input that it drives; default: the input's own name")


class EnsembleSection(Section):
    """``[ensemble]``: how many states each twin carries."""

    members: Annotated[int, Field(ge=2)] = Field(
        default=64, description="the number of members, 2 or more", examples=[64]
    )


class DivergenceSection(Section):
    """``[assimilation.divergence]``: what is done about a twin that has lost its asset."""

    response: Literal["flag", "re-inflate", "re-draw"] = Field(
        default="flag",
        description="whether it is only flagged, its ensemble spread out, or drawn again from the prior",
        examples=["flag"],
    )
    limit: Annotated[float, Field(ge=1)] = Field(
        default=3.0,
        description="how many times larger than chance allows the squared innovations must be, 1 or more",
        examples=[3.0],
    )
    rest: PositiveDuration = Field(
        default=10 * SECOND,
        description="how long a twin counts as diverged before the next response",
        examples=["10 s"],
    )


class AssimilationSection(Section):
    """``[assimilation]``: how readings correct the ensemble."""

    method: Text = Field(default="etkf", description="the name of a method", examples=["etkf"])
    inflation: Annotated[float, Field(ge=1)] = Field(
        default=1.0, description="the factor on the forecast's spread, 1 or more", examples=[1.02]
    )
    rtps: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.3, description="the share of the prior spread that is restored, 0 to 1", examples=[0.3]
    )
    rtpp: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.0, description="the share of the prior perturbations that is restored, 0 to 1", examples=[0.3]
    )
    adaptive: bool = Field(
        default=False, description="whether inflation is also estimated from the innovations", examples=[True]
    )
    rotate: bool | None = Field(
        default=None, description="whether members are mixed by random rotations", examples=[True]
    )
    radius: Positive | None = Field(
        default=None,
        description="the distance over which a sensor counts (half-width of the taper, in the model's coordinates)",
        examples=[4.0],
    )
    certainty: Positive | None = Field(
        default=None, description="how many times its number of members the ensemble is worth", examples=[1.0]
    )
    jitter: NotNegative | None = Field(
        default=None,
        description="the width of the kernel that separates copies of particles: narrow is sharp, wide is safe",
        examples=[1.5],
    )
    correlated: Annotated[tuple[Correlation, ...], Field(strict=False)] = Field(
        default=(),
        description="pairs of sensors whose noise is correlated where they read at the same time, and how much",
        examples=[[["p_in", "p_out", 0.6]]],
    )
    gate: NotNegative = Field(
        default=4.0, description="how many standard deviations an innovation may have; 0: no gate", examples=[4.0]
    )
    reopen: Annotated[int, Field(ge=1)] = Field(
        default=25, description="after how many refused readings in a row the gate opens", examples=[25]
    )
    smoothing: Duration = Field(
        default=0,
        description="how long after a tick its estimates are revised, smoothed by what came since; 0: never",
        examples=["2 s"],
    )
    late: Literal["fold", "asynchronous"] = Field(
        default="fold",
        description='what becomes of a sensor\'s late reading: "fold" revises the past, whatever the order of arrival; '
        '"asynchronous" corrects the present, by when it comes',
        examples=["fold"],
    )
    divergence: DivergenceSection = Field(
        default=DivergenceSection(), description="the table [assimilation.divergence]"
    )

    @property
    def options(self) -> dict[str, Any]:
        """The options of the method that are given."""
        return self.model_dump(include={"rotate", "radius", "certainty", "jitter"}, exclude_none=True)


class TrustSection(Section):
    """``[trust]``: how checks become a verdict. ``checks`` holds thresholds by check."""

    window: PositiveDuration = Field(default=10 * SECOND, description="how long the checks remember", examples=["10 s"])
    degraded_after: Duration = Field(
        default=SECOND // 2, description="how long a check must fail before trust is lost", examples=["0.5 s"]
    )
    recovered_after: Duration = Field(
        default=5 * SECOND, description="how long all must be well before trust returns", examples=["5 s"]
    )
    checks: dict[str, dict[str, float]] = Field(default={}, description="thresholds by check")
    evidence: FilePath | None = Field(
        default=None,
        description="what `twin validate` found of the quantities that no sensor measures, relative to the working "
        "directory; default: nothing is known of them",
        examples=["artery.evidence.json"],
    )
    withhold: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.0,
        description="the share of the time in which one sensor of a twin is judged but not used, 0 to 1",
        examples=[0.05],
    )
    withhold_for: PositiveDuration | None = Field(
        default=None, description="for how long at a time; by default as long as the window", examples=["30 s"]
    )


class OverloadSection(Section):
    """``[overload]``: what is left out when the twins fall behind the ticks that are due."""

    policy: Literal["catch-up", "skip", "shed"] = Field(
        default="catch-up",
        description='"catch-up" leaves nothing out; "skip" runs ticks without the readings of sensors; "shed" lets '
        "twins stand still, the least important first",
        examples=["catch-up"],
    )
    after: PositiveDuration = Field(
        default=2 * SECOND, description="how far behind the twins must be for it", examples=["2 s"]
    )
    span: PositiveDuration = Field(
        default=5 * SECOND, description="for how much of the twins' time each decision holds", examples=["5 s"]
    )
    priority: Annotated[tuple[Name, ...], Field(strict=False)] = Field(
        default=(),
        description="twins, the most important first; those that are not named are shed before, from the last on",
        examples=[["patient-1"]],
    )


class StoreSection(Section):
    """``[store]``: the file that keeps journal, estimates and checkpoints."""

    path: FilePath | None = Field(
        default=None,
        description="the file, relative to the working directory",
        examples=["artery.db"],
    )
