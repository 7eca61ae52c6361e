"""Paths into decoded values: dotted (``AM2301.Temperature``, ``metrics.0.value``) or JSON pointers (RFC 6901)."""

from typing import Final

Path = tuple[str, ...]

ABSENT: Final = object()
"""What a path that leads nowhere gives: not the same as a null."""


def path_of(text: str) -> Path:
    """The parts of a path; the empty text is the whole value.

    A path that begins with ``/`` is a JSON pointer, in which a name may contain dots.
    """
    if text.startswith("/"):
        return tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))
    return tuple(text.split(".")) if text else ()


def at(value: object, path: Path) -> object:
    """What stands at a path, or :data:`ABSENT`. A part is a name in an object, a place in a list."""
    for part in path:
        if isinstance(value, dict):
            value = value.get(part, ABSENT)
        elif isinstance(value, list):
            value = value[int(part)] if _is_place(part) and int(part) < len(value) else ABSENT
        else:
            return ABSENT
    return value


def text_of(value: object) -> str:
    """A value as it is written in JSON, a text without its quotes."""
    return str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)


def _is_place(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) < 10
