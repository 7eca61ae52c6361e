"""``twin play``: a recording over a real broker, each reading once, in order, stamped as recorded."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.adapters.commands.conftest import TWIN, Listener
from tests.conftest import REPOSITORY
from tests.servers import Server, free_port
from twin_adapters.commands import play
from twin_adapters.recordings import load
from twin_runtime.core import RawReading
from twin_runtime.errors import ConfigError, ConnectionFailed, RecordingError
from twin_runtime.ingest.decode import decode

MAPPING = """
[recording]
epoch = 2020-01-01T00:00:00Z
[[streams]]
twin = "patient-1"
channel = "abp"
file = "abp.parquet"
value = "abp"
unit = "kPa"
[[streams]]
twin = "patient-2"
channel = "r_peak"
file = "r_peak.parquet"
constant = 1.0
unit = "1"
"""


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    """Two seconds of pressure at 125 Hz for one patient, three beats of another."""
    times = np.arange(250) * 0.008 + 1e-9 / 3
    pq.write_table(pa.table({"time": times, "abp": 12 + np.sin(times)}), tmp_path / "abp.parquet")
    pq.write_table(pa.table({"time": [0.1, 0.9, 1.7]}), tmp_path / "r_peak.parquet")
    path = tmp_path / "ward.recording.toml"
    path.write_text(MAPPING)
    return path


def received_readings(received: list[tuple[str, bytes]]) -> Iterator[tuple[RawReading, str | None]]:
    for topic, payload in received:
        _, twin, channel = topic.split("/")
        for sample in decode(payload):
            assert sample.time is not None
            assert sample.sequence is not None
            yield RawReading(twin, channel, sample.time, sample.value, sample.sequence), sample.unit


@pytest.mark.parametrize("batch", [None, 200_000_000])
async def test_every_reading_arrives_once_stamped_as_recorded(
    broker: Server, config: Path, mapping: Path, batch: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = list(load(mapping).readings())
    messages = 253 if batch is None else 10 + 3
    async with Listener(broker) as listener:
        await asyncio.to_thread(play, mapping, config, speed=0, batch=batch)
        received = list(received_readings(await listener.wait_for(messages)))
    assert len(listener.received) == messages
    assert capsys.readouterr().out == f"published 253 readings in {messages} messages\n"
    played = [reading for reading, _ in received]
    assert sorted(played, key=lambda r: (r.time, r.channel)) == sorted(recorded, key=lambda r: (r.time, r.channel))
    if batch is None:
        assert played == recorded
    for channel in ("abp", "r_peak"):
        times = [reading.time for reading in played if reading.channel == channel]
        assert times == sorted(times)
    assert {(reading.channel, unit) for reading, unit in received} == {("abp", "kPa"), ("r_peak", "1")}


async def test_a_section_is_played_at_its_own_pace_or_faster(
    broker: Server, config: Path, mapping: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin, length = 500_000_000, 1_000_000_000
    async with Listener(broker) as listener:
        start = time.monotonic()
        await asyncio.to_thread(play, mapping, config, speed=2.0, begin=begin, length=length)
        lasted = time.monotonic() - start
        received = [reading for reading, _ in received_readings(await listener.wait_for(126))]
    assert 0.49 <= lasted < 5
    whole = load(mapping)
    assert received == list(whole.between(whole.start + begin, whole.start + begin + length).readings())
    assert "behind schedule" in capsys.readouterr().out


async def test_a_real_patient_at_twenty_times_the_pace(
    broker: Server, tmp_path: Path, recording: Callable[[str], Path]
) -> None:
    config = tmp_path / "artery.toml"
    example = (REPOSITORY / "deploy" / "examples" / "artery.toml").read_text()
    config.write_text(example.replace("127.0.0.1:1883", f"127.0.0.1:{broker.port}"))
    mapping, data = REPOSITORY / "deploy/examples/surgery-patient.recording.toml", recording("surgery-patient")
    async with Listener(broker) as listener:
        command = (TWIN, "play", mapping, "--config", config, "--data", data, "--speed", "20", "--for", "20 s")
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        assert process.returncode == 0
        whole = load(mapping, data)
        expected = list(whole.between(whole.start, whole.start + 20_000_000_000).readings())
        assert output.decode().startswith(f"published {len(expected)} readings in {len(expected)} messages, confirmed")
        received = await listener.wait_for(len(expected))
    samples = [(topic.split("/")[1], sample) for topic, payload in received for sample in decode(payload)]
    assert [(channel, s.time, s.value) for channel, s in samples] == [(r.channel, r.time, r.value) for r in expected]


def test_a_channel_or_twin_that_the_configuration_lacks_is_reported_before_anything_is_sent(
    config: Path, mapping: Path
) -> None:
    mapping.write_text(MAPPING.replace('"r_peak"', '"r_peek"'))
    with pytest.raises(ConfigError, match=r"ward.toml: there is no channel 'r_peek' .*; remedy: did you mean r_peak\?"):
        play(mapping, config)
    mapping.write_text(MAPPING.replace('"patient-2"', '"patient-3"'))
    with pytest.raises(
        ConfigError, match=r"there is no twin 'patient-3' of the recording 'ward'; remedy: did you mean"
    ):
        play(mapping, config)
    mapping.write_text(MAPPING.replace('twin = "patient-2"', ""))
    with pytest.raises(ConfigError, match=r"there is no twin '' .*; remedy: use one of: patient-1, patient-2"):
        play(mapping, config)


def test_a_wrong_or_absent_broker_is_reported(config: Path, mapping: Path) -> None:
    with pytest.raises(ConfigError, match=r"--broker: expected mqtt://HOST:PORT .*, got 'localhost'"):
        play(mapping, config, broker="localhost")
    with pytest.raises(ConnectionFailed, match="nothing listens there"):
        play(mapping, config, broker=f"mqtt://127.0.0.1:{free_port()}")


def test_a_file_in_place_of_its_mapping_is_reported(config: Path, mapping: Path) -> None:
    with pytest.raises(RecordingError, match=r"expected the mapping of a recording.*file = \"abp.parquet\""):
        play(mapping.with_name("abp.parquet"), config)
