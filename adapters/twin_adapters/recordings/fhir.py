"""Recordings as FHIR Observations (R4 or R5): a Bundle, a list or single resources in JSON, or one a line (NDJSON).

Each code is a column, LOINC first: ``8867-4`` is the heart rate. Components are columns of their own codes,
and sampled data (waveforms) have a row a sample. ``where`` may ask for a ``subject``, a ``device`` or a ``status``.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from twin_adapters.recordings.fhir_resources import LEFT_OUT, Observation, Resource
from twin_adapters.recordings.fhir_rows import Rows
from twin_adapters.recordings.mapping import Layout
from twin_adapters.recordings.reading import reading
from twin_adapters.recordings.table import Cells, Table
from twin_runtime.cli.output import progress
from twin_runtime.errors import RecordingError

TEXTS = ("time", "subject", "device", "status")
"""The columns besides those of the codes."""


def read(path: Path, layout: Layout) -> Table:
    """Read all observations of a file but those entered in error or cancelled. ``layout`` is not used."""
    del layout
    with reading(path, "FHIR in JSON", "name its `format`, or export the observations as JSON (a Bundle, or NDJSON)"):
        resources = list(_resources(path.read_bytes()))
    rows = Rows(path)
    with progress(f"reading {path.name}", len(resources)) as advance:
        for number, raw in enumerate(resources):
            _add(path, rows, number, raw)
            if number % 1000 == 0:
                advance(number)
    if not rows.count:
        raise _none(path, resources)
    columns = rows.columns()
    named = list(columns)

    def cells(place: int) -> Cells:
        if place >= len(TEXTS):
            return rows.cells(columns[named[place - len(TEXTS)]])
        return rows.times() if place == 0 else rows.texts(TEXTS[place])

    return Table(
        path,
        rows.count,
        [*TEXTS, *named],
        cells,
        units={place: columns[name].unit for place, name in enumerate(named, len(TEXTS)) if columns[name].unit},
        local=frozenset({0}) if rows.local else frozenset(),
        titles={place: columns[name].title for place, name in enumerate(named, len(TEXTS))},
        sparse=True,
    )


def _resources(content: bytes) -> Iterator[msgspec.Raw]:
    """Every resource, out of whatever bundles and lists it stands in."""
    lines = [line for line in content.removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()]
    texts = lines if lines and _is_whole(lines[0]) else [b"\n".join(lines)]
    for text in texts:
        yield from _inside(msgspec.Raw(text))


def _is_whole(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except msgspec.DecodeError:
        return False
    return True


def _inside(raw: msgspec.Raw) -> Iterator[msgspec.Raw]:
    resource = msgspec.json.decode(raw, type=Resource | list[msgspec.Raw])
    if isinstance(resource, list):
        for one in resource:
            yield from _inside(one)
    elif resource.resourceType == "Bundle":
        for entry in resource.entry:
            if bytes(entry.resource) not in (b"", b"null"):
                yield from _inside(entry.resource)
    else:
        yield raw


def _add(path: Path, rows: Rows, number: int, raw: msgspec.Raw) -> None:
    """The values of one resource, where it is an observation that counts."""
    try:
        if msgspec.json.decode(raw, type=Resource).resourceType != "Observation":
            return
        observation = msgspec.json.decode(raw, type=Observation)
        if observation.status not in LEFT_OUT:
            rows.add(observation)
    except (msgspec.ValidationError, ValueError) as error:
        where, remedy = f"{path}: resource {number}", "mend it, or leave it out of the file"
        raise RecordingError(f"not an Observation of FHIR: {error}", where=where, remedy=remedy) from error


def _none(path: Path, resources: list[msgspec.Raw]) -> RecordingError:
    kinds = sorted({msgspec.json.decode(raw, type=Resource).resourceType for raw in resources})
    what = f"expected observations with values, came {', '.join(kinds) or 'nothing'}"
    return RecordingError(what, where=str(path), remedy="export resources of the type Observation")
