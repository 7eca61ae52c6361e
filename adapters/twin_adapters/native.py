"""Readings in the native form of messages, for sources that decode by themselves (``twin_runtime.ingest.decode``)."""

import json
from typing import Any


def reading(value: float, time: int, *, unchanged: bool = False) -> bytes:
    """The payload of one value and its time (ns); ``unchanged``: one that is only confirmed."""
    return b'{"value":%a,"time":%d%b}' % (value, time, b',"unchanged":true' if unchanged else b"")


def description(**what: Any) -> bytes:  # noqa: ANN401  # whatever came
    """What is kept of a value that cannot be used."""
    return json.dumps(what, default=str, ensure_ascii=False).encode(errors="backslashreplace")
