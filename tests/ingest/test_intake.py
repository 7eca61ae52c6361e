import json
from dataclasses import replace
from functools import partial

import pytest

from twin_runtime.core import SECOND, Code, Entry, Message, Reading
from twin_runtime.errors import ConfigError
from twin_runtime.ingest.channel import Channel
from twin_runtime.ingest.decode import Sample
from twin_runtime.ingest.intake import Intake
from twin_runtime.ingest.plausibility import Plausibility
from twin_runtime.units import conversion, is_unit

NOW = 1_700_000_000_000_000_000
PASCAL = 133.322387415
ABP = Channel(
    "abp", unit="mmHg", scale=PASCAL, sd=2 * PASCAL, low=-30, high=300, convert=partial(conversion, to_unit="mmHg")
)
R_PEAK = Channel("r_peak", topic="{twin}/beats/{channel}", kind="input")
TWINS = ("patient-1", "patient-2")


def door(plausibility: Plausibility | None = None) -> Intake:
    return Intake([ABP, R_PEAK], TWINS, plausibility or Plausibility.wall())


def message(payload: object, topic: str = "patient-1/abp", arrival: int = NOW) -> Message:
    return Message(topic, payload if isinstance(payload, bytes) else json.dumps(payload).encode(), arrival)


def fate(intake: Intake, arrival: int = NOW, **fields: object) -> Code:
    """What becomes of a single sample of 80 mmHg, now, unless given otherwise."""
    [entry] = intake.read(message({"value": 80, "time": NOW} | fields, arrival=arrival))
    return entry.code


def test_a_good_message_becomes_a_reading_in_the_models_unit() -> None:
    entries = door().read(message({"value": 80, "time": NOW - SECOND, "seq": 17}))
    reading = Reading(0, 0, NOW - SECOND, 80 * PASCAL, 2 * PASCAL, 17)
    assert entries == [Entry(NOW, Code.ACCEPTED, reading)]


def test_a_value_without_a_time_is_stamped_on_arrival() -> None:
    [entry] = door().read(message(b"80"))
    assert entry.reading == Reading(0, 0, NOW, 80 * PASCAL, 2 * PASCAL)


def test_an_unstamped_value_keeps_its_sequence_number() -> None:
    [entry] = door().read(message({"value": 80, "seq": 5}))
    assert entry.reading == Reading(0, 0, NOW, 80 * PASCAL, 2 * PASCAL, 5)


class TestRepeats:
    """Without a time, the number alone tells whether a reading has come before."""

    @staticmethod
    def codes(*sent: tuple[int, float], intake: Intake | None = None) -> list[Code]:
        """What becomes of numbers and values that come one after the other."""
        intake = intake or door()
        return [fate(intake, arrival=NOW + k * SECOND, time=None, seq=seq, value=v) for k, (seq, v) in enumerate(sent)]

    def test_what_a_broker_delivers_again_counts_once(self) -> None:
        sent = [(5, 80.0), (6, 81.0), (7, 82.0)]
        assert self.codes(*sent, *sent, (8, 80.0)) == [Code.ACCEPTED] * 3 + [Code.DUPLICATE] * 3 + [Code.ACCEPTED]

    def test_after_a_restart_too(self) -> None:
        intake = door()
        intake.remember(Reading(0, 0, NOW, 80 * PASCAL, 2 * PASCAL, 5))
        assert self.codes((5, 80.0), (6, 80.0), intake=intake) == [Code.DUPLICATE, Code.ACCEPTED]

    @pytest.mark.parametrize("first", [(0, 80.0), (1, 79.0)])
    def test_a_sender_that_counts_anew_is_heard(self, first: tuple[int, float]) -> None:
        sent = [(number, 80.0) for number in range(5)]
        assert self.codes(*sent, first, *sent[first[0] + 1 :]) == [Code.ACCEPTED] * (10 - first[0])

    def test_a_number_that_never_changes_locks_nobody_out(self) -> None:
        codes = self.codes(*[(7, 80.0)] * 9)
        assert codes[:3] == [Code.ACCEPTED, Code.DUPLICATE, Code.ACCEPTED]
        assert set(codes[3:]) == {Code.ACCEPTED}

    def test_not_all_numbers_of_all_times_are_remembered(self) -> None:
        codes = self.codes(*((number, 80.0) for number in range(3000)), (1, 80.0), (2999, 80.0))
        assert codes[-2:] == [Code.ACCEPTED, Code.DUPLICATE]


