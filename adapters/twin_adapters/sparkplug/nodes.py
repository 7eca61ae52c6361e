"""An edge node as its messages show it: births that name its metrics, aliases, sequence numbers, deaths.

Nothing here waits or reads a clock: payloads go in, readings come out.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from twin_adapters.confirmations import Confirmations
from twin_adapters.native import description, reading
from twin_adapters.sparkplug.values import is_ambiguous, number, type_name
from twin_runtime.core import Code, Message
from twin_runtime.ingest.decode import Refused

MILLISECOND = 1_000_000
SEQUENCE = 256
"""Sequence numbers run from 0 to 255 and wrap."""
BDSEQ = "bdSeq"


class Unresolved(Refused):
    """A message that cannot be read without a birth: whose aliases and data types would be guesses."""

    def __init__(self, detail: str) -> None:
        super().__init__(Code.UNKNOWN_SIGNAL, detail)


class _Known(NamedTuple):
    """What a birth says of a metric: its device (empty: the node itself), name and data type."""

    device: str
    name: str
    datatype: int


class EdgeNode:
    """One edge node with its devices. ``signals[device, name]``: the topics of the metrics that are wanted.

    ``trouble`` says why its births are needed (again); empty where they are known and nothing is missing since, and of
    a node that has died.
    """

    def __init__(self, name: str, signals: Mapping[tuple[str, str], str], confirmations: Confirmations) -> None:
        self.name, self._signals, self._confirmations = name, signals, confirmations
        self._aliases: dict[int, _Known] = {}
        self._types: dict[tuple[str, str], int] = {}
        self._early: list[str] = []
        self._is_born = False
        self._sequence: int | None = None
        self._birth: int | None = None
        self._clock: tuple[int, int] | None = None
        self.trouble = ""
        self.forget("its births are not known yet")

    def forget(self, why: str) -> None:
        """Know nothing of it any more, as after a connection was lost: births may have been missed."""
        self._aliases.clear()
        self._types.clear()
        self._early.clear()
        self._is_born = False
        self._sequence = self._birth = self._clock = None
        self._confirmations.forget(self._signals.values())
        self.trouble = why

    def take(self, kind: str, device: str, payload: Any, arrival: int) -> Iterator[Message]:  # noqa: ANN401
        """The readings of a message; raises :class:`Unresolved` where some of it cannot be read without a birth.

        ``kind`` is that of the message: BIRTH, DATA or DEATH, of the node where ``device`` is empty.
        """
        if kind == "DEATH":
            yield from self._die(device, payload, arrival)
            return
        if payload.HasField("timestamp"):
            self._clock = payload.timestamp * MILLISECOND, arrival
        if kind == "BIRTH":
            self._be_born(device, payload)
        elif self._is_born:
            self._follow(payload)
        yield from self._readings(device, payload, arrival, is_birth=kind == "BIRTH")

    def confirmed(self, arrival: int) -> list[Message]:
        """The values that have not changed, confirmed at ``arrival``, as long as nothing is missing since the birth."""
        if not self._is_born or self._clock is None:
            return []
        sent, arrived = self._clock
        return self._confirmations.due(self._signals.values(), sent + max(0, arrival - arrived), arrival)

    def _be_born(self, device: str, payload: Any) -> None:  # noqa: ANN401
        """A birth of the node makes all earlier ones void, save those of devices that a broker delivered before it."""
        if not device:
            self._begin(payload)
        elif self._is_born:
            self._follow(payload)
        else:
            self._early.append(device)
            self._sequence = payload.seq
        for metric in payload.metrics:
            self._types[device, metric.name] = metric.datatype
            if metric.HasField("alias"):
                self._aliases[metric.alias] = _Known(device, metric.name, metric.datatype)

    def _begin(self, payload: Any) -> None:  # noqa: ANN401
        """A new session of the node."""
        ahead = -1 if self._sequence is None else (self._sequence - payload.seq) % SEQUENCE
        early = self._early if ahead == len(self._early) else []
        self._aliases = {alias: known for alias, known in self._aliases.items() if known.device in early}
        self._types = {place: datatype for place, datatype in self._types.items() if place[0] in early}
        self._sequence = self._sequence if early else payload.seq
        self._birth = _bd_seq(payload)
        self._is_born, self._early, self.trouble = True, [], ""

    def _follow(self, payload: Any) -> None:  # noqa: ANN401
        """Compare the sequence number with the last; a message that comes twice has the same."""
        if not payload.HasField("seq") or payload.seq == self._sequence:
            return
        expected = None if self._sequence is None else (self._sequence + 1) % SEQUENCE
        if expected is not None and payload.seq != expected:
            self.trouble = f"sequence number {payload.seq} came where {expected} was expected: messages are lost"
            self._is_born = False  # a birth may be among them, which gave the aliases another meaning
        self._sequence = payload.seq

    def _die(self, device: str, payload: Any, arrival: int) -> Iterator[Message]:  # noqa: ANN401
        """A death makes values stale; one of an earlier session of the node, by its bdSeq, says nothing of this one."""
        if device:
            if self._is_born:
                self._follow(payload)
            topics: Iterable[str] = [topic for (of, _), topic in self._signals.items() if of == device]
        else:
            ended = _bd_seq(payload)
            if None not in (ended, self._birth) and ended != self._birth:
                return
            topics = self._signals.values()
        which = f"device {device}" if device else "its edge node"
        for topic, value, time in self._confirmations.forget(topics):
            detail = f"stale: {which} has died"
            yield Message(topic, reading(value, time), arrival, refusal=(Code.BAD_QUALITY, detail))
        if not device:
            self.forget("")

    def _readings(self, device: str, payload: Any, arrival: int, *, is_birth: bool) -> Iterator[Message]:  # noqa: ANN401
        unresolved = ""
        for metric in payload.metrics:
            known = self._resolved(device, metric)
            if known is None:
                unresolved = f"alias {metric.alias} is not known without a birth"
                continue
            topic = self._signals.get((known.device, known.name))
            if topic is None:
                continue
            if is_ambiguous(metric, known.datatype):
                unresolved = f"the data type of '{known.name}' is not known without a birth"
                continue
            yield self._read(topic, known, metric, payload, arrival, is_birth)
        if unresolved:
            self.trouble = self.trouble or unresolved
            raise Unresolved(unresolved)

    def _resolved(self, device: str, metric: Any) -> _Known | None:  # noqa: ANN401
        """Which metric it is; None where only a birth that is not known would tell. A name is always true."""
        if metric.HasField("name") and metric.name:
            datatype = metric.datatype or (self._types.get((device, metric.name), 0) if self._is_born else 0)
            return _Known(device, metric.name, datatype)
        known = self._aliases.get(metric.alias) if self._is_born else None
        return known if known is None or not metric.datatype else known._replace(datatype=metric.datatype)

    def _read(
        self,
        topic: str,
        known: _Known,
        metric: Any,  # noqa: ANN401
        payload: Any,  # noqa: ANN401
        arrival: int,
        is_birth: bool,
    ) -> Message:
        """The message of one metric: its reading, or why there is none."""
        try:
            value = number(metric, known.datatype)
            time = _time(metric, payload)
        except Refused as refused:
            if not metric.is_historical:
                self._confirmations.forget([topic])
            what = description(metric=known.name, type=type_name(known.datatype), value=_shown(metric))
            return Message(topic, what, arrival, refusal=(refused.code, refused.detail))
        if not metric.is_historical:
            self._confirmations.keep(topic, value, time, initial=is_birth)
        return Message(topic, reading(value, time), arrival)


def _bd_seq(payload: Any) -> int | None:  # noqa: ANN401
    """The number that a birth of a node and the death that ends its session have in common."""
    return next((metric.long_value or metric.int_value for metric in payload.metrics if metric.name == BDSEQ), None)


def _time(metric: Any, payload: Any) -> int:  # noqa: ANN401
    """When a metric was measured, ns."""
    for dated in (metric, payload):
        if dated.HasField("timestamp"):
            return int(dated.timestamp) * MILLISECOND
    raise Refused(Code.MISSING_FIELD, "neither the metric nor its message has a timestamp")


def _shown(metric: Any) -> str | None:  # noqa: ANN401
    held = metric.WhichOneof("value")
    return None if held is None else str(getattr(metric, held))[:1024]
