"""A TOML file as a person wrote it, and the errors that point into it by line and key."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from twin_runtime.errors import ConfigError, did_you_mean

Key = tuple[str | int, ...]
"""A place in a document: ``("sensors", "abp", "noise")``."""

SPELLING = 'write key = value, text in "quotes", names of tables in [brackets]'
_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]")
_ENTRY = re.compile(r"\s*([\w\"'][^=\[\]{}]*?)\s*=")


class Problem(NamedTuple):
    """One thing that is wrong: where, what was expected and came, and what to do about it."""

    key: Key
    what: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A TOML file that could be read: ``path`` as it was given, its text and its content."""

    path: Path
    text: str = field(repr=False)
    data: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> "Document":
        """Read a file. Raises :class:`ConfigError`, with the line where it is not TOML."""
        try:
            text = path.read_text(encoding="utf-8")
            return cls(path, text, tomllib.loads(text))
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", where=str(path), remedy=_nearby(path)) from None
        except UnicodeDecodeError as error:
            line = path.read_bytes()[: error.start].count(b"\n") + 1
            raise ConfigError("not UTF-8 text", where=f"{path}:{line}", remedy="save the file as UTF-8") from None
        except tomllib.TOMLDecodeError as error:
            raise _syntax_error(path, str(error)) from None
        except RecursionError:
            what, remedy = "values stand within values too deeply to be read", "write them in tables of their own"
            raise ConfigError(what, where=str(path), remedy=remedy) from None

    def error(self, problems: Iterable[Problem]) -> ConfigError:
        """One error that reports all the problems, a line each."""
        errors = [ConfigError(p.what, where=self.where(p.key), remedy=p.remedy) for p in problems]
        return errors[0] if len(errors) == 1 else ConfigError("\n".join(map(str, errors)))

    def where(self, key: Key) -> str:
        """File, line and key, as in ``artery.toml:12: sensors.abp.noise``."""
        line = line_of(self.text, key)
        place = f"{self.path}:{line}" if line else str(self.path)
        return f"{place}: {key_text(key)}" if key else place

    def value(self, key: Key) -> object:
        """What stands at ``key``; ``KeyError`` where nothing does."""
        value: Any = self.data
        for part in key:
            if not isinstance(value, dict | list):
                raise KeyError(key)
            value = value[part]  # type: ignore[index]  # a table by name, a list by number
        return value


def key_text(key: Key) -> str:
    """``sensors.abp.range[1]``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).lstrip(".")


def line_of(text: str, key: Key) -> int:
    """The number of the line that names the deepest part of ``key`` it can find; 0 if none does."""
    table: Key = ()
    found, depth = 0, 0
    count: Counter[str] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            name = header[2]
            place: Key = (count[name],) if header[1] == "[[" else ()
            count[name] += 1
            here = table = (*_parts(name), *place)
        elif entry := _ENTRY.match(line):
            here = (*table, *_parts(entry[1]))
        else:
            continue
        if len(here) > depth and key[: len(here)] == here:
            found, depth = number, len(here)
    return found


def _parts(name: str) -> Key:
    return tuple(part.strip().strip("\"'") for part in name.split("."))


def _nearby(path: Path) -> str:
    """A remedy for a missing file: files beside it whose names look like it."""
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    return did_you_mean(path.name, [file.name for file in path.parent.glob("*.toml")]) or "check the path"


def _syntax_error(path: Path, message: str) -> ConfigError:
    place = re.search(r" \(at line (\d+), column (\d+)\)", message)
    where = f"{path}:{place[1]}:{place[2]}" if place else str(path)
    what = message.replace(place[0], "") if place else message
    return ConfigError(
        f"not TOML: {what}", where=where, remedy='write key = value; text in "quotes", tables in [brackets]'
    )
