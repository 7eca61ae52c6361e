"""Addresses of nodes: ``ns=2;s=Boiler.Temperature``, or with the namespace's URI ``nsu=http://vendor.example/plant;i=7``.

The number of a namespace may change when a server is restarted or reconfigured; its URI does not.
"""

from collections.abc import Sequence

from asyncua import ua

EXPECTED = 'expected the id of a node such as "ns=2;s=Boiler.Temperature" or "nsu=http://vendor.example/plant;i=1001"'


class UnknownNamespace(Exception):
    """The server has no namespace of this URI."""


def fault(address: str) -> str:
    """What is wrong with an address; empty if nothing is."""
    try:
        parsed(address, [uri] if (uri := uri_of(address)) else [])
    except (ua.UaError, ValueError, IndexError):
        return EXPECTED
    return ""


def uri_of(address: str) -> str:
    """The URI of the namespace that an address names; empty where it gives a number."""
    head, separator, _ = address.removeprefix("nsu=").partition(";")
    return head if address.startswith("nsu=") and separator else ""


def parsed(address: str, namespaces: Sequence[str]) -> ua.NodeId:
    """The id of a node, where the server has these namespaces."""
    uri = uri_of(address)
    if not uri:
        if not address.startswith(("ns=", "i=", "s=", "g=", "b=")):
            raise ValueError(EXPECTED)
        return ua.NodeId.from_string(address)
    if uri not in namespaces:
        raise UnknownNamespace(uri)
    _, _, rest = address.removeprefix("nsu=").partition(";")
    return ua.NodeId.from_string(f"ns={namespaces.index(uri)};{rest}")
