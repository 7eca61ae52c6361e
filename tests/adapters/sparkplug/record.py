"""Makes ``payloads.json``: what pysparkplug, which nobody here wrote, makes of a birth, of data and of a death.

pysparkplug 0.6 wants another paho-mqtt than the runtime does, so this is run where it is installed:

    python -m tests.adapters.sparkplug.record
"""

import json
from pathlib import Path

from pysparkplug import DataType, DBirth, DData, Metric, NBirth, NData, NDeath
from pysparkplug import _protobuf as protobuf

from tests.adapters.sparkplug.record_values import NUMBERS, TIME


def metric(name: str, kind: str, value: object, alias: int | None, time: int = TIME, **more: bool) -> Metric:
    named = alias is None or time == TIME
    return Metric(time, name if named else None, DataType[kind.upper()], value=value, alias=alias, **more)


def odd() -> bytes:
    """Values that are no readings: made from the published description itself."""
    payload = protobuf.Payload(timestamp=TIME, seq=2)
    payload.metrics.add(name="Set", datatype=16).dataset_value.num_of_columns = 1
    payload.metrics.add(name="Form", datatype=19).template_value.version = "1"
    payload.metrics.add(name="List", datatype=31, bytes_value=b"\0" * 16)
    for name, code in (("Good", 192), ("Bad", 0), ("Stale", 500)):
        judged = payload.metrics.add(name=name, datatype=10, double_value=1.0)
        judged.properties.keys.append("Quality")
        judged.properties.values.add(type=3, int_value=code)
    return bytes(payload.SerializeToString())


def payloads() -> dict[str, bytes]:
    numbers = [metric(kind, kind, value, alias) for alias, (kind, value) in enumerate(NUMBERS.items(), 1)]
    later = [metric(m.name, m.datatype.name, m.value, m.alias, TIME + 1000) for m in numbers]
    bd_seq = Metric(TIME, "bdSeq", DataType.INT64, value=7)
    words = [metric("Text", "String", "warm", None), metric("None", "Double", None, None, is_null=True)]
    old = Metric(TIME - 60_000, "Level", DataType.DOUBLE, value=1.5, is_historical=True)
    return {
        "NBIRTH": NBirth(TIME, 0, (bd_seq, metric("Level", "Double", 2.5, 100))).encode(),
        "DBIRTH": DBirth(TIME, 1, (*numbers, *words)).encode(),
        "DDATA": DData(TIME + 1000, 2, tuple(later)).encode(),
        "ODD": odd(),
        "HISTORY": NData(TIME, 2, (old,)).encode(),
        "NDEATH": NDeath(TIME, bd_seq).encode(),
    }


if __name__ == "__main__":
    recorded = {name: payload.hex() for name, payload in payloads().items()}
    Path(__file__).with_name("payloads.json").write_text(json.dumps(recorded, indent=1) + "\n")
