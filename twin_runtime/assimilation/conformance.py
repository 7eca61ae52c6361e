"""What a method of assimilation must do, as tests to subclass; they ship as :mod:`twin_runtime.testing`.

A new method is tested by three lines::

    class TestMyMethod(SquareRootTests):
        method = MyMethod()
"""

from collections.abc import Iterator, Sequence

import numpy as np

from twin_runtime.assimilation.protocol import AnalysisInput, Assimilator
from twin_runtime.core import FloatArray
from twin_runtime.modelling.random import numbered_keys


def of_twins(given: AnalysisInput, twins: Sequence[int]) -> AnalysisInput:
    """The same for some of the twins."""
    rows = list(twins)
    x, predicted, observed, variance = (array[rows] for array in given[:4])
    outputs = None if given.outputs is None else given.outputs[rows]
    return AnalysisInput(x, predicted, observed, variance, given.keys[rows], given.tick, outputs)


def with_observations(given: AnalysisInput, observations: Sequence[int]) -> AnalysisInput:
    """The same with some of the observations, in this order."""
    columns = list(observations)
    return given._replace(
        predicted=np.ascontiguousarray(given.predicted[:, :, columns]),
        observed=np.ascontiguousarray(given.observed[:, columns]),
        variance=np.ascontiguousarray(given.variance[:, columns]),
        outputs=None if given.outputs is None else np.ascontiguousarray(given.outputs[:, columns]),
    )


def random_problem(seed: int, twins: int, members: int, states: int, observations: int) -> AnalysisInput:
    """Ensembles with correlated states far from zero, and linear observations of several states each.

    Each observation is of an output of its own, numbered as the observations are.
    """
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(states, states)) / np.sqrt(states)
    x = 10.0 + rng.normal(size=(twins, members, states)) @ mixing
    predicted = x @ rng.normal(size=(states, observations))
    observed = predicted.mean(1) + 2.0 * rng.normal(size=(twins, observations))
    variance = rng.uniform(0.1, 10.0, size=(twins, observations))
    outputs = np.tile(np.arange(observations), (twins, 1))
    return AnalysisInput(x, predicted, observed, variance, numbered_keys(seed, twins), seed, outputs)


def kalman(problem: AnalysisInput, twin: int) -> tuple[FloatArray, FloatArray]:
    """Mean and covariance that the Kalman filter gives one twin for the sample covariances of its forecast.

    Missing observations are left out.
    """
    finite = np.flatnonzero(np.isfinite(problem.observed[twin]))
    x, predicted = problem.x[twin], problem.predicted[twin][:, finite]
    states = x.shape[1]
    joint = np.atleast_2d(np.cov(np.hstack([x, predicted]).T))
    P, PH, HPH = joint[:states, :states], joint[:states, states:], joint[states:, states:]
    gain = np.linalg.solve(HPH + np.diag(problem.variance[twin, finite]), PH.T).T
    mean = x.mean(0) + gain @ (problem.observed[twin, finite] - predicted.mean(0))
    return mean, P - gain @ PH.T


def covariance(ensemble: FloatArray) -> FloatArray:
    """The sample covariance of an ensemble ``[member, state]``."""
    return np.atleast_2d(np.cov(ensemble.T))


def assert_close(ours: FloatArray, theirs: FloatArray) -> None:
    """Equal to 1e-10 of the largest element, or of 1."""
    np.testing.assert_allclose(ours, theirs, rtol=0.0, atol=1e-10 * max(1.0, float(np.abs(theirs).max(initial=0.0))))


