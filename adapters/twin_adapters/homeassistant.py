"""Announcements to Home Assistant, so that twins and their quantities appear there by themselves (MQTT discovery).

Each twin is a device with a sensor for each quantity, whose state is the mean and whose attributes are its other
figures, and a sensor for the trust. They are unavailable while the runtime is, and expire with the verdict.
https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any, NamedTuple

import msgspec

from twin_adapters.mqtt_connection import Publication
from twin_runtime.core import FIGURES, SECOND, Quantity, Trust
from twin_runtime.store.identity import Identity, TypeIdentity


class Unit(NamedTuple):
    """A unit as Home Assistant writes it, and the class of device that it converts and draws."""

    name: str
    device_class: str | None = None


UNITS: Mapping[str, Unit] = {
    "1": Unit(""),
    "degC": Unit("°C", "temperature"),
    "K": Unit("K", "temperature"),
    "%": Unit("%"),
    "percent": Unit("%"),
    "Pa": Unit("Pa", "pressure"),
    "hPa": Unit("hPa", "pressure"),
    "kPa": Unit("kPa", "pressure"),
    "bar": Unit("bar", "pressure"),
    "mmHg": Unit("mmHg", "pressure"),
    "W": Unit("W", "power"),
    "kW": Unit("kW", "power"),
    "V": Unit("V", "voltage"),
    "A": Unit("A", "current"),
    "L/min": Unit("L/min", "volume_flow_rate"),
    "mL/s": Unit("mL/s", "volume_flow_rate"),
    "m^3/h": Unit("m³/h", "volume_flow_rate"),
    "m/s": Unit("m/s", "speed"),
    "s": Unit("s", "duration"),
    "kg": Unit("kg", "weight"),
    "m": Unit("m", "distance"),
}
"""Units that Home Assistant knows by another name or converts; others are shown as they are."""


class Topics(NamedTuple):
    """Where things are: announcements below ``prefix``, estimates, and whether the runtime is there (or "")."""

    prefix: str
    estimate: str
    status: str


def announcements(identity: Identity, topics: Topics) -> Iterator[Publication]:
    """A retained message for every quantity of every twin, and for its trust."""
    for known in identity.current:
        for twin in known.twins:
            shared = _shared(identity, known, twin, topics)
            for quantity in known.quantities:
                yield _publication(topics, twin, quantity.name, shared | _of_quantity(quantity))
            yield _publication(topics, twin, "trust", shared | _of_trust())


def _publication(topics: Topics, twin: str, name: str, content: Mapping[str, Any]) -> Publication:
    place = f"{topics.prefix}/sensor/{plain(twin)}/{plain(name)}/config"
    own = {"unique_id": f"{content['device']['identifiers'][0]}-{plain(name)}"}
    return Publication(place, msgspec.json.encode({**content, **own}), retain=True)


def _shared(identity: Identity, known: TypeIdentity, twin: str, topics: Topics) -> dict[str, Any]:
    program = {"name": "twin-runtime", "sw_version": version("twin-runtime")}
    device = {
        "identifiers": [f"{plain(identity.name)}-{plain(twin)}"],
        "name": twin,
        "model": known.name,
        "manufacturer": "twin-runtime",
    }
    estimate = topics.estimate.replace("{twin}", twin)
    found: dict[str, Any] = {
        "state_topic": estimate,
        "json_attributes_topic": estimate,
        "device": device,
        "origin": program,
        "expire_after": max(1, -(-known.validity // SECOND)),
    }
    if topics.status:
        template = "{{ value_json.status }}"
        found["availability"] = [{"topic": topics.status, "value_template": template}]
    return found


def _of_quantity(quantity: Quantity) -> dict[str, Any]:
    unit = UNITS.get(quantity.unit, Unit(quantity.unit))
    here = f"value_json.estimates['{quantity.name}']"
    attributes = ", ".join(f"'{figure}': {here}.{figure}" for figure in FIGURES)
    rest = "'trust': value_json.trust, 'reasons': value_json.reasons, 'time': value_json.time"
    found = {
        "name": quantity.name.replace("_", " "),
        "state_class": "measurement",
        "value_template": f"{{{{ {here}.mean }}}}",
        "json_attributes_template": f"{{{{ {{{attributes}, {rest}}} | tojson }}}}",
    }
    if unit.name:
        found["unit_of_measurement"] = unit.name
    if unit.device_class:
        found["device_class"] = unit.device_class
    return found


def _of_trust() -> dict[str, Any]:
    also = "'reasons': value_json.reasons, 'valid_until': value_json.valid_until"
    return {
        "name": "trust",
        "device_class": "enum",
        "options": [trust.name.lower() for trust in Trust],
        "value_template": "{{ value_json.trust }}",
        "json_attributes_template": f"{{{{ {{{also}}} | tojson }}}}",
    }


def plain(name: str) -> str:
    """A name of letters, digits, "_" and "-"; what had to be replaced is told apart by a hash."""
    made = re.sub(r"[^a-zA-Z0-9_-]", "_", name)
    return made if made == name else f"{made}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
