"""Bad input, for every method and every kind of inflation: a clear error, or a behaviour that is defined."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from tests.assimilation.rings import RING, SITES, fleet, method
from twin_runtime.assimilation import (
    METHODS,
    AdaptiveInflation,
    AnalysisInput,
    Ensrf,
    Etkf,
    Inflate,
    Inflation,
    InflationMemory,
    Letkf,
    Localisation,
    ParticleFilter,
)
from twin_runtime.assimilation.conformance import assert_close, kalman, random_problem, with_observations
from twin_runtime.assimilation.correlated import independent
from twin_runtime.core import FloatArray, Reading, Trust
from twin_runtime.engine.tick import tick
from twin_runtime.errors import ModelError
from twin_runtime.modelling.positions import Positions
from twin_runtime.vvuq.checks import complaining
from twin_runtime.vvuq.memory import by_twin

BY_NAME = {name: method(name) for name in METHODS}
LOCAL = {"letkf": BY_NAME["letkf"], "ensrf, localised": Ensrf(Localisation(RING.positions, 3.0))}
EVERY = {**BY_NAME, **LOCAL, "etkf, rotated": Etkf(rotate=True), "particle, plain": ParticleFilter(0.0)}
MEANS = [name for name in EVERY if name not in LOCAL and not name.startswith("particle")]
"""The methods whose mean is a function of all observations together."""
RELAXED = Inflation(1.05, 0.3, 0.2)
INFLATIONS: Mapping[str, Inflate] = {"relaxed": RELAXED, "adaptive": AdaptiveInflation(RELAXED)}


def problem(members: int = 16, observations: int = SITES) -> AnalysisInput:
    """Two rings, of which the first is given something bad."""
    given = random_problem(70, 2, members, SITES, observations)
    outputs = np.tile(np.arange(observations) % SITES, (2, 1))
    return given._replace(outputs=outputs)


def analysed(name: str, given: AnalysisInput, inflation: Inflate = RELAXED) -> tuple[FloatArray, InflationMemory]:
    """The analysis, inflated, and what the inflation remembers."""
    analysis, memory = EVERY[name].update(given), InflationMemory.unknown(len(given.x), given.x.shape[2])
    inflation(given, analysis, memory)
    return analysis, memory


def a_reading(value: float) -> Callable[[AnalysisInput], None]:
    """Something that happens to a reading of the first twin."""
    return lambda given: given.observed.__setitem__((0, 1), value)


def a_prediction(value: float) -> Callable[[AnalysisInput], None]:
    """Something that happens to what one member predicts."""
    return lambda given: given.predicted.__setitem__((0, 3, 1), value)


def a_variance(value: float) -> Callable[[AnalysisInput], None]:
    """A variance of a sensor's errors."""
    return lambda given: given.variance.__setitem__((0, 1), value)


NO_INFORMATION: Mapping[str, Callable[[AnalysisInput], None]] = {
    "a reading of nan": a_reading(np.nan),
    "a reading of inf": a_reading(-np.inf),
    "a reading of 1e300": a_reading(1e300),
    "a reading of 1e160": a_reading(-1e160),
    "a prediction of nan": a_prediction(np.nan),
    "a prediction of inf": a_prediction(np.inf),
    "a prediction of 1e300": a_prediction(-1e300),
    "a prediction of 1e160": a_prediction(1e160),
    "an infinite variance": a_variance(np.inf),
    "a variance of 1e300": a_variance(1e300),
    "a variance of next to nothing": a_variance(1e-320),
}


@pytest.mark.parametrize("distort", NO_INFORMATION.values(), ids=list(NO_INFORMATION))
@pytest.mark.parametrize("inflation", INFLATIONS.values(), ids=list(INFLATIONS))
@pytest.mark.parametrize("name", EVERY)
def test_an_observation_without_sense_has_no_effect(
    name: str, inflation: Inflate, distort: Callable[[AnalysisInput], None]
) -> None:
    distorted, without = problem(), problem()
    distort(distorted)
    without.observed[0, 1] = np.nan
    ours, memory = analysed(name, distorted, inflation)
    theirs, _ = analysed(name, without, inflation)
    assert np.isfinite(ours).all()
    assert ours[1].tobytes() == theirs[1].tobytes()
    assert_close(ours.mean(1), theirs.mean(1))
    if inflation.remembers:
        assert np.all(memory.mode > 0.0)


@pytest.mark.parametrize("wrong", [0.0, -0.0, -1.0, -np.inf, np.nan])
@pytest.mark.parametrize("name", EVERY)
def test_a_variance_that_is_none_is_refused_where_it_is_used(name: str, wrong: float) -> None:
    given = problem()
    given.variance[0, 1] = wrong
    with pytest.raises(ValueError, match="variance of an observation must be positive"):
        EVERY[name].update(given)
    given.observed[0, 1] = np.nan
    assert np.isfinite(EVERY[name].update(given)).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
@pytest.mark.parametrize("inflation", INFLATIONS.values(), ids=list(INFLATIONS))
@pytest.mark.parametrize("name", EVERY)
def test_a_member_that_is_lost_spoils_one_state_of_its_twin(name: str, inflation: Inflate, bad: float) -> None:
    given = problem()
    given.x[0, 3, 2] = bad
    analysis, _ = analysed(name, given, inflation)
    assert np.isfinite(np.delete(analysis[0], 2, axis=1)).all()
    assert analysis[1].tobytes() == analysed(name, problem(), inflation)[0][1].tobytes()


