"""Where a metric is: ``GROUP/NODE/DEVICE/METRIC``, with an empty device for a metric of the edge node itself."""

from typing import NamedTuple

EXPECTED = "expected GROUP/NODE/DEVICE/METRIC, with an empty DEVICE for a metric of the edge node itself"


class Metric(NamedTuple):
    """A metric's place; ``device`` is empty for one of the edge node itself. A name may contain slashes."""

    group: str
    node: str
    device: str
    name: str


def fault(address: str) -> str:
    """What is wrong with an address; empty if nothing is."""
    parts = address.split("/", 3)
    if len(parts) < 4 or not (parts[0] and parts[1] and parts[3]) or set("+#") & set("".join(parts[:3])):
        return EXPECTED
    return ""


def parsed(address: str) -> Metric:
    """The place that an address without faults names."""
    return Metric(*address.split("/", 3))
