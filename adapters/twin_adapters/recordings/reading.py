"""What a format's library raises, as an error that the user can act on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twin_runtime.errors import RecordingError, TwinError


@contextmanager
def reading(path: Path, expected: str, remedy: str) -> Iterator[None]:
    """Inside it, any error but one of our own becomes a :class:`RecordingError` about this file.

    Libraries raise whatever their code ran into (KeyError, IndexError, struct.error), so no list of types would do.
    """
    try:
        yield
    except TwinError:
        raise
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        remedy = "see that the file, and those it names, are there and may be read"
        raise RecordingError(what, where=str(path), remedy=remedy) from error
    except Exception as error:
        what = f"not {expected}: {type(error).__name__}: {error}"
        raise RecordingError(what, where=str(path), remedy=remedy) from error
