"""The errors a user can meet: a small hierarchy, each with a code and a remedy."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

_CREDENTIALS = re.compile(r"(?<=://)\S*@")


def without_credentials(text: str) -> str:
    """A text in which user and password of every address are replaced by ``***``."""
    return _CREDENTIALS.sub("***@", text)


class TwinError(Exception):
    """Something is wrong that the user can mend.

    ``what`` says what came and what was expected, ``where`` names the place (file and key, topic, signal),
    ``remedy`` says what to do about it. Credentials in addresses are left out of all three.
    """

    code = "twin"

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = (without_credentials(text) for text in (what, where, remedy))
        parts = [
            f"{self.where}: {self.what}" if self.where else self.what,
            f"remedy: {self.remedy}" if self.remedy else "",
        ]
        super().__init__("; ".join(part for part in parts if part))


class ConfigError(TwinError):
    """A configuration or a mapping file does not say what it must."""

    code = "config"


class ModelError(TwinError):
    """A model's declaration or its settings are inconsistent."""

    code = "model"


class UnitError(TwinError):
    """Two units do not measure the same kind of quantity."""

    code = "unit"


class RecordingError(TwinError):
    """A recording cannot be read as its mapping says."""

    code = "recording"


class StoreError(TwinError):
    """A store cannot be opened, or belongs to another configuration."""

    code = "store"


class ConnectionFailed(TwinError):
    """A broker or a database refused, or cannot be reached. It may be tried again, ``retry_after`` seconds later."""

    code = "connection"

    def __init__(self, what: str, *, where: str = "", remedy: str = "", retry_after: float = 0.0) -> None:
        self.retry_after = retry_after
        super().__init__(what, where=where, remedy=remedy)


class EstimatesRefused(TwinError):
    """A sink does not take what it was sent, and would not take it later: there is something wrong with it."""

    code = "estimates-refused"


def all_of(errors: Sequence[ModelError]) -> ModelError:
    """One error that reports several, a line each."""
    return errors[0] if len(errors) == 1 else ModelError("\n".join(map(str, errors)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A remedy for ``word``: up to three known words that look like it, else all of them ("" where none is known)."""
    by_lower_case = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), by_lower_case, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(by_lower_case[name] for name in close)}?"
    return f"use one of: {', '.join(sorted(by_lower_case.values()))}" if by_lower_case else ""
