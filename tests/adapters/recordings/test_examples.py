"""The mappings under deploy/examples read each recording right: how much there is, in which unit, first and last."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import REPOSITORY
from twin_adapters.recordings import MergedStreams, load
from twin_runtime.core import SECOND

EXAMPLES = REPOSITORY / "deploy" / "examples"
Find = Callable[[str], Path]

Expected = dict[tuple[str, str], tuple[int, str, float, float]]

RECORDINGS: dict[str, tuple[str, str, str, Expected]] = {
    "battery": (
        "battery",
        "2020-01-01T00:00:00",
        "2020-01-02T06:03:31.109258993",
        {
            ("", "current"): (81661, "A", 0.0, 0.0),
            ("", "voltage"): (81661, "V", 3.6195562, 4.1606278),
            ("", "charge"): (81661, "A*h", 4.732070257063334, 7.798826909957139),
            ("", "temperature"): (81661, "degC", 24.219759, 24.605957),
        },
    ),
    "borehole": (
        "borehole",
        "2020-01-01T00:00:00",
        "2020-01-03T03:46:00",
        {
            ("", "inlet"): (2832, "degC", 22.21111111, 39.32222222),
            ("", "outlet"): (2832, "degC", 21.97777778, 38.07222222),
            ("", "heat"): (2832, "1", 0.0, 0.995645006),
        },
    ),
    "cerebral": (
        "cerebral",
        "2020-01-01T00:00:00",
        "2020-01-01T00:20:36.028500000",
        {
            ("patient", "abp"): (336029, "mmHg", 63.0, 74.0),
            ("patient", "mcav"): (336029, "cm/s", 32.4, 33.9),
            ("patient", "heart_rate"): (336029, "1/min", 117.9664, 117.5084),
            ("patient", "artefact"): (176, "1", 1.0, 0.0),
            ("subject-1", "abp"): (3072, "mmHg", 73.6857986, 71.3752975),
            ("subject-1", "mcav_left"): (3072, "cm/s", 62.7307014, 65.6902008),
            ("subject-1", "mcav_right"): (3072, "cm/s", 63.0133019, 62.5041046),
            ("subject-1", "etco2"): (3072, "kPa", 5.2874999, 5.3754001),
            ("subject-2", "abp"): (3000, "mmHg", 90.4446030, 93.4468002),
            ("subject-2", "mcav_left"): (3000, "cm/s", 71.4964981, 75.9941025),
            ("subject-2", "mcav_right"): (3000, "cm/s", 76.6074982, 83.5589981),
            ("subject-2", "etco2"): (3000, "kPa", 4.7990999, 4.7358999),
        },
    ),
    "heat-pump": (
        "heat-pump",
        "2020-01-01T00:00:00",
        "2020-01-01T03:59:25",
        {
            ("", "water_return"): (14366, "K", 297.85000076293943, 300.54999961853025),
            ("", "water_supply"): (14366, "K", 300.85000076293943, 302.65),
            ("", "power"): (14366, "W", -5.440000057220459, -5.440000057220459),
            ("", "ambient"): (14366, "K", 294.04999961853025, 272.15),
            ("", "brine_out"): (14366, "K", 288.45000019073484, 294.2500003814697),
            ("", "brine_in"): (14366, "K", 288.7500003814697, 294.45000114440916),
            ("", "compressor"): (14366, "1", 0.0, 0.0),
            ("", "brine_pump"): (14366, "1", 0.0, 0.0),
            ("", "water_pump"): (14366, "1", 0.0, 0.0),
        },
    ),
    "ice-tank-charging": (
        "ice-tank",
        "2020-01-01T00:00:00",
        "2020-01-01T16:46:10",
        {
            ("", "inlet"): (6038, "degC", 17.333333333333336, -5.444444444444445),
            ("", "outlet"): (6038, "degC", 21.666666666666668, -2.2222222222222223),
            ("", "flow"): (6038, "kg/s", 1.5267511111111112, 1.545677777777778),
            ("", "charge"): (6038, "1", 0.0259, 0.971),
        },
    ),
    "ice-tank-discharging": (
        "ice-tank",
        "2020-01-01T00:00:00",
        "2020-01-01T05:33:10",
        {
            ("", "inlet"): (2000, "degC", 12.611111111111112, 12.444444444444443),
            ("", "outlet"): (2000, "degC", 0.16666666666666508, 4.555555555555557),
            ("", "flow"): (2000, "kg/s", 0.876505153, 0.8251072140000001),
            ("", "charge"): (2000, "1", 0.909960304, 0.179683899),
        },
    ),
    "ivgtt": (
        "ivgtt",
        "2020-01-01T00:00:00",
        "2020-01-01T03:02:00",
        {("", "glucose"): (24, "mg/dL", 92.0, 90.0), ("", "insulin"): (24, "uU/mL", 11.0, 7.0)},
    ),
    "remifentanil": (
        "remifentanil",
        "2020-01-01T00:00:00",
        "2020-01-01T03:50:03",
        {
            ("1", "rate"): (49, "ug/min", 71.99, 0.0),
            ("1", "concentration"): (47, "ng/mL", 9.51, 0.12),
            ("2", "rate"): (46, "ug/min", 62.99, 0.0),
            ("2", "concentration"): (44, "ng/mL", 11.1, 0.11),
        },
    ),
    "tanks-estimation": (
        "tanks",
        "2020-01-01T00:00:00",
        "2020-01-01T01:08:12",
        {("", "pump"): (1024, "V", 3.2567, 3.2615), ("", "level"): (1024, "V", 5.205, 3.6831)},
    ),
    "tanks-validation": (
        "tanks",
        "2020-01-01T00:00:00",
        "2020-01-01T01:08:12",
        {("", "pump"): (1024, "V", 0.97619, 0.94805), ("", "level"): (1024, "V", 4.9728, 3.7179)},
    ),
    "turbidostat": (
        "turbidostat",
        "2025-01-22T15:56:50.081164",
        "2025-01-24T16:06:57.195115",
        {
            ("P06", "od"): (5712, "1", 0.0038327735069875893, 0.05172127020135403),
            ("P06", "dilution"): (8, "1", 1.0, 1.0),
            ("P07", "od"): (5454, "1", 0.010395128905874105, 0.21530541169769474),
            ("P07", "dilution"): (2, "1", 1.0, 1.0),
            ("P08", "od"): (5712, "1", 0.007034277594813298, 0.07338837955509867),
            ("P08", "dilution"): (2, "1", 1.0, 1.0),
            ("P10", "od"): (5712, "1", 0.007747286857259724, 0.12703433518486912),
            ("P10", "dilution"): (3, "1", 1.0, 1.0),
        },
    ),
    "water-loop": (
        "water-loop",
        "2020-02-08T13:30:47",
        "2020-03-09T10:54:33",
        {
            ("", "pump_vibration"): (13792, "g_0", 0.202394, 0.0266961),
            ("", "motor_vibration"): (13792, "g_0", 0.275154, 0.0388219),
            ("", "current"): (13792, "A", 2.16975, 1.33883),
            ("", "pressure"): (13792, "bar", 0.382638, 0.054711),
            ("", "engine"): (13792, "degC", 90.6454, 72.7372),
            ("", "water"): (13792, "degC", 26.8508, 25.6182),
            ("", "voltage"): (13792, "V", 238.852, 231.073),
            ("", "flow"): (13792, "L/min", 122.664, 31.999),
            ("", "anomaly"): (4387, "1", 0.0, 0.0),
            ("", "changepoint"): (4387, "1", 0.0, 0.0),
        },
    ),
    "weather": (
        "weather",
        "2019-01-01T00:00:00",
        "2019-01-07T23:59:00",
        {
            ("", "temperature"): (10080, "degC", 1.577, 15.9),
            ("", "humidity"): (10080, "%", 86.4, 39.98),
            ("", "pressure"): (10080, "kPa", 97.9, 97.55),
            ("", "wind_speed"): (10080, "m/s", 11.08, 1.209),
            ("", "wind_direction"): (10080, "deg", 348.3, 19.59),
        },
    ),
}
"""By mapping: the folder of its files, the first and the last time, and by twin and channel what is there."""


def signal(recording: MergedStreams, twin: str, channel: str) -> tuple[int, str, float, float]:
    """How many readings a signal has, their unit, the first value and the last."""
    of_twin = recording.twin == list(recording.twins).index(twin)
    values = recording.value[of_twin & (recording.channel == list(recording.channels).index(channel))]
    return len(values), recording.units[channel], values[0], values[-1]


@pytest.mark.parametrize("name", RECORDINGS)
def test_an_example_reads_its_recording_right(name: str, recording: Find) -> None:
    folder, start, end, expected = RECORDINGS[name]
    read = load(EXAMPLES / f"{name}.recording.toml", recording(folder))
    assert np.array([read.start, read.end]).astype("datetime64[ns]").tolist() == [
        np.datetime64(moment, "ns").astype(int) for moment in (start, end)
    ]
    for (twin, channel), (count, unit, *ends) in expected.items():
        found = signal(read, twin, channel)
        assert found[:2] == (count, unit)
        assert found[2:] == pytest.approx(ends, rel=1e-6)
    if len(read.twins) <= len({twin for twin, _ in expected}):
        assert len(read) == sum(count for count, *_ in expected.values())


def test_remifentanil_has_a_twin_for_each_patient(recording: Find) -> None:
    read = load(EXAMPLES / "remifentanil.recording.toml", recording("remifentanil"))
    assert read.twins == tuple(map(str, range(1, 46)))
    assert (len(read), read.end - read.start) == (
        5 * 1656 + 1571,
        13_803 * SECOND,
    )  # rate and what is known of the patient stand in every row