@pytest.mark.parametrize("inflation", INFLATIONS.values(), ids=list(INFLATIONS))
@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e150, 1e300])
def test_units_may_be_absurd(size: float, name: str, inflation: Inflate) -> None:
    """What cannot be squared is left as it is."""
    given = problem()
    for array in (given.x, given.predicted, given.observed):
        array[0] *= size
    analysis, _ = analysed(name, given, inflation)
    assert np.isfinite(analysis).all()


@pytest.mark.parametrize("inflation", INFLATIONS.values(), ids=list(INFLATIONS))
@pytest.mark.parametrize("name", EVERY)
def test_members_that_are_all_the_same_stay_as_they_are(name: str, inflation: Inflate) -> None:
    given = problem()
    given.x[0], given.predicted[0] = given.x[0, :1], given.predicted[0, :1]
    analysis, _ = analysed(name, given, inflation)
    np.testing.assert_allclose(analysis[0], given.x[0], rtol=1e-14)
    assert np.ptp(analysis[0], axis=0).max() == 0.0


@pytest.mark.parametrize(("members", "observations"), [(2, 1), (2, SITES), (2, 400), (16, 400)])
@pytest.mark.parametrize("name", EVERY)
def test_two_members_and_very_many_observations(name: str, members: int, observations: int) -> None:
    given = problem(members, observations)
    if EVERY[name].keeps_points and members < 2 * SITES:
        with pytest.raises(ValueError, match="2 members as points for 8 variables; it takes 16"):
            EVERY[name].update(given)
        return
    analysis = EVERY[name].update(given)
    assert np.isfinite(analysis).all()
    for twin in range(2):
        if name in MEANS and name != "enkf-n":  # which inflates first
            assert_close(analysis[twin].mean(0), kalman(given, twin)[0])


@pytest.mark.parametrize("name", MEANS)
def test_the_same_reading_twice_is_one_of_half_the_variance(name: str) -> None:
    given = problem()
    halved = given._replace(variance=given.variance / 2.0)
    twice = with_observations(given, [0, 0, *range(1, SITES), *range(1, SITES)])
    assert_close(EVERY[name].update(twice).mean(1), EVERY[name].update(halved).mean(1))


@pytest.mark.parametrize("name", EVERY)
def test_nothing_observed_is_nothing_changed(name: str) -> None:
    given = problem()
    for unobserved in (with_observations(given, []), given._replace(observed=np.full_like(given.observed, np.nan))):
        for inflation in INFLATIONS.values():
            assert analysed(name, unobserved, inflation)[0].tobytes() == given.x.tobytes()


def displaced(place: float, name: str) -> FloatArray:
    """The analysis where only the first output is read, and that one is at another place."""
    outputs = np.arange(SITES, dtype=float)[:, None]
    outputs[0] = place
    localisation = Localisation(Positions(np.arange(SITES, dtype=float)[:, None], outputs), 1.0)
    local = Letkf(localisation) if name == "letkf" else Ensrf(localisation)
    return local.update(with_observations(problem(), [0]))


@pytest.mark.parametrize("name", LOCAL)
@pytest.mark.parametrize("place", [-50.0, 1e12])
def test_a_sensor_far_outside_corrects_nothing(place: float, name: str) -> None:
    assert displaced(place, name).tobytes() == problem().x.tobytes()


@pytest.mark.parametrize("name", LOCAL)
def test_a_sensor_infinitely_far_away_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match="infinite"):
        displaced(-np.inf, name)


@pytest.mark.parametrize("name", LOCAL)
def test_a_sensor_between_two_places_corrects_both(name: str) -> None:
    changed = np.any(displaced(2.5, name) != problem().x, axis=(0, 1))
    assert np.flatnonzero(changed).tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("name", LOCAL)
def test_a_sensor_without_a_place_corrects_all(name: str) -> None:
    assert_close(displaced(np.nan, name), Etkf().update(with_observations(problem(), [0])))


def test_errors_that_cannot_be_are_refused() -> None:
    """Singular, contradictory, and with a variance that is none; the first of these may also be missing."""
    given, sensor, times = problem(observations=3), np.tile(np.arange(3), (2, 1)), np.zeros((2, 3))
    same, contradictory = np.ones((3, 3)), np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    for correlation, factor in ((same, 1.0), (contradictory, 1.0), (np.eye(3), 0.0), (np.eye(3), -1.0)):
        with pytest.raises(ValueError, match="covariance of the observations' errors must be positive definite"):
            independent(*given[1:3], given.variance * factor, sensor, times, correlation)
    given.observed[:, 1:] = np.nan
    independent(*given[1:4], sensor, times, same)


@pytest.mark.parametrize("inflation", INFLATIONS.values(), ids=list(INFLATIONS))
@pytest.mark.parametrize("name", sorted(METHODS))
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_a_twin_that_loses_a_member_gets_another_and_no_other_suffers(
    bad: float, name: str, inflation: Inflate
) -> None:
    twins = fleet(name, inflation)
    lost, well = twins.start(), twins.start()
    lost.x[0, 5, 3] = bad
    for number in range(2):
        moment = number * twins.tick + 10**7
        readings = [Reading(twin, site, moment, 4.0 + number, 0.3) for twin in range(2) for site in range(SITES)]
        lost, verdict = tick(twins, lost, number, readings, np.arange(2))
        well, _ = tick(twins, well, number, readings, np.arange(2))
    assert np.isfinite(lost.x).all()
    assert verdict.trust[0] >= Trust.DEGRADED
    assert complaining(twins.checks, verdict.reasons, "replaced").tolist() == [True, False]
    assert by_twin(lost.memory)["sum_assimilated"].tolist() == [2.0 * SITES] * 2
    assert lost.x[1].tobytes() == well.x[1].tobytes()
    assert lost.memory[1].tobytes() == well.memory[1].tobytes()