def test_every_topic_leads_to_one_channel_of_one_twin() -> None:
    intake = door()
    assert intake.topics == (
        "patient-1/abp", "patient-1/beats/r_peak", "patient-2/abp", "patient-2/beats/r_peak",
    )  # fmt: skip
    assert intake.signal("patient-2/beats/r_peak") == (1, 1)
    assert intake.signal("patient-3/abp") is None
    [entry] = intake.read(message(b"1", topic="patient-2/beats/r_peak"))
    assert entry.reading == Reading(1, 1, NOW, 1.0, 0.0)


def test_two_signals_cannot_share_a_topic() -> None:
    with pytest.raises(ConfigError, match="'abp' and 'abp' share the topic 'ward/abp'"):
        Intake([Channel("abp", topic="ward/abp")], TWINS, Plausibility.wall())


def test_a_waveform_becomes_a_reading_a_sample() -> None:
    entries = door().read(message({"values": [80, 81, 82], "time": NOW - SECOND, "period": 0.008, "seq": 7}))
    readings = [entry.reading for entry in entries if entry.reading is not None]
    assert [(r.time, r.sequence) for r in readings] == [(NOW - SECOND + i * 8_000_000, 7 + i) for i in range(3)]


def test_a_sample_of_a_waveform_is_rejected_alone_and_the_payload_is_kept_once() -> None:
    bad = message({"values": [80, 900, 82, -900], "time": NOW - SECOND, "period": 0.008})
    entries = door().read(bad)
    assert [entry.code for entry in entries] == [Code.ACCEPTED, Code.OUT_OF_RANGE, Code.ACCEPTED, Code.OUT_OF_RANGE]
    assert [entry.payload for entry in entries] == [b"", bad.payload, b"", b""]
    assert "900 mmHg is not between -30 and 300" in entries[1].detail


@pytest.mark.parametrize(
    ("topic", "code"),
    [
        ("elsewhere", Code.UNKNOWN_TOPIC),
        ("patient-3/abp", Code.UNKNOWN_TOPIC),
        ("patient-1", Code.UNKNOWN_SIGNAL),
        ("patient-1/spo2", Code.UNKNOWN_SIGNAL),
        ("patient-2/beats/r_peak/extra", Code.UNKNOWN_SIGNAL),
        ("patient-1/+", Code.UNKNOWN_TOPIC),
        ("#", Code.UNKNOWN_TOPIC),
        ("$SYS/broker/uptime", Code.UNKNOWN_TOPIC),
        ("", Code.UNKNOWN_TOPIC),
        ("/" * 65_535, Code.UNKNOWN_TOPIC),
    ],
)
def test_what_comes_on_another_topic_is_rejected(topic: str, code: Code) -> None:
    [entry] = door().read(message(b"80", topic=topic))
    assert (entry.code, entry.reading, entry.payload) == (code, None, b"80")
    assert entry.topic == topic[:1024]


def test_without_the_twin_in_its_topic_a_channel_claims_nothing_else() -> None:
    [entry] = Intake([Channel("abp", topic="ward/abp")], ["only"], Plausibility.wall()).read(message(b"1", topic="/x"))
    assert entry.code is Code.UNKNOWN_TOPIC


def test_a_message_that_cannot_be_read_is_kept_with_the_reason() -> None:
    [entry] = door().read(message(b"pressure=80"))
    assert (entry.code, entry.topic, entry.payload) == (Code.NOT_JSON, "patient-1/abp", b"pressure=80")
    assert entry.arrival == NOW
    assert "malformed" in entry.detail


def test_of_a_long_payload_the_beginning_is_kept() -> None:
    [entry] = door().read(message(b"x" * 100_000))
    assert (entry.code, entry.payload) == (Code.TOO_LARGE, b"x" * 4096)
    assert "of 100000 bytes the first 4096 are kept" in entry.detail


