import json
from datetime import UTC, datetime, timedelta

import pytest

from twin_runtime.core import SECOND, Code
from twin_runtime.ingest.decode import Limits, Refused, Sample, decode

NOW = 1_700_000_000_000_000_000


def test_a_bare_number_is_a_value_without_a_time() -> None:
    assert decode(b"87.5") == [Sample(87.5)]
    assert decode(b" 87 \n") == [Sample(87.0)]


def test_an_object_says_all_that_a_sender_knows() -> None:
    payload = b'{"value": 87.5, "time": 1700000000000000001, "seq": 17, "sd": 1.2, "unit": "mmHg"}'
    assert decode(payload) == [Sample(87.5, NOW + 1, 17, 1.2, "mmHg")]


def test_only_the_value_is_required_and_null_is_as_good_as_nothing() -> None:
    assert decode(b'{"value": -1}') == [Sample(-1.0)]
    assert decode(b'{"value": -1, "time": null, "seq": null, "sd": null, "unit": null}') == [Sample(-1.0)]


def test_fields_that_nobody_knows_are_tolerated_so_that_senders_can_be_extended() -> None:
    assert decode(b'{"value": 1, "battery": {"level": [3, 4]}}') == [Sample(1.0)]


@pytest.mark.parametrize("unknown", [b"1e4000000", b"[1e999]", b"-0.0", b'{"a": [null]}', b'"\\u00e9"'])
def test_what_an_unknown_field_holds_does_not_matter(unknown: bytes) -> None:
    assert decode(b'{"value": 87.5, "note": ' + unknown + b"}") == [Sample(87.5)]


@pytest.mark.parametrize("name", ["timestamp", "ts", "Time", "DateTime", "time_ms"])
def test_a_time_under_another_name_is_not_ignored(name: str) -> None:
    with pytest.raises(Refused, match=f"no `time`, but `{name}`: send it as `time`"):
        decode(f'{{"value": 1, "{name}": 1700000000}}'.encode())
    assert decode(f'{{"value": 1, "{name}": null}}'.encode()) == [Sample(1.0)]
    assert decode(f'{{"value": 1, "time": 1700000000, "{name}x": 3, "{name}": 7}}'.encode())[-1].value == 1.0


