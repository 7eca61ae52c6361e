"""Members that are lost: replaced and counted, the same in any batch and any order, and said in the verdict."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_runtime.assimilation import Etkf, Inflation
from twin_runtime.assimilation.kalman import Unscented
from twin_runtime.core import SECOND, FleetState, FloatArray, Reading, Record, Trust
from twin_runtime.engine.fleet import Fleet, Sensor
from twin_runtime.engine.replacement import LARGEST, Members, find_lost, replace_lost
from twin_runtime.engine.tick import tick
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.random import numbered_keys
from twin_runtime.modelling.variables import Fixed, LogNormal, Normal, Output, Parameter, State
from twin_runtime.timeline.timeline import Timeline
from twin_runtime.vvuq.checks import CHECKS, complaining
from twin_runtime.vvuq.diagnostics import diagnosed
from twin_runtime.vvuq.memory import by_twin

TICK, MEMBERS = SECOND // 10, 16
STOCK, DRAIN, DATUM = range(3)
FIRST = 1000


@physics
def emptying(drain: float) -> float:
    """The stock falls at a constant rate, and does not stop at nothing: physics that is wrong near zero."""
    return -drain


@physics
def head(stock: float, datum: float) -> float:
    """A root that a member has only where its stock is above the datum."""
    return math.sqrt(stock - datum)


@physics
def nonsense(stock: float) -> float:
    """What no member has."""
    return math.sqrt(-1.0 - stock)


class Stock(OdeModel):
    """A stock that cannot be negative, but is driven there."""

    name = "stock"
    table = (
        State("stock", "kg", LogNormal(1.0, 0.3), walk=0.1),
        Parameter("drain", "kg/s", Normal(0.2, 0.1), walk=0.05),
        Parameter("datum", "kg", Fixed(-1000.0)),
    )
    outputs = (Output("stock", "kg"), Output("head", "1", head))
    rate = emptying
    step = 0.1


class Broken(Stock):
    """One with an output that is never a number."""

    name = "broken"
    outputs = (Output("stock", "kg"), Output("nonsense", "1", nonsense))


def fleet(twins: int = 1, datum: float = -1000.0, outputs: tuple[int, ...] = (0, 1), lag: int = 0) -> Fleet:
    """Stocks; ``outputs`` are read."""
    return Fleet(
        model=Stock({"datum": Fixed(datum)}),
        twins=tuple(f"stock-{row}" for row in range(twins)),
        sensors=tuple(Sensor(f"sensor-{output}", output, 1.0) for output in outputs),
        driven=(),
        tick=TICK,
        seed=4,
        members=MEMBERS,
        method=Etkf(),
        inflation=Inflation(1.0, 0.2),
        checks=CHECKS,
        gate=0.0,
        window=1.0,
        lag=lag,
    )


def broken() -> Fleet:
    return replace(fleet(), model=Broken())


def level(number: int) -> float:
    """A stock that runs empty and is filled again."""
    return 0.05 + 0.9 * abs(math.cos(number / 15.0))


def readings(number: int, twins: int = 1) -> list[Reading]:
    """Of the stock, by every twin's first sensor."""
    values = np.random.default_rng([5, number]).normal(level(number), 0.05, twins).tolist()
    return [Reading(row, 0, number * TICK + 7 * row, values[row], 0.05) for row in range(twins)]


def run(fleet: Fleet, state: FleetState, ticks: int, first: int = FIRST) -> tuple[FleetState, list[Record]]:
    rows, records = np.arange(len(fleet.twins)), []
    for number in range(first, first + ticks):
        state, record = tick(fleet, state, number, readings(number, len(fleet.twins)), rows)
        records.append(record)
    return state, records


def column(state: FleetState, name: str) -> FloatArray:
    return np.asarray(by_twin(state.memory)[name])