def test_a_fault_of_this_program_costs_one_reading() -> None:
    def divided(_: str) -> tuple[float, float]:
        return 1 / 0, 0.0

    intake = Intake([Channel("abp", unit="mmHg", convert=divided)], TWINS, Plausibility.wall())
    [entry] = intake.read(message({"value": 80, "time": NOW, "unit": "kPa"}))
    assert (entry.code, entry.reading) == (Code.FAULT, None)
    assert "ZeroDivisionError" in entry.detail
    [entry] = intake.read(message({"value": 80, "time": NOW}))
    assert entry.code is Code.ACCEPTED


def test_text_that_is_no_unicode_can_still_be_written_down() -> None:
    [entry] = door().read(message(b"1", topic="patient-9/\udcff"))
    assert entry.topic == "patient-9/\\udcff"


@pytest.mark.parametrize("value", [-30.1, 300.1, 1e308, -1e308])
def test_a_value_that_cannot_be_is_out_of_range(value: float) -> None:
    assert fate(door(), value=value) is Code.OUT_OF_RANGE


def test_bounds_themselves_are_possible() -> None:
    assert fate(door(), value=-30) is fate(door(), value=300) is Code.ACCEPTED


def test_a_value_that_could_not_be_calculated_with_is_out_of_range_for_any_channel() -> None:
    [entry] = door().read(message(b"1e300", topic="patient-1/beats/r_peak"))
    assert entry.code is Code.OUT_OF_RANGE


class TestUnits:
    def test_naming_the_units_own_name_changes_nothing(self) -> None:
        [entry] = door().read(message({"value": 80, "unit": "mmHg", "sd": 1}))
        assert entry.reading == Reading(0, 0, NOW, 80 * PASCAL, PASCAL)

    def test_another_unit_of_the_same_kind_is_converted(self) -> None:
        [entry] = door().read(message({"value": 10, "unit": "kPa", "sd": 0.1}))
        assert entry.reading is not None
        assert entry.reading.value == pytest.approx(10_000)
        assert entry.reading.sd == pytest.approx(100)

    def test_the_range_holds_in_the_channels_unit(self) -> None:
        assert fate(door(), value=100, unit="kPa") is Code.OUT_OF_RANGE

    @pytest.mark.parametrize("unit", ["degC", "flurbs", "", "9**9**9**9", "mmHg; drop", "(", "m**2**9", "\u0000"])
    def test_a_unit_of_another_kind_or_none_at_all_is_wrong(self, unit: str) -> None:
        [entry] = door().read(message({"value": 80, "unit": unit}))
        assert entry.code is Code.WRONG_UNIT
        assert "'mmHg' is expected" in entry.detail

    def test_a_channel_without_a_conversion_takes_its_own_unit_only(self) -> None:
        [entry] = door().read(message({"value": 1, "unit": "s"}, topic="patient-1/beats/r_peak"))
        assert entry.code is Code.WRONG_UNIT

    def test_units_made_up_without_end_are_not_looked_up_without_end(self) -> None:
        asked: list[str] = []

        def convert(unit: str) -> tuple[float, float]:
            asked.append(unit)
            return 1.0, 0.0

        intake = Intake([Channel("abp", convert=convert)], TWINS, Plausibility.wall())
        codes = [fate(intake, unit=f"unit{i}") for i in range(1000)]
        assert codes.count(Code.ACCEPTED) == len(asked) == 256
        assert codes[-1] is Code.WRONG_UNIT

    @pytest.mark.parametrize("unit", ["dB", "delta_degC", "dBm", "degC*m", "Qm^9", "rpm", "°"])
    def test_a_unit_that_cannot_be_converted_is_wrong_and_the_stream_goes_on(self, unit: str) -> None:
        convert = partial(conversion, to_unit="degC")
        intake = Intake([Channel("abp", unit="degC", convert=convert)], TWINS, Plausibility.wall())
        assert fate(intake, unit=unit) is Code.WRONG_UNIT
        assert fate(intake, unit="degC") is Code.ACCEPTED

    def test_products_and_powers_of_names_are_units(self) -> None:
        assert all(map(is_unit, ("1", "%", "mmHg*s/mL", "W/(m^2*K)", "kg m**-3", "1/s", "°C", "m²", "cmH2O", "Ω")))


