"""A sensor or an input as it is sent: topic, unit, range."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from twin_runtime.errors import UnitError
from twin_runtime.ingest.payloads import WHOLE, Payload, Wanted


def _no_conversion(unit: str) -> tuple[float, float]:
    raise UnitError(f"no conversion from {unit!r} is known")


@dataclass(frozen=True, slots=True)
class Channel:
    """A sensor or an input of a twin type.

    ``topic`` is a template with ``{twin}``, ``{group}`` (that of the twin in ``groups``) and ``{channel}``, and
    wildcards where ``payload`` is given. Senders use ``unit``; ``value * scale + offset`` is in the model's unit.
    ``low`` and ``high`` bound what is physically possible, in ``unit``. ``sd`` is the standard deviation of a
    measurement, in the model's unit. Where ``logarithm``, the model knows the logarithm of the value, and ``sd`` is of
    that. ``convert`` gives (scale, offset) to ``unit`` from another unit that a message names, or raises
    :class:`UnitError`. A value that ``holds`` until the next one is still true when it comes as a retained message.
    ``payload`` says how messages are read that are not in the native form, and ``wanted`` what is taken from them.
    ``future`` and ``oldest`` (ns) bound the times of its readings, see
    :class:`twin_runtime.ingest.plausibility.Plausibility`; None: as for all channels.
    """

    name: str
    topic: str = "{twin}/{channel}"
    unit: str = "1"
    scale: float = 1.0
    offset: float = 0.0
    sd: float = 0.0
    logarithm: bool = False
    low: float = -math.inf
    high: float = math.inf
    kind: Literal["sensor", "input"] = "sensor"
    convert: Callable[[str], tuple[float, float]] = _no_conversion
    holds: bool = False
    payload: Payload | None = None
    wanted: Wanted = WHOLE
    future: int | None = None
    oldest: int | None = None
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_shared(self) -> bool:
        """Whether several twins take it from one topic."""
        return self.kind == "input" and "{twin}" not in self.topic

    def wanted_of(self, twin: str) -> Wanted:
        """What it takes from a message of a twin."""
        value = tuple(part.replace("{twin}", twin) for part in self.wanted.value)
        return Wanted(value, tuple((path, text.replace("{twin}", twin)) for path, text in self.wanted.where))

    def topic_of(self, twin: str) -> str:
        """The topic on which this channel of a twin arrives."""
        return self._for_group_of(twin).replace("{twin}", twin)

    def root_of(self, twin: str) -> str:
        """The topic up to the twin's name, below which all belongs to that twin; empty if it does not name it."""
        head, found, _ = self._for_group_of(twin).partition("{twin}")
        return head + twin if found else ""

    def _for_group_of(self, twin: str) -> str:
        return self.topic.replace("{channel}", self.name).replace("{group}", self.groups.get(twin, ""))
