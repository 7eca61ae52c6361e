"""What pydantic finds wrong, reported so that the person who wrote the file can mend it."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from twin_runtime.config.document import Document, Key, Problem
from twin_runtime.errors import did_you_mean, without_credentials

_SECRET = re.compile(r"passw|passphrase|secret|token|credential|api_?key|_env$", re.IGNORECASE)

Settings = TypeVar("Settings", bound=BaseModel)

EXPECTED: Mapping[str, str] = {
    "bool_type": "true or false",
    "dict_type": "a table",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "list_type": "a list",
    "missing": "more values",
    "literal_error": "{expected}",
    "model_attributes_type": "a table",
    "model_type": "a table",
    "path_type": 'a path in "quotes"',
    "string_pattern_mismatch": "a text that matches {pattern}",
    "string_too_short": "a text that is not empty",
    "string_type": 'a text in "quotes"',
    "too_long": "no more than {max_length} values",
    "too_short": "at least {min_length} values",
    "tuple_type": "a list",
}
"""What was expected, by the type of pydantic's error."""


def problems_of(settings: type[BaseModel], error: ValidationError, document: Document, at: Key = ()) -> list[Problem]:
    """The problems in ``document`` behind an error of validating its part ``at`` as ``settings``."""
    details = error.errors(include_url=False)
    return [_problem(settings, d, document, at) for d in details if d["type"] != "default_factory_not_called"]


def validated(settings: type[Settings], document: Document) -> Settings:
    """A whole document as ``settings``. Raises :class:`ConfigError` reporting every problem."""
    try:
        return settings.model_validate(document.data)
    except ValidationError as error:
        raise document.error(problems_of(settings, error, document)) from None


def toml(value: object) -> str:
    """A value as it is written in TOML, shortened."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        text = f"[{', '.join(map(toml, value))}]"
    elif isinstance(value, str | bool):
        text = without_credentials(json.dumps(value, ensure_ascii=False))
    else:
        text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def shown(document: Document, key: Key) -> str:
    """What stands at ``key``, unless that may be a secret, by the names that lead there."""
    return "what is not shown here" if any(map(names_a_secret, key)) else toml(document.value(key))


def names_a_secret(part: str | int) -> bool:
    """Whether a key's name says that its value is, or leads to, a secret."""
    return bool(_SECRET.search(str(part)))


def _problem(settings: type[BaseModel], detail: ErrorDetails, document: Document, at: Key) -> Problem:
    kind, loc, context = detail["type"], tuple(detail["loc"]), detail.get("ctx", {})
    fields = list(_fields_along(settings, loc))
    if kind == "extra_forbidden":
        return Problem((*at, *loc), "unknown key", did_you_mean(str(loc[-1]), _known(settings, fields, loc)))
    if kind == "missing" and not isinstance(loc[-1], int):
        return Problem((*at, *loc), "expected, but missing", _remedy(fields, loc))
    key = _written(document, (*at, *loc))
    if kind == "value_error":
        return Problem(key, str(context["error"]), _remedy(fields, loc))
    if "remedy" in context:
        return Problem(key, detail["msg"], context["remedy"])
    numbers = {name: f"{value:g}" if isinstance(value, float) else value for name, value in context.items()}
    expected = EXPECTED[kind].format(**numbers) if kind in EXPECTED else detail["msg"]
    return Problem(key, f"expected {expected}, got {shown(document, key)}", _remedy(fields, loc))


def _written(document: Document, key: Key) -> Key:
    """The longest part of ``key`` that stands in the document: pydantic adds names of its own behind it."""
    for length in range(len(key), 0, -1):
        try:
            document.value(key[:length])
        except (KeyError, IndexError, TypeError):
            continue
        return key[:length]
    return ()


def _fields_along(annotation: object, key: Key) -> Iterator[FieldInfo]:
    """The fields that lead to ``key`` inside a settings class, or a table or list of them."""
    for kind in (annotation, *get_args(annotation)) if key else ():
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = kind.model_fields.get(str(key[0]))
            if field is not None:
                yield field
                yield from _fields_along(field.annotation, key[1:])
            return
        if get_origin(kind) in (dict, list, tuple):
            inner = get_args(kind)[1 if get_origin(kind) is dict else 0]
            yield from _fields_along(inner, key[1:])
            return


def _known(settings: type[BaseModel], fields: list[FieldInfo], key: Key) -> list[str]:
    """The keys that may stand where the last part of ``key`` does."""
    annotation: Any = fields[-1].annotation if fields else settings
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return list(kind.model_fields)
    return []


def _remedy(fields: list[FieldInfo], key: Key) -> str:
    """What the innermost field means, with an example."""
    if not fields or not fields[-1].description:
        return ""
    named = [part for part in key if isinstance(part, str) and part != "[key]"]
    example = f": {named[-1]} = {toml(fields[-1].examples[0])}" if fields[-1].examples else ""
    return f"give {fields[-1].description}{example}"