@pytest.mark.parametrize(
    ("time", "nanoseconds"),
    [
        ("1700000000000000000", NOW),
        ("1700000000", NOW),
        ("1700000000.25", NOW + SECOND // 4),
        ("1700000000.008", NOW + 8_000_000),
        ("1.7e9", NOW),
        ('"2023-11-14T22:13:20Z"', NOW),
        ('"2023-11-14T23:13:20.5+01:00"', NOW + SECOND // 2),
        ("0", 0),
        ("1700000000008", NOW + 8_000_000),
        ("1700000000008.25", NOW + 8_250_000),
        ("1795699516816639", 1_795_699_516_816_639_000),
    ],
)
def test_a_time_is_a_number_of_a_unit_that_its_size_tells_or_a_text_with_an_offset(time: str, nanoseconds: int) -> None:
    assert decode(f'{{"value": 1, "time": {time}}}'.encode()) == [Sample(1.0, nanoseconds)]


def test_a_text_is_read_to_the_microsecond() -> None:
    moment = datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)
    [sample] = decode(json.dumps({"value": 1, "time": moment.isoformat()}).encode())
    assert sample.time == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def test_a_waveform_is_spaced_evenly_and_counted_on() -> None:
    payload = b'{"values": [1, 2, 3], "time": 1700000000000000000, "period": 0.008, "seq": 100, "unit": "mmHg"}'
    assert decode(payload) == [Sample(i + 1.0, NOW + i * 8_000_000, 100 + i, None, "mmHg") for i in range(3)]


def test_the_spacing_does_not_drift() -> None:
    payload = json.dumps({"values": [0.0] * 4096, "time": NOW, "period": 1 / 3}).encode()
    assert decode(payload)[3000].time == NOW + 1000 * SECOND


def test_samples_may_have_a_time_each() -> None:
    payload = b'{"values": [1, 2], "times": [1700000000000000000, 1700000000.5]}'
    assert decode(payload) == [Sample(1.0, NOW), Sample(2.0, NOW + SECOND // 2)]


BAD = {
    "empty": (b"", Code.EMPTY),
    "blank": (b" \n\t", Code.EMPTY),
    "not JSON": (b"pressure=87.5", Code.NOT_JSON),
    "cut off": (b'{"value": 87', Code.NOT_JSON),
    "followed by rubbish": (b'{"value": 87} 5', Code.NOT_JSON),
    "bare binary": (b"\x00\x01\x02\x03", Code.NOT_JSON),
    "a packed double": (b"\x00\x00\x00\x00\x00\xe0\x55\x40", Code.NOT_JSON),
    "not UTF-8": (b'{"value": 1, "unit": "\xff\xfe"}', Code.NOT_JSON),
    "not UTF-8 where nobody looks": (b'{"value": 1, "note": "\xb0C"}', Code.NOT_JSON),
    "half a surrogate pair": (rb'{"value": 1, "unit": "\ud800"}', Code.NOT_JSON),
    "a byte order mark": (b"\xef\xbb\xbf5", Code.NOT_JSON),
    "NaN": (b'{"value": NaN}', Code.NOT_FINITE),
    "a bare nan": (b"nan", Code.NOT_FINITE),
    "Infinity": (b'{"value": -Infinity}', Code.NOT_FINITE),
    "1e400": (b'{"value": 1e400}', Code.NOT_FINITE),
    "bare 1e400": (b"-1e400", Code.NOT_FINITE),
    "an integer of 5000 digits": (b'{"value": ' + b"9" * 5000 + b"}", Code.NOT_FINITE),
    "1e400 in a batch": (b'{"values": [1, 1e400], "times": [1, 2]}', Code.NOT_FINITE),
    "a number as a string": (b'{"value": "87.5"}', Code.WRONG_TYPE),
    "a bare string": (b'"87.5"', Code.WRONG_TYPE),
    "a truth value": (b'{"value": true}', Code.WRONG_TYPE),
    "a bare truth value": (b"true", Code.WRONG_TYPE),
    "null": (b"null", Code.WRONG_TYPE),
    "a value of null": (b'{"value": null}', Code.WRONG_TYPE),
    "an array": (b"[1, 2]", Code.WRONG_TYPE),
    "a list as the value": (b'{"value": [1]}', Code.WRONG_TYPE),
    "a number as the unit": (b'{"value": 1, "unit": 5}', Code.WRONG_TYPE),
    "a unit that never ends": (b'{"value": 1, "unit": "' + b"m" * 100 + b'"}', Code.WRONG_TYPE),
    "a broken sequence number": (b'{"value": 1, "seq": 1.5}', Code.WRONG_TYPE),
    "a time without an offset": (b'{"value": 1, "time": "2023-11-14T22:13:20"}', Code.WRONG_TYPE),
    "a time in words": (b'{"value": 1, "time": "yesterday"}', Code.WRONG_TYPE),
    "a value among strings": (b'{"values": [1, "2"], "times": [1, 2]}', Code.WRONG_TYPE),
    "no value": (b'{"time": 1700000000000000000}', Code.MISSING_FIELD),
    "an empty object": (b"{}", Code.MISSING_FIELD),
    "values without times": (b'{"values": [1, 2]}', Code.MISSING_FIELD),
    "values without a period": (b'{"values": [1, 2], "time": 1700000000}', Code.MISSING_FIELD),
    "a negative sequence number": (b'{"value": 1, "seq": -1}', Code.OUT_OF_RANGE),
    "a sequence number of 30 digits": (b'{"value": 1, "seq": ' + b"9" * 30 + b"}", Code.OUT_OF_RANGE),
    "a negative time": (b'{"value": 1, "time": -1}', Code.OUT_OF_RANGE),
    "nanoseconds as a float": (b'{"value": 1, "time": 1.7e18}', Code.OUT_OF_RANGE),
    "a time of 30 digits": (b'{"value": 1, "time": ' + b"9" * 30 + b"}", Code.OUT_OF_RANGE),
    "the year 9999": (b'{"value": 1, "time": "9999-12-31T23:59:59Z"}', Code.OUT_OF_RANGE),
    "the year 1": (b'{"value": 1, "time": "0001-01-01T00:00:00+23:59"}', Code.OUT_OF_RANGE),
    "a batch beyond time": (b'{"values": [1, 2], "time": 9223372036854775807, "period": 1}', Code.OUT_OF_RANGE),
    "no spread": (b'{"value": 1, "sd": 0}', Code.OUT_OF_RANGE),
    "a negative spread": (b'{"value": 1, "sd": -2}', Code.OUT_OF_RANGE),
    "a period of zero": (b'{"values": [1, 2], "time": 1, "period": 0}', Code.OUT_OF_RANGE),
    "a negative period": (b'{"values": [1, 2], "time": 1, "period": -0.008}', Code.OUT_OF_RANGE),
    "a period of 1e300 s": (b'{"values": [1, 2], "time": 1, "period": 1e300}', Code.OUT_OF_RANGE),
    "fewer times than values": (b'{"values": [1, 2], "times": [1700000000]}', Code.WRONG_SHAPE),
    "value and values": (b'{"value": 1, "values": [1], "times": [1]}', Code.WRONG_SHAPE),
    "a period for one value": (b'{"value": 1, "time": 1, "period": 1}', Code.WRONG_SHAPE),
    "no values": (b'{"values": [], "times": []}', Code.EMPTY),
    "too many values": (json.dumps({"values": [1] * 4097, "time": 1, "period": 1}).encode(), Code.TOO_LARGE),
    "too many bytes": (b'{"value": 1, "note": "' + b"x" * 65_536 + b'"}', Code.TOO_LARGE),
    "nested without end": (b'{"a":' * 10_000, Code.TOO_DEEP),
    "nested where nobody looks": (b'{"value": 1, "x": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", Code.TOO_DEEP),
    "a nest of arrays": (b"[" * 60_000, Code.WRONG_TYPE),
}


@pytest.mark.parametrize(("payload", "code"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_with_its_code_and_what_came(payload: bytes, code: Code) -> None:
    with pytest.raises(Refused) as refused:
        decode(payload)
    assert refused.value.code is code
    assert refused.value.detail


def test_limits_are_settings() -> None:
    assert decode(b'{"value": 1}', Limits(bytes=12)) == [Sample(1.0)]
    with pytest.raises(Refused, match="13 bytes; at most 12"):
        decode(b'{"value": 10}', Limits(bytes=12))
