"""A configuration: one TOML file is a whole deployment."""

import hashlib
import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import Field, PrivateAttr

from twin_runtime.config.document import Document
from twin_runtime.config.sections import (
    AssimilationSection,
    EnsembleSection,
    InputSection,
    ModelSection,
    Name,
    Section,
    SensorSection,
    StoreSection,
    TrustSection,
    TwinSection,
)
from twin_runtime.core import FloatArray

MADE_IN_CODE = Document(Path("configuration"), "", {})


class ConfiguredChannel(NamedTuple):
    """A sensor or an input, with every default filled in. Its place in ``Config.channels`` is ``Reading.channel``.

    ``target`` is the model output that a sensor observes, or the model input that an input drives; ``noise`` is the
    standard deviation of a sensor in ``unit`` (0 for inputs), ``range`` likewise; ``stale`` and ``frozen`` are in
    nanoseconds.
    """

    name: str
    kind: Literal["sensor", "input"]
    target: str
    topic: str
    unit: str
    noise: float
    range: tuple[float, float] | None
    stale: int
    frozen: int | None = None

    def topic_of(self, twin: str) -> str:
        """The MQTT topic of this channel of a twin."""
        return self.topic.format(twin=twin, channel=self.name)


class Config(Section):
    """All that a configuration file says, checked as far as that goes without the model."""

    twin: TwinSection = Field(description='the table [twin] with at least name, model and tick = "40 ms"')
    model: ModelSection = Field(default=ModelSection(), description="the table [model] with settings, priors or walk")
    sensors: dict[Name, SensorSection] = Field(default={}, description="a table [sensors.NAME] for each sensor")
    inputs: dict[Name, InputSection] = Field(default={}, description="a table [inputs.NAME] for each input")
    ensemble: EnsembleSection = Field(default=EnsembleSection(), description="the table [ensemble]")
    assimilation: AssimilationSection = Field(default=AssimilationSection(), description="the table [assimilation]")
    trust: TrustSection = Field(default=TrustSection(), description="the table [trust]")
    store: StoreSection = Field(default=StoreSection(), description="the table [store]")
    mqtt: dict[str, Any] | None = Field(default=None, description="the table [mqtt]")
    sinks: dict[str, dict[str, Any]] = Field(default={}, description="a table [sinks.NAME] for each sink")
    _document: Document = PrivateAttr(default=MADE_IN_CODE)

    def model_post_init(self, context: object) -> None:
        """Remember the document that the configuration was read from, given as pydantic's context."""
        if isinstance(context, Document):
            self._document = context

    @property
    def document(self) -> Document:
        """The file behind this configuration: what errors point into."""
        return self._document

    @cached_property
    def channels(self) -> tuple[ConfiguredChannel, ...]:
        """Sensors, then inputs, in the order of the file."""
        return tuple(self._channels())

    def _channels(self) -> Iterator[ConfiguredChannel]:
        old = max(self.twin.lateness, self.twin.tick)
        for name, s in self.sensors.items():
            yield ConfiguredChannel(
                name, "sensor", s.observes or name, s.topic, s.unit, s.noise, s.range, s.stale or old, s.frozen
            )
        for name, i in self.inputs.items():
            target = i.drives or name
            yield ConfiguredChannel(name, "input", target, i.topic, i.unit, 0.0, i.range, i.stale or old)

    @cached_property
    def correlation(self) -> FloatArray | None:
        """How the noise of the sensors is correlated, ``[sensor, sensor]``; None where none is."""
        names = list(self.sensors)
        correlation = np.eye(len(names))
        for one, other, much in self.assimilation.correlated:
            pair = names.index(one), names.index(other)
            correlation[pair] = correlation[pair[::-1]] = much
        return correlation if self.assimilation.correlated else None

    @property
    def store_path(self) -> Path:
        """The file of the store."""
        return self.store.path or Path(f"{self.twin.name}.db")

    def stored_at(self, path: Path | None) -> "Config":
        """The same configuration with another store; unchanged for None."""
        return self.model_copy(update={"store": StoreSection(path=path)}) if path else self

    @property
    def config_hash(self) -> str:
        """SHA-256 of all that influences the final states.

        Left out: where data comes from and goes to, and ``clock`` and ``wait``, which decide when an estimate is first
        published and not what it says once the lateness is over.
        """
        twin = self.twin.model_dump(mode="json", exclude={"name", "clock", "wait"})
        content = {
            "twin": twin,
            "channels": [channel._replace(topic="") for channel in self.channels],
            **self.model_dump(mode="json", include={"model", "ensemble", "assimilation", "trust"}),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
