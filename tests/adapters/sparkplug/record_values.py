"""What the recorded payloads say."""

TIME = 1_767_603_600_000
"""2026-01-05T09:00:00Z, in ms."""

NUMBERS = {
    "Int8": -100,
    "Int16": -30_000,
    "Int32": -2_000_000_000,
    "Int64": -9_000_000_000,
    "UInt8": 200,
    "UInt16": 60_000,
    "UInt32": 4_000_000_000,
    "UInt64": 9_000_000_000,
    "Float": 21.5,
    "Double": 21.4,
    "Boolean": True,
}
