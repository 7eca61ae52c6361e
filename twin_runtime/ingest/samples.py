"""Messages in a file, a line each, to try a configuration on: as ``mosquitto_sub -v`` or ``twin listen`` has them."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from twin_runtime.core import SECOND, Message
from twin_runtime.errors import RecordingError

_REMEDY = 'a line a message: TOPIC PAYLOAD (`mosquitto_sub -v`), or {"tst": TIME, "topic": .., "payload": ..} (`-F %j`)'


def messages_in(path: Path) -> Iterator[Message]:
    """The messages of a file, in its order.

    Those whose line does not say when they arrived count as arrived when the file was last written. Raises
    :class:`RecordingError`.
    """
    try:
        text, written = path.read_bytes().decode(errors="surrogateescape"), path.stat().st_mtime_ns
    except OSError as error:
        raise RecordingError(f"cannot be read: {error.strerror}", where=str(path), remedy="name a file") from error
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield message_of(line.removesuffix("\r"), written)
            except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
                what = f"expected a message, got {line[:60]!r} ({error})"
                raise RecordingError(what, where=f"{path}, line {number}", remedy=_REMEDY) from None


def message_of(line: str, arrival: int) -> Message:
    """The message of a line; raises what :func:`messages_in` catches where it is none."""
    if not line.lstrip().startswith("{"):
        topic, _, payload = line.partition(" ")
        return Message(topic, payload.encode(errors="surrogateescape"), arrival)
    given = json.loads(line)
    payload = given["payload"]
    if not isinstance(payload, str):
        payload = json.dumps(payload)
    at = round(datetime.fromisoformat(given["tst"]).timestamp() * 1e6) * 1000 if "tst" in given else arrival
    return Message(str(given["topic"]), payload.encode(errors="surrogateescape"), at, None, bool(given.get("retain")))


def line_of(message: Message) -> str:
    """A message as ``mosquitto_sub -F %j`` writes it; bytes that are no text are kept as surrogates."""
    moment = datetime.fromtimestamp(message.arrival // SECOND).astimezone()
    stamp = f"{moment:%Y-%m-%dT%H:%M:%S}.{message.arrival % SECOND // 1000:06d}{moment:%z}"
    payload = message.payload.decode("utf-8", errors="surrogateescape")
    return json.dumps({"tst": stamp, "topic": message.topic, "retain": int(message.retained), "payload": payload})
