"""Which source a topic names: ``opcua:ns=2;s=T1`` is a node at the source ``opcua``, ``hall/t1`` a plain MQTT topic."""

import re
from collections.abc import Collection, Iterable

PLAIN = "mqtt"
"""The source of topics that name none."""

_NAMED = re.compile(r"(?P<name>(?P<kind>[A-Za-z][\w-]*)(?P<one>\.[\w-]+)?):")


def source_of(topic: str, kinds: Collection[str]) -> str:
    """The name of a topic's source, such as ``opcua`` or ``opcua.press``, given the ``kinds`` of sources there are."""
    named = _NAMED.match(topic)
    if named is None or named["kind"] not in kinds or (named["kind"] == PLAIN and not named["one"]):
        return PLAIN
    return named["name"]


def prefix_of(source: str) -> str:
    """What a topic of a source begins with."""
    return "" if source == PLAIN else f"{source}:"


def by_source(topics: Iterable[str], kinds: Collection[str]) -> dict[str, list[str]]:
    """The addresses at each source that some topics name."""
    addresses: dict[str, list[str]] = {}
    for topic in topics:
        source = source_of(topic, kinds)
        addresses.setdefault(source, []).append(topic.removeprefix(prefix_of(source)))
    return addresses
