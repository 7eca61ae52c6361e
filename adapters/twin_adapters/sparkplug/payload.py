"""Sparkplug B payloads, by the compiled description ``payload.binpb`` of ``payload.proto``."""

from functools import cache
from importlib.resources import files
from typing import Any

from twin_runtime.core import Code
from twin_runtime.ingest.decode import Refused

try:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from google.protobuf.message import DecodeError
except ModuleNotFoundError as error:  # the package has another name than its module
    raise ModuleNotFoundError(str(error), name="protobuf") from error

COMPRESSED = "SPBV1.0_COMPRESSED"
BOOLEAN = 11
LARGEST = 2**20
"""Bytes of a payload that are decoded."""


@cache
def _message() -> Any:  # noqa: ANN401  # classes made from a description have no types
    """The class of payloads, in a pool of its own: another package may describe Sparkplug, too."""
    description = files("twin_adapters.sparkplug").joinpath("payload.binpb").read_bytes()
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(description).file:
        pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("twin_runtime.sparkplug.Payload"))


def decoded(payload: bytes) -> Any:  # noqa: ANN401
    """A payload; raises :class:`Refused` where it is none."""
    if len(payload) > LARGEST:
        raise Refused(Code.TOO_LARGE, f"{len(payload)} bytes; at most {LARGEST} are decoded")
    try:
        message = _message().FromString(payload)
    except DecodeError as error:
        raise Refused(Code.WRONG_SHAPE, f"not a Sparkplug B payload: {error}") from None
    if message.uuid == COMPRESSED:
        raise Refused(Code.WRONG_SHAPE, "a compressed payload: switch compression off at the edge node")
    return message


def encoded(**fields: Any) -> bytes:  # noqa: ANN401
    """The bytes of a payload with these fields; metrics are dictionaries of their fields."""
    return bytes(_message()(**fields).SerializeToString())


def rebirth(time: int) -> bytes:
    """The command that asks an edge node for its births again; ``time`` in ms."""
    metric = {"name": "Node Control/Rebirth", "timestamp": time, "datatype": BOOLEAN, "boolean_value": True}
    return encoded(timestamp=time, metrics=[metric])