class TestSpread:
    def test_the_sender_may_know_it_better(self) -> None:
        assert door().read(message({"value": 80, "sd": 1}))[0].reading == Reading(0, 0, NOW, 80 * PASCAL, PASCAL)

    @pytest.mark.parametrize("sd", [0, -1, 1e-200, 1e200])
    def test_but_not_know_it_for_certain_nor_not_at_all(self, sd: float) -> None:
        assert fate(door(), sd=sd) is Code.OUT_OF_RANGE

    def test_an_input_has_none(self) -> None:
        [entry] = door().read(message({"value": 1, "sd": 1}, topic="patient-1/beats/r_peak"))
        assert entry.reading == Reading(0, 1, NOW, 1.0, 0.0)


class TestWallClock:
    def test_the_clock_of_a_sender_may_be_a_little_ahead(self) -> None:
        assert fate(door(), time=NOW + 5 * SECOND) is Code.ACCEPTED
        assert fate(door(), time=NOW + 5 * SECOND + 1) is Code.FUTURE

    def test_what_is_older_than_a_day_is_past(self) -> None:
        assert fate(door(), time=NOW - 86_400 * SECOND) is Code.ACCEPTED
        assert fate(door(), time=NOW - 86_400 * SECOND - 1) is Code.PAST

    def test_the_detail_says_by_how_much(self) -> None:
        [entry] = door().read(message({"value": 80, "time": NOW + 3600 * SECOND}))
        assert "is 1 h after 2023-11-14T22:13:20.000Z" in entry.detail


class TestStreamClock:
    def test_the_first_reading_sets_the_clock_however_old_it_is(self) -> None:
        assert fate(door(Plausibility.stream()), time=1_000_000_000) is Code.ACCEPTED

    def test_from_then_on_time_may_jump_by_an_hour(self) -> None:
        intake = door(Plausibility.stream())
        fate(intake, time=1_000_000_000)
        assert fate(intake, time=1_000_003_601) is Code.FUTURE
        assert fate(intake, time=1_000_003_600) is Code.ACCEPTED
        assert fate(intake, time=1_000_007_200) is Code.ACCEPTED

    def test_the_past_has_no_end_unless_one_is_set(self) -> None:
        free, bounded = door(Plausibility.stream()), door(Plausibility.stream(oldest=60 * SECOND))
        assert [fate(free, time=t) for t in (1_000_000_000, 5)] == [Code.ACCEPTED, Code.ACCEPTED]
        assert [fate(bounded, time=t) for t in (1_000_000_000, 5)] == [Code.ACCEPTED, Code.PAST]

    def test_a_value_stamped_on_arrival_does_not_tear_a_recording_into_the_present(self) -> None:
        intake = door(Plausibility.stream())
        fate(intake, time=1_000_000_000)
        assert fate(intake, time=None) is Code.FUTURE

    def test_after_a_restart_the_clock_is_set_by_what_was_accepted(self) -> None:
        intake = door(Plausibility.stream())
        intake.remember(Reading(0, 0, 1_000_000_000 * SECOND, 80.0, 2.0, 17))
        assert fate(intake, time=NOW) is Code.FUTURE


