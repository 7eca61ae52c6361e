"""What leaves an asset: nothing unaccounted for, the same by seed, in order."""

import heapq
import json
from operator import attrgetter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin_runtime.core import SECOND, Recording
from twin_runtime.errors import ConfigError
from twin_simulators.faults import Delay, Dropout, Duplicates, Fault, Jitter, Loss, Noise, Outage, Spikes, Stuck
from twin_simulators.patient import Patient
from twin_simulators.transmission import Transmission, transmit

EPOCH = 1_700_000_000 * SECOND
RUN = Patient().simulate(10, seed=1)
ROUGH = (
    Noise(channel="abp", sd=2),
    Spikes(channel="abp", share=0.002, size=60),
    Stuck(channel="abp", start="3 s", length="0.5 s"),
    Dropout(start="6 s", length="1 s"),
    Jitter(sd="1 ms"),
    Delay(mean="30 ms"),
    Loss(share=0.05),
    Duplicates(share=0.05, after="100 ms"),
    Outage(start="8 s", length="1 s"),
)


def rough(seed: int = 1, twin: str = "patient-1") -> Transmission:
    return transmit(RUN, ROUGH, twin=twin, seed=seed)


def any_faults() -> st.SearchStrategy[list[Fault]]:
    share, seconds = st.floats(0, 1), st.floats(0, 12).map(lambda value: f"{value:.3f} s")
    return st.lists(
        st.one_of(
            st.builds(Loss, share=share),
            st.builds(Duplicates, share=share, after=seconds),
            st.builds(Dropout, start=seconds, length=seconds, every=seconds),
            st.builds(Outage, start=seconds, length=seconds),
            st.builds(Stuck, start=seconds, length=seconds, every=seconds),
            st.builds(Delay, mean=seconds, share=share),
        ),
        max_size=5,
    )


def test_a_perfect_world_sends_every_sample_at_once() -> None:
    sent = transmit(RUN, twin="patient-1", seed=1)
    assert len(sent) == sum(len(signal) for signal in RUN.signals)
    assert list(sent.packets.send) == sorted(sent.packets.measured)


@settings(max_examples=40, deadline=None)
@given(faults=any_faults(), seed=st.integers(0, 2**32))
def test_the_ledger_adds_up_whatever_happens(faults: list[Fault], seed: int) -> None:
    sent = transmit(RUN, faults, twin="patient-1", seed=seed)
    assert all(ledger.is_balanced for ledger in sent.ledgers.values())
    assert sum(ledger.published for ledger in sent.ledgers.values()) == len(sent)
    assert sum(1 for _ in sent.messages(EPOCH)) == len(sent)


def test_the_same_seed_has_the_same_faults_and_another_seed_others() -> None:
    assert list(rough(1).messages(EPOCH)) == list(rough(1).messages(EPOCH))
    assert list(rough(1).messages(EPOCH)) != list(rough(2).messages(EPOCH))


def test_a_fault_of_one_channel_leaves_the_others_as_they_were() -> None:
    noise, loss = Noise(channel="abp", sd=2), Loss(share=0.1)
    quiet = transmit(RUN, [Noise(channel="abp", sd=0), loss], twin="patient-1", seed=1)
    noisy = transmit(RUN, [noise, loss], twin="patient-1", seed=1)
    assert quiet.ledgers["r_peak"] == noisy.ledgers["r_peak"]
    flow = [[row for row in sent.messages(EPOCH) if row.topic.endswith("flow")] for sent in (quiet, noisy)]
    assert flow[0] == flow[1]


def test_messages_come_in_the_order_of_arrival_with_the_time_of_the_event() -> None:
    messages = list(rough().messages(EPOCH))
    arrivals = [message.arrival for message in messages]
    assert arrivals == sorted(arrivals)
    first = next(message for message in messages if message.topic == "patient-1/abp")
    body = json.loads(first.payload)
    assert set(body) == {"value", "time", "seq", "unit"}
    assert body["unit"] == "mmHg"
    assert 0 <= first.arrival - body["time"] < SECOND


def test_messages_go_to_the_topics_of_the_receiver() -> None:
    sent = transmit(RUN, twin="patient-1", seed=1, channels=["abp"])
    assert {message.topic for message in sent.messages(EPOCH, {"abp": "ward/3/art"})} == {"ward/3/art"}


def test_a_fleet_is_the_merge_of_its_assets() -> None:
    fleet = [rough(seed, twin=f"patient-{seed}") for seed in (1, 2, 3)]
    merged = list(heapq.merge(*(sent.messages(EPOCH) for sent in fleet), key=attrgetter("arrival")))
    assert len(merged) == sum(map(len, fleet))
    assert [message.arrival for message in merged] == sorted(message.arrival for message in merged)


def test_a_transmission_is_a_recording_in_the_order_of_events() -> None:
    sent = rough()
    recording: Recording = sent.as_recording(EPOCH)
    readings = list(recording.readings())
    assert len(readings) == len(recording) == len(sent)
    assert readings == sorted(readings, key=lambda reading: (reading.time, reading.twin, reading.channel))
    assert (recording.start, recording.end) == (readings[0].time, readings[-1].time)
    assert set(recording.channels) == {"abp", "r_peak", "flow"}


def test_the_recording_holds_what_the_messages_say() -> None:
    sent = rough()
    spoken = [(m.topic, body["time"], body["value"]) for m in sent.messages(EPOCH) if (body := json.loads(m.payload))]
    kept = [(f"{r.twin}/{r.channel}", r.time, r.value) for r in sent.as_recording(EPOCH).readings()]
    assert sorted(spoken) == sorted(kept)


@pytest.mark.parametrize(
    ("faults", "channels", "message"),
    [
        ([Loss(channel="abpp", share=0.1)], None, "did you mean abp"),
        ([], ["pulse"], "use one of: abp, flow, r_peak"),
        ([], [], "it has abp, r_peak, flow"),
    ],
)
def test_a_channel_that_does_not_exist_is_named(faults: list[Fault], channels: list[str] | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        transmit(RUN, faults, twin="patient-1", seed=1, channels=channels)
