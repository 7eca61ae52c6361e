"""One request to a database over HTTP, and what can go wrong with it."""

import csv
import gzip
import json
import zlib
from base64 import b64decode
from collections.abc import Mapping
from email.message import Message
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

import msgspec

from twin_runtime.core import SECOND
from twin_runtime.errors import RecordingError, TwinError

REMEDIES: Mapping[int, str] = {
    400: "mend the query of that series; an expression of PromQL needs a `step`",
    401: "give a token or a password that the database knows, in the variable that `token_env` or `password_env` names",
    403: "allow the token, or the user, to read there",
    404: "correct `url`, `database` or `org`",
    413: "make `chunk` shorter",
    422: "make `chunk` shorter, or mend the query of that series",
    429: "the database is busy: try again later, or make `chunk` shorter",
    503: "the database is busy: try again later, or make `chunk` shorter",
}
"""What to do about each refusal."""
FORM = "application/x-www-form-urlencoded"
BROKEN = (OSError, HTTPException, EOFError, zlib.error)
"""What comes of an answer that breaks off, or that cannot be unpacked."""
MALFORMED = (msgspec.DecodeError, ValueError, RecursionError, csv.Error)
"""What comes of an answer that is not what such a database sends."""
LONGEST = 300
"""Characters that are repeated of an answer that refuses."""


class Database(NamedTuple):
    """A database that can be asked: where, how long to wait, and the headers that show who asks."""

    path: Path
    """The query file, for errors."""
    url: str
    timeout: int
    headers: Mapping[str, str]


class _NoRedirects(HTTPRedirectHandler):
    """Follows no redirection: it would carry the token to another machine."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Refuse."""


def ask(database: Database, place: str, form: Mapping[str, str] | bytes, kind: str = "") -> bytes:
    """POST a form, or a body of a ``kind``, to a place below the address. Raises :class:`RecordingError`."""
    body = form if isinstance(form, bytes) else urlencode(form).encode()
    headers = {
        "Content-Type": kind or "application/x-www-form-urlencoded",
        "Accept-Encoding": "gzip",
        **database.headers,
    }
    request = Request(f"{database.url}{place}", body, headers)
    try:
        with build_opener(_NoRedirects).open(request, timeout=database.timeout / SECOND) as answer:
            return _content(answer.read(), answer.headers)
    except HTTPError as error:
        raise _refused(database, error) from None
    except BROKEN as error:
        what = f"no answer from {database.url}: {getattr(error, 'reason', error) or type(error).__name__}"
        remedy = "start the database or correct `url`; for long answers make `chunk` shorter or `timeout` longer"
        raise RecordingError(what, where=str(database.path), remedy=remedy) from error


def _content(content: bytes, headers: Message) -> bytes:
    return gzip.decompress(content) if headers.get("Content-Encoding") == "gzip" else content


def not_understood(database: Database, error: Exception) -> TwinError:
    """The error of an answer that is not what such a database sends."""
    what = f"{database.url} answered something else than such a database does: {error}"
    return RecordingError(what, where=str(database.path), remedy="see that `url` leads to the database itself")


def _refused(database: Database, error: HTTPError) -> RecordingError:
    if 300 <= error.code < 400:
        what, remedy = (
            f"{database.url} sends on to another address",
            "name that address in `url`, if it is to be trusted",
        )
        return RecordingError(what, where=str(database.path), remedy=remedy)
    what = f"{database.url} answered HTTP {error.code}: {_reason(database, error)}"
    return RecordingError(what, where=str(database.path), remedy=REMEDIES.get(error.code, "look at the database's log"))


def _reason(database: Database, error: HTTPError) -> str:
    """What the database says of it, without our secret should it repeat that."""
    try:
        text = _content(error.read(), error.headers).decode(errors="replace")
    except BROKEN:
        text = ""
    try:
        told = json.loads(text)
        text = str(told.get("error") or told.get("message") or text)
    except (ValueError, AttributeError, RecursionError):
        pass
    for header in database.headers.values():
        for secret in _secrets(header):
            text = text.replace(secret, "***")
    return (text.strip() or str(error.reason))[:LONGEST]


def _secrets(header: str) -> list[str]:
    """What must not be repeated of a header that shows who asks: the token, or the password in each of its forms."""
    scheme, _, given = header.partition(" ")
    password = b64decode(given).decode().partition(":")[2] if scheme == "Basic" else ""
    return [secret for secret in (given, password) if secret]