class TestLockOutsEnd:
    """Refusals that agree with each other move what the next readings are judged by."""

    def test_after_an_hour_of_silence_the_stream_goes_on_at_once(self) -> None:
        intake = door(Plausibility.stream())
        first = NOW - 4000 * SECOND
        assert fate(intake, time=first, arrival=first) is Code.ACCEPTED
        assert fate(intake, time=NOW, arrival=NOW) is Code.ACCEPTED

    @pytest.mark.parametrize("first", [0, NOW - 75_600 * SECOND], ids=["1970", "a retained message 21 h old"])
    def test_a_first_stamp_of_long_ago_locks_nobody_out(self, first: int) -> None:
        intake = door(Plausibility.stream())
        fate(intake, time=first, arrival=NOW)
        codes = [fate(intake, time=NOW + k, arrival=NOW + k) for k in range(1, 5)]
        assert codes == [Code.FUTURE, Code.FUTURE, Code.ACCEPTED, Code.ACCEPTED]

    def test_a_sensor_whose_clock_is_fast_is_accepted_once_that_is_clear(self) -> None:
        intake = door()
        codes = [fate(intake, time=NOW + k + 6 * SECOND, arrival=NOW + k) for k in range(5)]
        assert codes == [Code.FUTURE, Code.FUTURE, Code.ACCEPTED, Code.ACCEPTED, Code.ACCEPTED]

    def test_a_foreign_message_ahead_costs_a_sensor_two_readings(self) -> None:
        intake = door()
        fate(intake, seq=1)
        fate(intake, seq=2, time=NOW + 4_900_000_000)
        codes = [fate(intake, seq=3 + k, time=NOW + k * 8_000_000, arrival=NOW + k) for k in range(1, 5)]
        assert codes == [Code.CLOCK_BACKWARDS, Code.CLOCK_BACKWARDS, Code.ACCEPTED, Code.ACCEPTED]

    def test_a_waveform_far_ahead_is_one_message(self) -> None:
        intake = door()
        times = [NOW + 3600 * SECOND + k for k in range(100)]
        entries = intake.read(message({"values": [80.0] * 100, "times": times}))
        assert {entry.code for entry in entries} == {Code.FUTURE}

    def test_a_clock_of_this_machine_that_is_days_ahead_locks_nobody_out(self) -> None:
        intake, days = door(), 2 * 86_400 * SECOND
        codes = [fate(intake, time=NOW + k, arrival=NOW + days + k) for k in range(5)]
        assert codes == [Code.PAST, Code.PAST, Code.ACCEPTED, Code.ACCEPTED, Code.ACCEPTED]
        assert fate(intake, time=NOW - 5 * days, arrival=NOW + days + 6) is Code.PAST

    def test_one_time_far_ahead_does_not_make_the_rest_of_a_stream_past(self) -> None:
        intake = door(Plausibility.stream(oldest=60 * SECOND))
        fate(intake, time=NOW)
        codes = [fate(intake, time=NOW - (3600 - k) * SECOND, arrival=NOW + k) for k in range(4)]
        assert codes == [Code.PAST, Code.PAST, Code.ACCEPTED, Code.ACCEPTED]

    @pytest.mark.parametrize("clock", ["wall", "stream"])
    def test_old_ones_between_others_do_not_agree_in_a_row(self, clock: str) -> None:
        intake = door(Plausibility("wall" if clock == "wall" else "stream", 5 * SECOND, 60 * SECOND))
        codes = [
            fate(intake, time=NOW + k * SECOND - old, arrival=NOW + k * SECOND)
            for k, old in enumerate([0, 70 * SECOND] * 6)
        ]
        assert codes == [Code.ACCEPTED, Code.PAST] * 6


class TestChannelsOfTheirOwn:
    """A channel may declare which times are plausible for it."""

    INTAKE = ABP, replace(R_PEAK, future=60 * SECOND, oldest=SECOND)

    @pytest.mark.parametrize(
        ("seconds", "pressure", "peak"),
        [
            (6, Code.FUTURE, Code.ACCEPTED),
            (61, Code.FUTURE, Code.FUTURE),
            (-1, Code.ACCEPTED, Code.ACCEPTED),
            (-2, Code.ACCEPTED, Code.PAST),
        ],
    )
    @pytest.mark.parametrize("clock", ["wall", "stream"])
    def test_what_is_declared_for_a_channel_holds_for_it_alone(
        self, seconds: int, pressure: Code, peak: Code, clock: str
    ) -> None:
        """By the wall clock, and with the same bounds by that of the stream."""
        bounds = Plausibility.wall() if clock == "wall" else Plausibility.stream(5 * SECOND, 86_400 * SECOND)
        for topic, expected in (("patient-1/abp", pressure), ("patient-1/beats/r_peak", peak)):
            intake = Intake(self.INTAKE, TWINS, bounds)
            intake.read(message({"value": 1, "time": NOW}, topic="patient-2/abp"))
            [entry] = intake.read(message({"value": 1, "time": NOW + seconds * SECOND}, topic=topic))
            assert entry.code is expected


