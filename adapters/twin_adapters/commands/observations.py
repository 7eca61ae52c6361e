"""Estimates as FHIR observations (R4 and R5), a line of JSON each: ``.ndjson``, as bulk data is exchanged.

One observation a time, twin and quantity: the mean as its value, standard deviation and quantiles as components, trust
as a tag, the checks that complain in a note. What is not finite is absent, with the reason. Its id is the same for
every revision, so that a server keeps the newest. https://hl7.org/fhir/observation.html
"""

import hashlib
import math
import re
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from twin_adapters.commands.tables import not_writable
from twin_runtime.core import FIGURES

CODES = "urn:twin-runtime:quantity"
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
UCUM = "http://unitsofmeasure.org"
SPELT = {
    "mmHg": "mm[Hg]",
    "cmH2O": "cm[H2O]",
    "degC": "Cel",
    "degF": "[degF]",
    "delta_degC": "K",
    "psi": "[psi]",
    "percent": "%",
    "rpm": "{rpm}/min",
}
"""Units that UCUM spells in another way."""

_NAME = re.compile(r"[^\W\d]\w*")


class ObservationWriter:
    """A :class:`TableWriter` of the tables of :mod:`twin_adapters.commands.estimates`, in place of a file that may be.

    Raises ConfigError where it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise not_writable(path, error) from error

    def write_table(self, table: pa.Table) -> None:
        """Append an observation for each row."""
        self._file.writelines(msgspec.json.encode(observation(row)) + b"\n" for row in table.to_pylist())

    def close(self) -> None:
        """Complete the file."""
        self._file.close()


def observation(row: dict[str, Any]) -> dict[str, Any]:
    """The observation of one row of the table of estimates."""
    unit, name = ucum(row["unit"]), row["quantity"]
    key = f"{row['twin']}\n{name}\n{row['time'].isoformat()}"
    reasons = f"; {row['reasons']}" if row["reasons"] else ""
    valid = f"valid until {_instant(row['valid_until'])}"
    return {
        "resourceType": "Observation",
        "id": hashlib.sha256(key.encode()).hexdigest(),
        "meta": {
            "versionId": str(row["revision"] + 1),
            "tag": [{"system": "urn:twin-runtime:trust", "code": row["trust"]}],
        },
        "status": "preliminary",
        "code": _concept(name),
        "subject": {"identifier": {"system": "urn:twin-runtime:twin", "value": row["twin"]}, "display": row["twin"]},
        "effectiveDateTime": _instant(row["time"]),
        "method": {"text": "estimate of a physics-based twin, corrected by its asset's readings"},
        "note": [{"text": f"{row['trust']}{reasons}; {valid}"}],
        **_valued(row["mean"], row["unit"], unit),
        "component": [{"code": _concept(f"{name}.{f}"), **_valued(row[f], row["unit"], unit)} for f in FIGURES[1:]],
    }


def _concept(code: str) -> dict[str, Any]:
    return {"coding": [{"system": CODES, "code": code}], "text": code}


def _valued(value: float, unit: str, code: str) -> dict[str, Any]:
    if not math.isfinite(value):
        return {"dataAbsentReason": {"coding": [{"system": ABSENT, "code": "not-a-number"}]}}
    return {"valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": code}}


def _instant(moment: Any) -> str:  # noqa: ANN401  # a timestamp of pandas or of the standard library
    return str(moment.isoformat(timespec="milliseconds")).replace("+00:00", "Z")


def ucum(unit: str) -> str:
    """A unit as UCUM spells it: "mmHg*s/mL" is "mm[Hg].s/mL"."""
    plain = _NAME.sub(lambda match: SPELT.get(match[0], match[0]), unit.replace("**", "^").replace(" ", ""))
    return plain.replace("*", ".").replace("^", "")
