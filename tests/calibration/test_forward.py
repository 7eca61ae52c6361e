"""The forward run predicts what the tick would predict, with nothing drifting and nothing corrected."""

from dataclasses import replace

import numpy as np
import pytest

from tests.tank import DIPSTICK, GAUGE, START, TICK, Tank, busy_tick, tanks
from twin_runtime.calibration import Segment, prior_ensemble
from twin_runtime.calibration.forward import independent_readings, predict
from twin_runtime.core import FloatArray
from twin_runtime.engine.fleet import Fleet
from twin_runtime.engine.forecast import forecast
from twin_runtime.engine.tick import laid_out, uncorrelated
from twin_runtime.modelling.variables import Fixed
from twin_runtime.timeline.timeline import Timeline

TICKS = 30


def segment(fleet: Fleet) -> Segment:
    """One second of a tank of which all channels speak."""
    timeline = Timeline(fleet, 0)
    readings = [reading for number in range(TICKS) for reading in busy_tick(number, 1)]
    for reading in readings:
        timeline.offer(reading)
    sensed = sum(reading.channel in (GAUGE, DIPSTICK) for reading in readings)
    return Segment(timeline, 0, START * TICK, (START + TICKS) * TICK - 1, sensed, {})


def still(correlation: FloatArray | None = None) -> Fleet:
    """A tank without random walks."""
    return replace(tanks(1), model=Tank(walk={"level": 0.0, "leak": 0.0}), correlation=correlation)


@pytest.mark.parametrize("correlation", [None, np.array([[1.0, 0.5], [0.5, 1.0]])], ids=["independent", "correlated"])
def test_it_is_the_forecast_of_every_tick(correlation: FloatArray | None) -> None:
    fleet = still(correlation)
    found, x = segment(fleet), fleet.start().x
    predicted, given = predict(found, x[0]), independent_readings(found)
    rows, done = np.arange(1), 0
    for number, (signals, observations) in enumerate(found):
        x, expected, _ = forecast(fleet, x, START + number, rows, signals, observations.points)
        expected, value, variance = uncorrelated(fleet, expected, observations.value, observations)
        part = slice(done, done + value.size)
        assert predicted[:, part].tobytes() == np.ascontiguousarray(expected[0]).tobytes()
        assert given.value[part].tobytes() == value[0].tobytes()
        assert given.variance[part].tobytes() == variance[0].tobytes()
        assert given.sensor[part].tolist() == observations.sensor[0].tolist()
        done += value.size
    assert done == found.readings == 2 * TICKS


def test_what_acts_in_a_tick_is_what_acts_in_a_live_one() -> None:
    """Inputs that are linear across ticks have the first sample behind the tick as well."""
    fleet = still()
    state, behind = fleet.start(), []
    for number, (signals, observations) in enumerate(segment(fleet)):
        alone, _ = laid_out(fleet, state.memory, START + number, busy_tick(number, 1), None)
        assert observations.value.size == 2
        behind.append(int((signals.times[0, 0] < np.inf).sum()) - int((alone.times[0, 0] < np.inf).sum()))
    assert behind == [1] * (TICKS - 1) + [0]


def test_nothing_drifts_and_the_ensemble_stays_as_it_is() -> None:
    drifting = tanks(1)
    x = prior_ensemble(drifting.model, 1, "tank", 5)
    before = x.tobytes()
    assert predict(segment(drifting), x).tobytes() == predict(segment(still()), x).tobytes()
    assert x.tobytes() == before


@pytest.mark.parametrize("correlation", [None, np.array([[1.0, 0.5], [0.5, 1.0]])], ids=["independent", "correlated"])
def test_a_member_that_diverges_predicts_nothing_and_does_not_touch_the_others(correlation: FloatArray | None) -> None:
    fleet = still(correlation)
    found, x = segment(fleet), fleet.start().x[0]
    whole = predict(found, x)
    x[3], x[5] = np.nan, 1e150
    lost = predict(found, x)
    assert np.isnan(lost[[3, 5]]).all()
    assert np.delete(lost, [3, 5], axis=0).tobytes() == np.delete(whole, [3, 5], axis=0).tobytes()


def test_a_tank_by_hand() -> None:
    """No leak, no rain, no pump: the level stays, a bucket adds 0.1 m."""
    still_water = Tank(priors={"level": Fixed(1.0), "leak": Fixed(0.0), "sill": Fixed(0.2)})
    fleet = replace(tanks(1), model=still_water)
    timeline = Timeline(fleet, 0)
    for reading in (r for n in range(TICKS) for r in busy_tick(n, 1) if r.channel in (GAUGE, DIPSTICK)):
        timeline.offer(reading)
    found = Segment(timeline, 0, START * TICK, (START + TICKS) * TICK - 1, 2 * TICKS, {})
    np.testing.assert_allclose(predict(found, fleet.start().x[0]), 1.2, rtol=1e-12)