class TestClockBackwards:
    def test_a_clock_that_falls_while_the_numbers_grow_is_wrong(self) -> None:
        intake = door()
        assert fate(intake, seq=1) is Code.ACCEPTED
        assert fate(intake, seq=2, time=NOW - 1) is Code.CLOCK_BACKWARDS
        assert fate(intake, seq=3, time=NOW + 1) is Code.ACCEPTED

    def test_from_the_first_number_on(self) -> None:
        intake = door()
        assert [fate(intake, seq=0), fate(intake, seq=1, time=NOW - 1)] == [Code.ACCEPTED, Code.CLOCK_BACKWARDS]

    def test_a_clock_that_stands_still_is_merely_coarse(self) -> None:
        intake = door()
        assert [fate(intake, seq=seq) for seq in (1, 2, 3)] == [Code.ACCEPTED] * 3

    def test_a_number_that_does_not_grow_says_nothing_of_the_clock(self) -> None:
        intake = door()
        assert [fate(intake, seq=5), fate(intake, seq=5, time=NOW - 1)] == [Code.ACCEPTED] * 2

    def test_a_reading_that_is_merely_late_is_welcome(self) -> None:
        intake = door()
        codes = [fate(intake, seq=seq, time=NOW + seq) for seq in (3, 1, 2, 4)]
        assert codes == [Code.ACCEPTED] * 4

    def test_a_sender_that_starts_again_counts_from_zero(self) -> None:
        intake = door()
        assert [fate(intake, seq=1000), fate(intake, seq=0, time=NOW + 1)] == [Code.ACCEPTED] * 2

    def test_what_comes_twice_is_for_the_timeline_to_tell(self) -> None:
        intake = door()
        assert [fate(intake, seq=1), fate(intake, seq=1)] == [Code.ACCEPTED] * 2

    def test_every_signal_has_a_clock_of_its_own(self) -> None:
        intake = door()
        fate(intake, seq=1)
        [entry] = intake.read(message({"value": 80, "time": NOW - SECOND, "seq": 2}, topic="patient-2/abp"))
        assert entry.code is Code.ACCEPTED

    def test_a_rejected_reading_sets_no_clock(self) -> None:
        intake = door()
        assert fate(intake, seq=5, value=900) is Code.OUT_OF_RANGE
        assert fate(intake, seq=6, time=NOW - SECOND) is Code.ACCEPTED

    def test_the_last_reading_is_remembered_across_a_restart(self) -> None:
        intake = door()
        intake.remember(Reading(0, 0, NOW, 80.0, 2.0, 17))
        assert fate(intake, seq=18, time=NOW - SECOND) is Code.CLOCK_BACKWARDS


def test_a_recording_enters_by_the_same_door() -> None:
    entry = door().admit(1, 0, Sample(80.0, NOW, 3), message(b"80", topic="patient-2/abp"))
    assert entry == Entry(NOW, Code.ACCEPTED, Reading(1, 0, NOW, 80 * PASCAL, 2 * PASCAL, 3))
    assert door().admit(1, 0, Sample(900.0, NOW), message(b"900")).code is Code.OUT_OF_RANGE


def test_a_retained_message_without_a_time_is_refused_unless_its_value_holds() -> None:
    """The broker sends it again at every subscription: stamped on arrival, it would count again each time."""
    kept = Channel("set_point", kind="input", holds=True)
    intake = Intake([R_PEAK, kept], ["one"], Plausibility.wall())
    beat, setting = Message("one/beats/r_peak", b"1", NOW, None, True), Message("one/set_point", b"1", NOW, None, True)
    assert [entry.code for entry in intake.read(beat)] == [Code.MISSING_FIELD]
    assert "retained message without `time`" in intake.read(beat)[0].detail
    assert [entry.code for entry in intake.read(setting)] == [Code.ACCEPTED]
    dated = beat._replace(payload=json.dumps({"value": 1, "time": NOW}).encode())
    assert [entry.code for entry in intake.read(dated)] == [Code.ACCEPTED]


def test_an_event_has_no_value_but_one() -> None:
    intake = Intake([Channel("r_peak", kind="input", low=1.0, high=1.0)], ["one"], Plausibility.wall())
    assert intake.read(message(b"1", "one/r_peak"))[0].code is Code.ACCEPTED
    refused = intake.read(message(b"0", "one/r_peak"))[0]
    assert (refused.code, refused.detail) == (
        Code.OUT_OF_RANGE,
        "an event has a time and no value: expected 1 1, got 0",
    )