class AssimilatorTests:
    """What every method of assimilation must do; subclass it, set ``method``, and let pytest collect the subclass."""

    method: Assimilator
    sizes: Sequence[tuple[int, int, int]] = ((2, 1, 1), (8, 3, 1), (16, 5, 4), (10, 4, 16), (12, 6, 30), (32, 600, 12))
    """Members, states and observations of the problems tried."""

    def problems(self) -> Iterator[AnalysisInput]:
        """Some problems of different sizes, of three twins each."""
        for seed, size in enumerate(self.sizes):
            yield random_problem(seed, 3, *size)

    def test_without_observations_the_forecast_stays_bit_for_bit(self) -> None:
        for problem in self.problems():
            unobserved = problem._replace(observed=np.full_like(problem.observed, np.nan))
            assert self.method.update(unobserved).tobytes() == problem.x.tobytes()
            assert self.method.update(with_observations(problem, [])).tobytes() == problem.x.tobytes()

    def test_a_missing_observation_is_as_if_it_had_no_sensor(self) -> None:
        for problem in self.problems():
            problem.observed[1, ::2] = np.nan
            finite = [j for j, value in enumerate(problem.observed[1]) if np.isfinite(value)]
            alone = self.method.update(with_observations(of_twins(problem, [1]), finite))
            assert_close(self.method.update(problem)[1], alone[0])

    def test_a_prediction_that_is_not_finite_counts_as_missing(self) -> None:
        for problem in self.problems():
            problem.predicted[2, 0, 0] = np.inf
            others = range(1, problem.observed.shape[1])
            alone = self.method.update(with_observations(of_twins(problem, [2]), others))
            assert_close(self.method.update(problem)[2], alone[0])

    def test_a_twin_does_not_depend_on_the_others(self) -> None:
        for problem in self.problems():
            together = self.method.update(problem)
            for twins in ([0], [2, 1], [1, 2, 0]):
                assert self.method.update(of_twins(problem, twins)).tobytes() == together[twins].tobytes()

    def test_an_update_is_a_pure_function(self) -> None:
        for problem in self.problems():
            before = [array.copy() for array in problem[:4]]
            out = np.full_like(problem.x, np.nan)
            assert self.method.update(problem, out) is out
            assert out.tobytes() == self.method.update(problem).tobytes()
            assert all(a.tobytes() == b.tobytes() for a, b in zip(before, problem[:4], strict=True))

    def test_what_all_members_agree_on_stays(self) -> None:
        for problem in self.problems():
            problem.x[:, :, 0] = 0.7
            assert_close(self.method.update(problem)[:, :, 0], problem.x[:, :, 0])

    def test_a_variance_must_be_positive(self) -> None:
        for problem in self.problems():
            for wrong in (0.0, -1.0, np.nan):
                problem.variance[0, 0] = wrong
                try:
                    self.method.update(problem)
                except ValueError:
                    continue
                raise AssertionError(f"a variance of {wrong} passed")


class KalmanTests(AssimilatorTests):
    """What a method must do besides whose mean is exactly the Kalman filter's for the forecast's sample covariance."""

    def test_the_mean_is_the_kalman_filters(self) -> None:
        for problem in self.problems():
            analysis = self.method.update(problem)
            for twin, ensemble in enumerate(analysis):
                assert_close(ensemble.mean(0), kalman(problem, twin)[0])


class CovarianceTests(KalmanTests):
    """What a method must do besides whose covariance is exactly the Kalman filter's too."""

    def test_the_covariance_is_the_kalman_filters(self) -> None:
        for problem in self.problems():
            analysis = self.method.update(problem)
            for twin, ensemble in enumerate(analysis):
                assert_close(covariance(ensemble), kalman(problem, twin)[1])


class SquareRootTests(CovarianceTests):
    """What a deterministic method must do besides in which no observation and no member comes before another."""

    def test_the_order_of_the_observations_does_not_matter(self) -> None:
        for problem in self.problems():
            order = np.random.default_rng(0).permutation(problem.observed.shape[1])
            reordered = with_observations(problem, order.tolist())
            assert_close(self.method.update(reordered), self.method.update(problem))

    def test_the_order_of_the_members_does_not_matter(self) -> None:
        for problem in self.problems():
            order = np.random.default_rng(0).permutation(problem.x.shape[1])
            shuffled = problem._replace(x=problem.x[:, order].copy(), predicted=problem.predicted[:, order].copy())
            assert_close(self.method.update(shuffled), self.method.update(problem)[:, order])