class TestLost:
    def test_a_stock_that_is_driven_below_nothing_goes_on_with_its_asset(self) -> None:
        """It lost all its members within five ticks, and no reading was compared any more."""
        state, records = run(fleet(), fleet().start(), 200)
        assert np.isfinite(state.x).all()
        assert column(state, "sum_replaced")[0] > 10.0
        assert column(state, "sum_assimilated")[0] == 200.0
        assert records[-1].figures[0, 0, 0] == pytest.approx(level(FIRST + 199), abs=0.2)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e150])
    def test_one_member_is_replaced_and_the_twin_goes_on_almost_as_before(self, bad: float) -> None:
        twins, well, lost = fleet(), fleet().start(), fleet().start()
        for state in (well, lost):
            state.x[:, :, STOCK] += 5.0  # far from empty
        lost.x[0, 3, DRAIN] = bad
        only = [Reading(0, 0, FIRST * TICK, 150.0, 10.0)]
        well, _ = tick(twins, well, FIRST, only, np.arange(1))
        lost, record = tick(twins, lost, FIRST, only, np.arange(1))
        assert column(lost, "sum_replaced").tolist() == [1.0]
        assert column(lost, "sum_assimilated").tolist() == column(well, "sum_assimilated").tolist() == [1.0]
        np.testing.assert_allclose(lost.x.mean(axis=1), well.x.mean(axis=1), atol=0.1)
        assert complaining(CHECKS, record.reasons, "replaced")[0]
        assert not complaining(CHECKS, record.reasons, "finite")[0]

    def test_lately_is_a_few_windows(self) -> None:
        twins, state = fleet(outputs=(0,)), fleet(outputs=(0,)).start()
        state.x[:, :, STOCK] += 5.0
        state.x[0, 3, DRAIN] = np.nan
        complaints = []
        for number in range(FIRST, FIRST + 60):
            state, record = tick(twins, state, number, [], np.arange(1))
            complaints.append(bool(complaining(CHECKS, record.reasons, "replaced")[0]))
        assert complaints[:40] == [True] * 40
        assert complaints[50:] == [False] * 10

    def test_what_takes_most_members_takes_the_twin_back_to_its_prior(self) -> None:
        twins, state = fleet(), fleet().start()
        state.x[:, :, STOCK] += 5.0
        state.x[0, : MEMBERS // 2 + 1, STOCK] = np.nan
        by_twin(state.memory)["window_nis"] = 3.0
        after, record = tick(twins, state, FIRST, [], np.arange(1))
        assert np.isfinite(after.x).all()
        assert np.exp(after.x[0, :, STOCK]).mean() == pytest.approx(1.0, abs=0.4)
        assert column(after, "sum_replaced").tolist() == [MEMBERS]
        assert column(after, "window_nis").tolist() == [0.0]
        assert record.trust[0] == Trust.UNTRUSTED
        assert complaining(CHECKS, record.reasons, "replaced")[0]

    def test_half_is_not_most(self) -> None:
        state = fleet().start()
        state.x[:, :, STOCK] += 5.0
        state.x[0, : MEMBERS // 2, STOCK] = np.nan
        after, _ = tick(fleet(), state, FIRST, [], np.arange(1))
        assert np.exp(after.x[0, :, STOCK]).min() > 20.0
        assert column(after, "sum_replaced").tolist() == [MEMBERS // 2]

    def test_it_is_counted_in_the_summary(self) -> None:
        state, _ = run(fleet(), fleet().start(), 100)
        twins = fleet()
        reported = diagnosed(twins.layout.records(state.memory), twins.twins, ["a", "b"])
        assert reported["replaced"] == {"stock-0": int(column(state, "sum_replaced")[0])}


class TestPredictions:
    """A prediction that is not finite, of a state that is."""

    def test_a_member_without_a_prediction_is_replaced_where_others_have_one(self) -> None:
        twins, state = fleet(datum=0.8), fleet(datum=0.8).start()
        values = np.exp(state.x[0, :, STOCK])
        missing = int((values < 0.8).sum())
        assert 0 < missing < MEMBERS // 2
        after, _ = tick(twins, state, FIRST, [Reading(0, 1, FIRST * TICK, 0.5, 0.1)], np.arange(1))
        assert column(after, "sum_replaced")[0] >= 1.0
        assert column(after, "sum_assimilated").tolist() == [1.0]

    def test_a_reading_that_no_member_predicts_costs_no_member(self) -> None:
        twins, state = broken(), broken().start()
        state.x[:, :, STOCK] += 5.0
        both = [Reading(0, 0, FIRST * TICK, 150.0, 10.0), Reading(0, 1, FIRST * TICK, 1.0, 0.1)]
        after, _ = tick(twins, state, FIRST, both, np.arange(1))
        assert column(after, "sum_replaced").tolist() == [0.0]
        assert column(after, "sum_assimilated").tolist() == [1.0]
        assert column(after, "sum_outliers").tolist() == [1.0]

    def test_an_estimate_that_is_no_number_is_not_trusted(self) -> None:
        _, record = tick(broken(), broken().start(), FIRST, [], np.arange(1))
        assert np.isnan(record.figures[0, 1, 0])
        assert complaining(CHECKS, record.reasons, "finite")[0]
        assert record.trust[0] == Trust.UNTRUSTED


class TestBits:
    def test_a_twin_has_the_bits_that_it_has_alone(self) -> None:
        three, _ = run(fleet(3), fleet(3).start(), 120)
        assert (column(three, "sum_replaced") > 0.0).all()
        twins, rows = fleet(3), np.array([2, 0])
        state = twins.start(rows)
        for number in range(FIRST, FIRST + 120):
            own = [reading._replace(twin=[1, -1, 0][reading.twin]) for reading in readings(number, 3)]
            state, _ = tick(twins, state, number, [reading for reading in own if reading.twin >= 0], rows)
        assert state.x.tobytes() == three.x[rows].tobytes()
        assert state.memory.tobytes() == three.memory[rows].tobytes()

    def test_the_end_is_that_of_the_sorted_log(self) -> None:
        """Every third reading comes after all others."""
        log = [reading for number in range(FIRST, FIRST + 90) for reading in readings(number)]
        late = log[1::3]
        ends = []
        for waves in ([log], [[reading for reading in log if reading not in late], late]):
            timeline = Timeline(fleet(lag=2), 200 * TICK)
            for wave in waves:
                for reading in wave:
                    timeline.offer(reading)
                timeline.revise()
                for _ in timeline.advance(FIRST + 89):
                    """Run."""
            assert column(timeline.state, "sum_replaced")[0] > 0.0
            ends.append(timeline.state)
        assert ends[0].x.tobytes() == ends[1].x.tobytes()
        assert ends[0].memory.tobytes() == ends[1].memory.tobytes()
        assert ends[0].lagged.tobytes() == ends[1].lagged.tobytes()

    def test_another_tick_and_another_twin_get_another_member(self) -> None:
        found = {made(1, 5).x[0, 0, 0], made(1, 6).x[0, 0, 0], made(2, 5).x[0, 0, 0]}
        assert len(found) == 3
        assert made(1, 5).x.tobytes() == made(1, 5).x.tobytes()


def made(seed: int, number: int, members: int = 9, pairs: bool = False, lost: tuple[int, ...] = (0,)) -> Members:
    """Ensembles of which some members are lost, mended."""
    x = np.random.default_rng(8).normal(3.0, 1.0, (1, members, 4))
    x[:, :, 3] = 2.5
    gone = np.zeros((1, members), np.bool_)
    gone[0, list(lost)] = True
    x[gone] = np.nan
    after = Members(x, 2.0 * x[:, :, :2] + 1.0, x[:, :, 1:2] - 4.0)
    replace_lost(after, gone, numbered_keys(seed, 1), number, pairs)
    return after


class TestMade:
    @given(st.integers(0, 999), st.integers(0, 1 << 40), st.sets(st.integers(0, 8), min_size=1, max_size=8))
    def test_a_new_member_lies_between_others_with_its_predictions_and_its_past(
        self, seed: int, number: int, lost: set[int]
    ) -> None:
        after = made(seed, number, lost=tuple(lost))
        left = np.delete(after.x[0], list(lost), axis=0)
        for member in lost:
            row = after.x[0, member]
            assert (row >= left.min(axis=0) - 1e-12).all()
            assert (row <= left.max(axis=0) + 1e-12).all()
            assert row[3] == 2.5
        np.testing.assert_allclose(after.predicted, 2.0 * after.x[:, :, :2] + 1.0, rtol=1e-12)
        np.testing.assert_allclose(after.lagged, after.x[:, :, 1:2] - 4.0, atol=1e-12)

    def test_without_any_other_nothing_is_done(self) -> None:
        assert np.isnan(made(1, 1, members=2, lost=(0, 1)).x).all()

    def test_a_point_of_a_pair_comes_back_where_it_was(self) -> None:
        """Opposite its partner: mean and covariance of a linear model are what they were."""
        step = np.random.default_rng(3).normal(size=(4, 4))
        points = np.concatenate([[5.0 + row, 5.0 - row] for row in step])
        x = points[None].copy()
        x[0, 5] = np.nan
        gone = np.isnan(x).any(axis=2)
        replace_lost(Members(x, x[:, :, :1].copy(), x[:, :, :0].copy()), gone, numbered_keys(1, 1), 3, True)
        np.testing.assert_allclose(x[0], points, atol=1e-12)

    def test_a_filter_of_points_goes_on(self) -> None:
        twins = replace(fleet(), method=Unscented())
        state, _ = run(twins, twins.start(), 100)
        assert np.isfinite(state.x).all()
        assert column(state, "sum_replaced")[0] > 0.0
        assert column(state, "sum_assimilated")[0] == 100.0


class TestFound:
    @given(
        st.lists(st.sampled_from([0.0, -LARGEST, LARGEST, np.nan, np.inf, -np.inf, 1.1e140]), min_size=4, max_size=4)
    )
    def test_what_cannot_be_squared_is_lost(self, values: list[float]) -> None:
        x = np.array(values).reshape(1, 2, 2)
        count, lost = find_lost(x, np.empty((1, 2, 0)), np.empty((1, 0), np.int64))
        expected = [not all(abs(value) <= LARGEST for value in row) for row in x[0]]
        assert lost.tolist() == [expected]
        assert count == sum(expected)

    @pytest.mark.parametrize(("missing", "found"), [(0, 0), (1, 1), (4, 4), (5, 0), (8, 0)])
    def test_predictions_count_where_most_members_have_one(self, missing: int, found: int) -> None:
        predicted = np.zeros((1, 8, 2))
        predicted[0, :missing, 0] = np.nan
        predicted[0, :, 1] = np.nan  # no reading is there
        count, lost = find_lost(np.zeros((1, 8, 1)), predicted, np.array([[0, -1]]))
        assert count == lost.sum() == found
