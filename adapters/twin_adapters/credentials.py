"""Passwords and tokens, read at the moment of use from where a configuration says they are. None is ever repeated."""

import os
from pathlib import Path

from twin_runtime.errors import ConfigError


def read_password(file: Path | None, variable: str | None, table: str) -> str | None:
    """The password of a ``table``, of its ``password_file`` or ``password_env``; None where it names neither.

    Raises :class:`ConfigError` where the file or the variable that it names cannot be read.
    """
    if variable:
        return _of_variable(variable, f"{table}.password_env")
    if file is None:
        return None
    try:
        return file.read_text("utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        remedy = "a readable file with the password on its first line"
        raise ConfigError(f"cannot read {file}: {error}", where=f"{table}.password_file", remedy=remedy) from error


def read_token(variable: str, table: str) -> str:
    """The token in the variable that ``token_env`` of a ``table`` names; raises :class:`ConfigError` without one."""
    where = f"{table}.token_env"
    token = _of_variable(variable, where).strip()
    if not (token and token.isascii() and token.isprintable()) or " " in token:  # http.client's own error repeats it
        remedy = "give the token alone: printable ASCII on one line"
        raise ConfigError(f"{variable} holds no token", where=where, remedy=remedy)
    return token


def _of_variable(variable: str, where: str) -> str:
    if variable not in os.environ:
        raise ConfigError(f"no variable {variable}", where=where, remedy=f"export {variable}=... before the start")
    return os.environ[variable]
