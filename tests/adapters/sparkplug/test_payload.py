"""The compiled description of payloads, and the library that it needs."""

import re
import sys
from importlib import import_module
from importlib.resources import files

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from twin_runtime import entry_points
from twin_runtime.errors import TwinError

FOLDER = files("twin_adapters.sparkplug")
FIELD = re.compile(r"^\s*(?:optional |repeated )?(\w+) (\w+) = (\d+);", re.MULTILINE)


def test_the_compiled_description_says_what_the_written_one_says() -> None:
    (described,) = FileDescriptorSet.FromString(FOLDER.joinpath("payload.binpb").read_bytes()).file
    (payload,) = described.message_type
    messages = [payload, *payload.nested_type]
    compiled = {(field.name, field.number) for message in messages for field in message.field}
    written = {(name, int(number)) for _, name, number in FIELD.findall(FOLDER.joinpath("payload.proto").read_text())}
    assert compiled == written
    assert len(FIELD.findall(FOLDER.joinpath("payload.proto").read_text())) == sum(len(m.field) for m in messages)


@pytest.mark.parametrize(
    ("source", "module", "package"), [("sparkplug", "google.protobuf", "protobuf"), ("opcua", "asyncua", "asyncua")]
)
def test_a_library_that_is_missing_is_named_as_it_is_installed(
    source: str, module: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith((f"twin_adapters.{source}", module))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(TwinError, match=rf"needs the Python package '{package}'; remedy: pip install"):
        entry_points.loaded(entry_points.found(entry_points.SOURCES)[source])
    monkeypatch.undo()
    import_module(f"twin_adapters.{source}")
