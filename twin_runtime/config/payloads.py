"""``[payloads.NAME]``: what is where in messages that are not in the native form; profiles of well-known senders."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field

from twin_runtime import entry_points
from twin_runtime.config.document import Problem
from twin_runtime.config.sections import Section, Text
from twin_runtime.config.twin_type import TwinType
from twin_runtime.errors import ConfigError, TwinError, did_you_mean
from twin_runtime.ingest.payloads import Payload
from twin_runtime.ingest.payloads.formats import FORMATS, Format
from twin_runtime.ingest.payloads.paths import path_of

PathText = Annotated[str, Field(description='a dotted path such as "AM2301.Temperature", or a JSON pointer')]
Texts = Annotated[tuple[str, ...], Field(strict=False)]


class PayloadSection(Section):
    """A kind of payload: what is given here, and what it ``extends`` says of the rest."""

    extends: Text | None = Field(default=None, description="the kind that it is like", examples=["zigbee2mqtt"])
    topics: Texts | None = Field(
        default=None, description="where such messages usually come, for `twin listen`", examples=[["meters/{twin}"]]
    )
    holds: Texts | None = Field(
        default=None, description="paths by which `twin listen` knows such messages", examples=[["ts", "values"]]
    )
    format: Text | None = Field(default=None, description="json, text, csv, senml or line-protocol", examples=["json"])
    each: PathText | None = Field(default=None, description="where the list of records stands", examples=["metrics"])
    under: Texts | None = Field(
        default=None, description="where values stand: the first that is there", examples=[["values", ""]]
    )
    time: PathText | None = Field(default=None, description="where the time stands", examples=["ts"])
    time_unit: Literal["auto", "s", "ms", "us", "ns"] | None = Field(
        default=None, description="the unit of times that are numbers; auto: by their size", examples=["ms"]
    )
    time_optional: bool | None = Field(default=None, description="whether values without a time are stamped on arrival")
    local: bool | None = Field(default=None, description="whether its times have no offset, so that a zone is needed")
    zone: Text | None = Field(
        default=None, description="the zone of times without an offset", examples=["Europe/Berlin"]
    )
    sequence: PathText | None = Field(default=None, description="where the sequence number stands", examples=["fCnt"])
    quality: PathText | None = Field(default=None, description="where the quality stands", examples=["q"])
    good: Texts | None = Field(default=None, description="the qualities that are used", examples=[["good", "192"]])
    missing: Texts | None = Field(default=None, description="what means no value", examples=[["unavailable", "-999"]])
    words: dict[str, float] | None = Field(
        default=None, description="words that mean a number", examples=[{"on": 1, "off": 0}]
    )
    decimal: Literal[".", ","] | None = Field(default=None, description="the decimal sign of numbers that are texts")
    scale: float | None = Field(
        default=None, description="the factor from the number sent to the channel's unit", examples=[0.1]
    )
    offset: float | None = Field(default=None, description="what is added after that", examples=[-40])


PayloadTables = Annotated[
    dict[str, PayloadSection], Field(description="a table [payloads.NAME] for each kind of payload of one's own")
]


@cache
def profiles() -> dict[str, PayloadSection]:
    """The kinds of payload that are known by name."""
    text = files("twin_runtime.ingest.payloads").joinpath("profiles.toml").read_text("utf-8")
    return {name: PayloadSection.model_validate(table) for name, table in tomllib.loads(text).items()}


def payloads_of(config: TwinType, own: Mapping[str, PayloadSection]) -> dict[str, Payload]:
    """The kinds of payload that a type's channels name; raises one :class:`ConfigError` that reports every problem."""
    known, problems = dict[str, Payload](), list[Problem]()
    for channel in config.channels:
        if channel.payload and channel.payload not in known:
            try:
                known[channel.payload] = payload_of(channel.payload, own)
            except ConfigError as error:
                problems.append(Problem((f"{channel.kind}s", channel.name, "payload"), error.what, error.remedy))
    if problems:
        raise config.error(problems)
    return known


def payload_of(name: str, own: Mapping[str, PayloadSection]) -> Payload:
    """The kind of payload of a name; raises :class:`ConfigError` that says what is wrong with it."""
    given = _inherited(name, own, ())
    where = f"payloads.{name}"
    if given.get("local") and not given.get("zone"):
        remedy = f'write [payloads.{name}-here] with extends = "{name}" and zone = "Europe/Berlin", and use that'
        raise ConfigError("its times have no offset: expected a zone", where=where, remedy=remedy)
    if ("quality" in given) != ("good" in given):
        raise ConfigError("expected `quality` and `good` together", where=where, remedy="give both, or none")
    numbers = [number for text in given.get("missing", ()) if (number := _number(text)) is not None]
    return Payload(
        format=_format(given.get("format"), where),
        each=_path(given, "each"),
        under=tuple(map(path_of, given.get("under", ("",)))),
        time=_path(given, "time"),
        time_unit=given.get("time_unit", "auto"),
        time_optional=given.get("time_optional", False),
        zone=_zone(given.get("zone"), where),
        sequence=_path(given, "sequence"),
        quality=_path(given, "quality"),
        good=frozenset(text.lower() for text in given.get("good", ())),
        missing=frozenset(text.lower() for text in given.get("missing", ())),
        missing_numbers=frozenset(numbers),
        words={word.lower(): number for word, number in given.get("words", {}).items()},
        decimal=given.get("decimal", "."),
        scale=given.get("scale", 1.0),
        offset=given.get("offset", 0.0),
    )


def _inherited(name: str, own: Mapping[str, PayloadSection], below: tuple[str, ...]) -> dict[str, Any]:
    """All that a kind says, with what it extends."""
    if name in below:
        raise ConfigError(f"'{name}' extends itself", where=f"payloads.{name}", remedy="extend another kind, or none")
    section = own.get(name) if name not in below[-1:] else None
    section = section or profiles().get(name)
    if section is None:
        known = [*own, *profiles()]
        remedy = did_you_mean(name, known) or f"there are {', '.join(known)}"
        raise ConfigError(f"expected a kind of payload, got '{name}'", where="payload", remedy=remedy)
    said = section.model_dump(exclude_none=True, exclude={"extends"})
    return (_inherited(section.extends, own, (*below, name)) if section.extends else {}) | said


def _path(given: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    return path_of(given[key]) if key in given else None


def _format(name: str | None, where: str) -> Format:
    found = entry_points.found(entry_points.FORMATS)
    if name in FORMATS:
        return FORMATS[name]
    if name in found:
        try:
            return entry_points.loaded(found[name])  # type: ignore[return-value]  # what the group promises
        except TwinError as error:
            raise ConfigError(error.what, where=where, remedy=error.remedy) from error
    known = [*FORMATS, *found]
    what = "expected a format, got none" if name is None else f"expected a format, got '{name}'"
    raise ConfigError(
        what, where=f"{where}.format", remedy=did_you_mean(name or "", known) or f"one of {', '.join(known)}"
    )


def _zone(name: str | None, where: str) -> ZoneInfo | None:
    try:
        return None if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        what = f"expected the name of a time zone, got '{name}'"
        raise ConfigError(what, where=f"{where}.zone", remedy='write it like zone = "Europe/Berlin"') from None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
