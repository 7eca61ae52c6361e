"""A configuration: one TOML file is a whole deployment, of one type of twins or of several."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from twin_runtime import entry_points
from twin_runtime.config.addresses import PLAIN
from twin_runtime.config.document import Document
from twin_runtime.config.explain import validated
from twin_runtime.config.payloads import PayloadSection, PayloadTables
from twin_runtime.config.sections import DeploymentSection, Name, Section, StoreSection
from twin_runtime.config.twin_type import MADE_IN_CODE, TwinType

SourceTable = Annotated[
    dict[str, Any] | None,
    Field(repr=False, description="a table [mqtt], [sparkplug] or [opcua], or [opcua.NAME] for each of several"),
]
SinkTables = Annotated[dict[str, dict[str, Any]], Field(repr=False, description="a table [sinks.NAME] for each sink")]
StoreTable = Annotated[StoreSection, Field(description="the table [store]")]


@dataclass(frozen=True)
class Config:
    """All that a configuration file says: twin types that share one source, one store and one set of sinks."""

    name: str
    types: tuple[TwinType, ...]
    store: StoreSection = StoreSection()  # noqa: RUF009  # frozen
    sources: Mapping[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    payloads: Mapping[str, PayloadSection] = field(default_factory=dict)
    sinks: Mapping[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    document: Document = MADE_IN_CODE

    @classmethod
    def of(cls, *types: TwinType) -> "Config":
        """A configuration made in code, named after its first type."""
        return cls(types[0].twin.name, types)

    @property
    def mqtt(self) -> dict[str, Any] | None:
        """The table of the MQTT broker; None without one."""
        return self.sources.get(PLAIN)

    @property
    def store_path(self) -> Path:
        """The file of the store."""
        return self.store.path or Path(f"{self.name}.db")

    def stored_at(self, path: Path | None) -> "Config":
        """The same configuration with another store; unchanged for None."""
        return replace(self, store=StoreSection(path=path)) if path else self

    def type_of(self, twin: str) -> TwinType | None:
        """The type of a twin; None if there is no such twin."""
        return next((twin_type for twin_type in self.types if twin in twin_type.twin.twins), None)


class OneType(TwinType):
    """A file whose tables describe one twin type."""

    store: StoreTable = StoreSection()
    mqtt: SourceTable = None
    sparkplug: SourceTable = None
    opcua: SourceTable = None
    payloads: PayloadTables = {}  # noqa: RUF012  # pydantic copies it
    sinks: SinkTables = {}  # noqa: RUF012  # pydantic copies it


class SeveralTypes(Section):
    """A file with a table ``[types.NAME]`` for each twin type, in which its tables stand."""

    deployment: DeploymentSection = Field(description="the table [deployment] with a name")
    types: dict[Name, TwinType] = Field(description="a table [types.NAME] for each type of twins", min_length=1)
    store: StoreTable = StoreSection()
    mqtt: SourceTable = None
    sparkplug: SourceTable = None
    opcua: SourceTable = None
    payloads: PayloadTables = {}  # noqa: RUF012  # pydantic copies it
    sinks: SinkTables = {}  # noqa: RUF012  # pydantic copies it

    @model_validator(mode="before")
    @classmethod
    def _named(cls, data: Any) -> Any:  # noqa: ANN401  # whatever the file holds
        """Twin types bear the names of their tables, where they have none of their own."""
        types = data.get("types") if isinstance(data, dict) else None
        if not isinstance(types, dict):
            return data
        return {**data, "types": {name: _with_name(twin_type, name) for name, twin_type in types.items()}}


OWN = frozenset({*OneType.model_fields, *SeveralTypes.model_fields})
"""The tables that are none of a source that another package brings."""


def _with_name(twin_type: Any, name: str) -> Any:  # noqa: ANN401  # whatever the file holds
    twin = twin_type.get("twin") if isinstance(twin_type, dict) else None
    return {**twin_type, "twin": {"name": name, **twin}} if isinstance(twin, dict) else twin_type


def read(document: Document) -> Config:
    """The configuration of a document. Raises one :class:`ConfigError` that reports every problem."""
    data = document.data
    kinds = entry_points.found(entry_points.SOURCES).keys() - OWN
    added = {kind: data[kind] for kind in kinds if isinstance(data.get(kind), dict)}
    rest = replace(document, data={key: value for key, value in data.items() if key not in added})
    if "types" in data:
        several = validated(SeveralTypes, rest)
        types = tuple(twin_type.placed(document, ("types", name)) for name, twin_type in several.types.items())
        return _config(several.deployment.name, types, several, added, document)
    one = validated(OneType, rest)
    return _config(one.twin.name, (one.placed(document, ()),), one, added, document)


def _config(
    name: str,
    types: tuple[TwinType, ...],
    tables: OneType | SeveralTypes,
    added: Mapping[str, Any],
    document: Document,
) -> Config:
    sources = _sources(tables, added)
    return Config(name, types, tables.store, sources, tables.payloads, tables.sinks, document)


def _sources(tables: OneType | SeveralTypes, added: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The table of each source by its name: ``opcua``, or ``opcua.NAME`` where there are several of a kind."""
    own = {"mqtt": tables.mqtt, "sparkplug": tables.sparkplug, "opcua": tables.opcua}
    found: dict[str, dict[str, Any]] = {}
    for kind, table in {**own, **added}.items():
        if isinstance(table, dict) and table and all(isinstance(value, dict) for value in table.values()):
            found.update({f"{kind}.{name}": one for name, one in table.items()})
        elif table is not None:
            found[kind] = table
    return found
