"""The single values of a tree of objects and lists."""

from collections.abc import Iterator

from twin_runtime.ingest.payloads.paths import Path

_DEEPEST, _LONGEST = 6, 32
_NOT_MEASURED = frozenset(("id", "seq", "sequence", "fcnt", "fport", "rssi", "snr", "linkquality", "uptime", "count"))
"""Names of numbers that count or name something."""


def leaves_of(tree: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Each single value with its path, but those that only count or name something; long lists are passed over."""
    if len(path) > _DEEPEST or (path and path[-1].lower() in _NOT_MEASURED):
        return
    if isinstance(tree, dict):
        for name, below in tree.items():
            yield from leaves_of(below, (*path, str(name)))
    elif isinstance(tree, list):
        for place, below in enumerate(tree if len(tree) <= _LONGEST else ()):
            yield from leaves_of(below, (*path, str(place)))
    else:
        yield path, tree


def path_text(path: Path) -> str:
    """A path as a configuration has it: dotted, or a JSON pointer where a name contains a dot."""
    if any("." in part or part.startswith("/") or not part for part in path):
        return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)
    return ".".join(path)
