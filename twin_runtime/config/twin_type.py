"""A twin type: the model of a kind of asset, its sensors and inputs, and how its twins are run."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import Field, PrivateAttr

from twin_runtime.config.document import Document, Key, Problem
from twin_runtime.config.model_sections import ModelSection
from twin_runtime.config.outlook_sections import ForecastSection, LimitSection
from twin_runtime.config.sections import (
    AssimilationSection,
    EnsembleSection,
    InputSection,
    Name,
    OverloadSection,
    Section,
    SensorSection,
    TrustSection,
    TwinSection,
)
from twin_runtime.core import FloatArray
from twin_runtime.errors import ConfigError

READ = ("payload", "value", "where", "future", "oldest")
"""The last columns of a channel: how its messages are read, and how they may be dated."""

MADE_IN_CODE = Document(Path("configuration"), "", {})


class ConfiguredChannel(NamedTuple):
    """A sensor or an input, with every default filled in. Its place in ``TwinType.channels`` is ``Reading.channel``.

    ``target`` is the model output that a sensor observes, or the model input that an input drives; ``noise`` is the
    standard deviation of a sensor in ``unit`` (0 for inputs), ``range`` likewise; ``stale`` and ``frozen`` are in
    nanoseconds. ``logarithm`` is the unit in which the logarithm of a reading is taken; None: it is compared as it is.
    ``stale`` None: as the shape of the model's input has it. ``payload`` names the kind of its messages,
    None for the native form. ``future`` and ``oldest`` (ns) bound the times of its readings; None: as the clock has it.
    """

    name: str
    kind: Literal["sensor", "input"]
    target: str
    topic: str
    unit: str
    noise: float
    range: tuple[float, float] | None
    stale: int | None
    frozen: int | None = None
    logarithm: str | None = None
    payload: str | None = None
    value: str = ""
    where: tuple[tuple[str, str], ...] = ()
    future: int | None = None
    oldest: int | None = None


class TwinType(Section):
    """What a configuration says of one type of twins, checked as far as that goes without the model."""

    twin: TwinSection = Field(description='the table [twin] with at least name, model and tick = "40 ms"')
    model: ModelSection = Field(default=ModelSection(), description="the table [model] with settings, priors or walk")
    sensors: dict[Name, SensorSection] = Field(default={}, description="a table [sensors.NAME] for each sensor")
    inputs: dict[Name, InputSection] = Field(default={}, description="a table [inputs.NAME] for each input")
    ensemble: EnsembleSection = Field(default=EnsembleSection(), description="the table [ensemble]")
    assimilation: AssimilationSection = Field(default=AssimilationSection(), description="the table [assimilation]")
    trust: TrustSection = Field(default=TrustSection(), description="the table [trust]")
    overload: OverloadSection = Field(default=OverloadSection(), description="the table [overload]")
    forecasts: Annotated[tuple[ForecastSection, ...], Field(strict=False)] = Field(
        default=(), description="a table [[forecasts]] for each forecast that is made beside the ticks"
    )
    limits: Annotated[tuple[LimitSection, ...], Field(strict=False)] = Field(
        default=(), description="a table [[limits]] for each limit that forecasts watch"
    )
    _document: Document = PrivateAttr(default=MADE_IN_CODE)
    _at: Key = PrivateAttr(default=())

    def placed(self, document: Document, at: Key) -> "TwinType":
        """The same, as it stands in a document below the key ``at``: what its errors point into."""
        self._document, self._at = document, at
        return self

    @property
    def at(self) -> Key:
        """The key of the document below which this type stands: empty where the file has one type only."""
        return self._at

    @property
    def document(self) -> Document:
        """The file in which this type stands."""
        return self._document

    def error(self, problems: Iterable[Problem]) -> ConfigError:
        """One error that reports all the problems, whose keys are those of this type."""
        return self._document.error(problem._replace(key=(*self._at, *problem.key)) for problem in problems)

    @property
    def channels(self) -> tuple[ConfiguredChannel, ...]:
        """Sensors, then inputs, in the order of the file."""
        return tuple(self._channels())

    @cached_property
    def group_of(self) -> dict[str, str]:
        """The group of each twin that belongs to one."""
        return {twin: group for group, twins in self.twin.groups.items() for twin in twins}

    def topic_of(self, channel: ConfiguredChannel, twin: str) -> str:
        """The topic of a channel of a twin."""
        return channel.topic.format(twin=twin, channel=channel.name, group=self.group_of.get(twin, ""))

    def topics(self, channel: ConfiguredChannel) -> Iterator[str]:
        """The topic of a channel for each twin."""
        return (self.topic_of(channel, twin) for twin in self.twin.twins)

    def _channels(self) -> Iterator[ConfiguredChannel]:
        for name, s in self.sensors.items():
            target, read = s.observes or name, (s.payload, s.value or "", tuple(s.where.items()), s.future, s.oldest)
            yield ConfiguredChannel(
                name,
                "sensor",
                target,
                s.topic,
                s.unit,
                s.noise,
                s.range,
                s.stale or self.old,
                s.frozen,
                s.logarithm,
                *read,
            )
        for name, i in self.inputs.items():
            target, read = i.drives or name, (i.payload, i.value or "", tuple(i.where.items()), i.future, i.oldest)
            yield ConfiguredChannel(name, "input", target, i.topic, i.unit, 0.0, i.range, i.stale, None, None, *read)

    @property
    def old(self) -> int:
        """The age (ns) from which on a value counts as old where nothing else is declared."""
        return max(self.twin.lateness, self.twin.tick)

    @property
    def correlation(self) -> FloatArray | None:
        """How the noise of the sensors is correlated, ``[sensor, sensor]``; None where none is."""
        names = list(self.sensors)
        correlation = np.eye(len(names))
        for one, other, much in self.assimilation.correlated:
            pair = names.index(one), names.index(other)
            correlation[pair] = correlation[pair[::-1]] = much
        return correlation if self.assimilation.correlated else None

    @property
    def config_hash(self) -> str:
        """SHA-256 of all that influences the final states of a twin.

        Left out: the names of the twins, which are free to come and go; where data comes from and goes to, and how it
        may be dated; the evidence, which changes no state; ``clock`` and ``wait``, which decide when an estimate is
        first published and not its value once the lateness is over; for how long its verdict counts; what is left
        out under overload, which the journal says; where a model's file lies, whose content is in its
        fingerprint; and what looks ahead, which changes no state.
        """
        twin = self.twin.model_dump(mode="json", exclude={"name", "twins", "groups", "clock", "wait", "validity"})
        content = {
            "twin": twin,
            "channels": [channel._replace(topic="")[: -len(READ)] for channel in self.channels],
            "model": self._model_content(),
            **self.model_dump(mode="json", include={"ensemble", "assimilation"}),
            "trust": self.trust.model_dump(mode="json", exclude={"evidence"}),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def _model_content(self) -> dict[str, Any]:
        content = self.model.model_dump(mode="json", exclude={"file"})
        for part in content["parts"].values():
            del part["file"]
            if not part["settings"]:
                del part["settings"]  # as before parts had any
        return content
