"""What a notification becomes."""

from datetime import UTC, datetime

import pytest
from asyncua import ua

from twin_adapters.opcua import OpcuaSettings
from twin_adapters.opcua.monitored import monitored
from twin_adapters.opcua.node_ids import fault
from twin_adapters.opcua.values import has_overflowed, notified
from twin_runtime.core import Code
from twin_runtime.ingest.decode import Refused, decode

THEN = datetime(2026, 1, 5, 10, 0, 0, 123_456, tzinfo=UTC)
TIME = 1_767_607_200_123_456_000


def data(
    value: object, status: int = 0, source: datetime | None = THEN, server: datetime | None = None
) -> ua.DataValue:
    variant = value if isinstance(value, ua.Variant) else ua.Variant(value)
    return ua.DataValue(variant, ua.StatusCode(ua.UInt32(status)), source, server)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (21.4, 21.4),
        (True, 1.0),
        (-3, -3.0),
        (ua.Variant(2**64 - 1, ua.VariantType.UInt64), 2.0**64),
        (ua.Variant(1.5, ua.VariantType.Float), 1.5),
    ],
)
def test_numbers_of_every_type_are_readings_of_their_source_time(value: object, number: float) -> None:
    (sample,) = decode(notified("t", data(value), 0, "source").message.payload)
    assert (sample.value, sample.time) == (number, TIME)


def test_good_has_kinds() -> None:
    clamped = notified("t", data(1.0, int(ua.StatusCodes.GoodClamped)), 0, "source").message
    assert clamped.refusal is None


REFUSED = {
    "a sensor that has failed": (data(1.0, int(ua.StatusCodes.BadSensorFailure)), Code.BAD_QUALITY, "BadSensorFailure"),
    "an uncertain one": (data(1.0, int(ua.StatusCodes.UncertainLastUsableValue)), Code.BAD_QUALITY, "UncertainLast"),
    "a status nobody knows": (data(1.0, 0xC123_0000), Code.BAD_QUALITY, "0xC1230000"),
    "words": (data("warm"), Code.WRONG_TYPE, "got str"),
    "a time": (data(THEN), Code.WRONG_TYPE, "got datetime"),
    "a list": (data([1.0, 2.0]), Code.WRONG_SHAPE, "an array of 2"),
    "nothing": (data(ua.Variant()), Code.NO_VALUE, "null"),
    "no time": (data(1.0, 0, None), Code.MISSING_FIELD, "no source timestamp"),
    "the server's time only": (data(1.0, 0, None, THEN), Code.MISSING_FIELD, 'set time = "server"'),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_reading_is_refused_and_kept(case: str) -> None:
    value, code, reason = REFUSED[case]
    message = notified("t", value, 0, "source").message
    assert message.refusal is not None
    assert message.refusal[0] is code
    assert reason in message.refusal[1]
    assert message.payload.startswith(b"{")


def test_a_number_that_is_none_is_refused_by_intake() -> None:
    with pytest.raises(Refused) as refused:
        decode(notified("t", data(float("nan")), 0, "source").message.payload)
    assert refused.value.code is Code.NOT_FINITE


def test_the_time_may_be_that_of_the_server() -> None:
    later = data(1.0, 0, None, THEN)
    assert decode(notified("t", later, 0, "server").message.payload)[0].time == TIME


def test_a_queue_that_has_overflowed_shows() -> None:
    assert has_overflowed(data(1.0, 0x480))
    assert not has_overflowed(data(1.0))


def test_a_node_is_sampled_as_declared() -> None:
    declared = {"server": "opc.tcp://h", "sampling": "20 ms", "queue": 7, "trigger": "time"}
    asked = monitored(ua.NodeId.from_string("ns=2;i=1"), 3, OpcuaSettings.model_validate(declared))
    how = asked.RequestedParameters
    assert (how.ClientHandle, how.SamplingInterval, how.QueueSize, how.DiscardOldest) == (3, 20.0, 7, True)
    assert how.Filter.Trigger is ua.DataChangeTrigger.StatusValueTimestamp
    default = monitored(ua.NodeId.from_string("ns=2;i=1"), 3, OpcuaSettings(server="opc.tcp://h"))
    assert default.RequestedParameters.SamplingInterval == -1.0, "as it is published"


@pytest.mark.parametrize(
    "address", ["ns=2;s=Boiler", "i=2258", "nsu=http://a.b/c;s=x;y=z", "ns=3;g=09087e75-8e5e-499b-954f-f2a9603db28a"]
)
def test_ids_of_nodes(address: str) -> None:
    assert fault(address) == ""


@pytest.mark.parametrize("address", ["Boiler", "ns=x;i=1", "ns=2;i=Boiler", "nsu=http://a.b/c", "ns=2", ""])
def test_what_is_no_id_of_a_node_is_refused(address: str) -> None:
    assert "expected the id of a node" in fault(address)
