"""Parts of any kind: against closed forms, against parts by themselves, and as a model like any other."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import pytest

from tests.modelling.coupling.parts import Chamber, Circuit, Pump
from twin_models.pipe import Pipe
from twin_models.thermal_mass import ThermalMass
from twin_runtime.core import FloatArray
from twin_runtime.errors import ModelError
from twin_runtime.modelling.conformance import ModelTests, advanced
from twin_runtime.modelling.coupling import Flux, Joined, Signal
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.signals import InputSignals, Points, no_points
from twin_runtime.modelling.trial import tried
from twin_runtime.modelling.variables import Fixed, Input, Normal, Output, Parameter, Prior, Shape, State


class Heating(Joined):
    """A tank whose water flows through a pipe: differential equations and a field."""

    name = "heating"
    parts = {"tank": ThermalMass, "pipe": partial(Pipe, wall=False, cells=20)}
    links = (Signal("tank.temperature", "pipe.inlet_temperature"),)
    exchange = 1.0


class Apart(Joined):
    """The pump that fills a chamber, as two models that exchange values."""

    name = "apart"
    parts = {"pump": Pump, "chamber": Chamber}
    links = Circuit.links
    exchange = 0.02


class ApartStrang(Apart):
    """The same, there and back."""

    splitting = "strang"


@physics
def drawn(volume: float, draught: float) -> float:
    """What a tank gives by itself."""
    return draught * volume


class Tank(OdeModel):
    """A tank with an inflow and an outflow that others decide."""

    name = "tank"
    table = (State("volume", "L", Normal(10.0, 1.0)), Parameter("draught", "1/s", Fixed(0.2)))
    inputs = (Input("inflow", "L/s"), Input("outflow", "L/s"))
    outputs = (Output("volume", "L"), Output("draught_flow", "L/s", drawn))
    rate = physics(lambda inflow, outflow: inflow - outflow)
    step = 0.1


class Tanks(Joined):
    """A tank that runs into another, in litres a minute there and back."""

    name = "tanks"
    parts = {"one": Tank, "two": Tank}
    links = (
        Flux("down", "one.outflow", "two.inflow", carries="one.draught_flow"),
        Flux("up", "two.outflow", "one.inflow", carries="two.draught_flow"),
    )
    exchange = 0.1


class TestHeating(ModelTests):
    """What is exchanged is held for a second, in which the tank changes by 0.05 K: a reading shifts the intervals."""

    tolerance = 5e-3
    tick = 2.0
    inputs = {"tank.heating": (0.0, 5e3), "pipe.mass_flow": (0.2, 0.8)}

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Heating(priors)


class TestApart(ModelTests):
    """What is exchanged is held for 0.02 s, 4 % of the pump's time constant."""

    tolerance = 2e-2
    inputs = {"pump.drive": (0.5, 2.0), "pump.push": (0.3, 0.5)}

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Apart(priors)


def started(model: Model, members: int = 1) -> FloatArray:
    return np.array([[[variable.prior.centre for variable in model.variables]] * members])


def shown(model: Model, x: FloatArray, signals: InputSignals) -> dict[str, float]:
    names = [quantity.name for quantity in model.quantities]
    return dict(zip(names, model.observe(x, 0.0, signals)[0, 0], strict=True))


def held(model: Model, values: Mapping[str, float]) -> InputSignals:
    """Inputs that stay, and no events."""
    times = np.array([np.inf if given.shape is Shape.EVENT else 0.0 for given in model.inputs]).reshape(1, -1, 1)
    given = np.array([values.get(given.name, given.default) for given in model.inputs]).reshape(1, -1, 1)
    return InputSignals(times, given, np.ones(1))


def test_a_field_that_is_driven_by_a_steady_part_has_its_own_bits() -> None:
    """A tank that is not heated keeps its temperature: the pipe is what it is alone with that inlet."""
    whole = Heating({"tank.temperature": Fixed(60.0)})
    alone = Pipe(wall=False, cells=20)
    x, y = started(whole), started(alone)
    flows = {"pipe.mass_flow": 0.4, "tank.heating": 0.0}
    for _ in range(30):
        x, _, _ = advanced(whole, x, 1.0, held(whole, flows))
        y, _, residual = advanced(alone, y, 1.0, held(alone, {"mass_flow": 0.4, "inlet_temperature": 60.0}))
    assert x[0, 0, 2:].tobytes() == y.tobytes()
    assert residual[0] < 1e-9


def test_each_member_is_driven_by_itself() -> None:
    whole = Heating()
    x = started(whole, members=2)
    x[0, 1, 0] = 80.0  # the temperature of the tank
    flows = held(whole, {"pipe.mass_flow": 0.4})
    for _ in range(300):
        x, _, _ = advanced(whole, x, 1.0, flows)
    outlets = whole.observe(x, 0.0, flows)[0, :, [q.name for q in whole.quantities].index("pipe.outlet_temperature")]
    assert outlets[1] - outlets[0] == pytest.approx(60.0, abs=6.0)  # 80 degC against 20 degC, and what the pipe loses


@pytest.mark.parametrize(("kind", "order"), [(Apart, 1), (ApartStrang, 2)])
def test_the_observed_order(kind: type[Joined], order: int) -> None:
    """Against the fused model, whose error is 1e-9; the interval halved three times."""
    fused = Circuit()
    x, _, _ = advanced(fused, started(fused), 0.64, held(fused, {"pump.drive": 3.0}))
    model, errors = kind(), []
    for exchange in (0.16, 0.08, 0.04, 0.02):
        model.exchange = exchange  # type: ignore[misc]  # of this one model
        y, _, _ = advanced(model, started(model), 0.64, held(model, {"pump.drive": 3.0}))
        errors.append(np.abs(y - x).max())
    assert np.log2(np.array(errors[:-1]) / errors[1:]) == pytest.approx(order, abs=0.1)


def test_a_reading_within_an_interval_is_met_at_its_own_time() -> None:
    """f' = (u - f) / T from f = 1 with u = 3, T = 0.5 s, at three times of two intervals."""
    model = Apart({"pump.time_constant": Fixed(0.5), "pump.gain": Fixed(0.3)})
    model.exchange = 0.5  # type: ignore[misc]
    output = [o.name for o in model.outputs].index("pump.flow")
    moments = np.array([[0.0, 0.013, 0.5, 0.77, np.inf]])
    points = Points(moments, np.full((1, 5), output))
    _, predicted, _ = advanced(model, started(model), 1.0, held(model, {"pump.drive": 3.0}), points)
    expected = 0.3 * (3.0 - 2.0 * np.exp(-moments[0, :4] / 0.5))
    assert predicted[0, 0, :4] == pytest.approx(expected, rel=1e-6)


def test_an_event_acts_once_wherever_it_lies() -> None:
    """At the very end of an interval, too, where rounding could lose or double it."""
    model = Apart({"pump.force": Fixed(0.0), "pump.time_constant": Fixed(1e9)})
    names = [given.name for given in model.inputs]
    for moment in np.linspace(0.0, 0.98, 50):
        given = held(model, {})
        given.times[0, names.index("pump.push"), 0] = moment
        x, _, _ = advanced(model, started(model), 1.0, given)
        assert x[0, 0, 0] == pytest.approx(1.0, abs=1e-6), moment


def test_what_a_flux_carries_leaves_one_end_and_enters_the_other() -> None:
    """Over 2000 intervals, by rounding alone; and the tanks even out: 0.2 / s each way."""
    model = Tanks({"one.volume": Fixed(16.0), "two.volume": Fixed(4.0)})
    x, _, _ = advanced(model, started(model), 200.0, held(model, {}), no_points(1))
    values = shown(model, x, held(model, {}))
    assert values["one.volume"] + values["two.volume"] == pytest.approx(20.0, rel=1e-13)
    assert values["one.volume"] == pytest.approx(10.0, rel=1e-6)


@physics
def followed(volume: float, inflow: float) -> float:
    """An output that follows an input at once."""
    return inflow + 0.0 * volume


class Follower(Tank):
    """A tank that passes on what it is given."""

    outputs = (*Tank.outputs[:1], Output("passed", "L/s", followed))


def joined(**given: object) -> type[Joined]:
    tables: dict[str, object] = {"name": "wrong", "exchange": 1.0, "parts": {"one": Tank, "two": Tank}, **given}
    return type("Wrong", (Joined,), tables)


def test_parts_that_follow_each_other_without_a_loop_are_asked_until_nothing_changes() -> None:
    """The first drives the second's inflow, which it passes on to the first's outflow."""
    model = joined(
        parts={"two": Follower, "one": Tank},
        links=(Signal("one.draught_flow", "two.inflow"), Signal("two.passed", "one.outflow")),
    )({"one.volume": Fixed(10.0), "one.draught": Fixed(0.5)})
    x, _, _ = advanced(model, started(model), 1.0, held(model, {}))
    names = [v.name for v in model.variables]
    assert x[0, 0, names.index("one.volume")] == pytest.approx(5.0)  # held over the second


def test_an_algebraic_loop_is_refused_with_its_path() -> None:
    class Rising(Tank):
        outputs = (
            *Tank.outputs[:1],
            Output("passed", "L/s", physics(lambda volume, inflow: 0.0 * volume + 1.0 + inflow)),
        )

    links = (Signal("one.passed", "two.inflow"), Signal("two.passed", "one.inflow"))
    with pytest.raises(ModelError, match=r"algebraic loop: two.inflow -> one.passed -> one.inflow -> two.passed"):
        joined(parts={"one": Rising, "two": Rising}, links=links)()
    with pytest.raises(ModelError, match=r"algebraic loop: one.in.passed -> two.in.inflow, two.in.passed -> one.in"):
        opaquely(joined(parts={"one": Rising, "two": Rising}, links=links))


def test_a_loop_that_only_some_states_close_costs_the_members_in_it() -> None:
    """What is passed on above 20 L grows at every look; below it is steady."""

    closing = physics(lambda volume, inflow: 1.0 + (inflow if volume > 20.0 else 0.0))

    class Closing(Tank):
        outputs = (*Tank.outputs[:1], Output("passed", "L/s", closing))

    links = (Signal("one.passed", "two.inflow"), Signal("two.passed", "one.inflow"))
    model = opaquely(joined(parts={"one": Closing, "two": Closing}, links=links))
    x = started(model, members=2)
    names = [variable.name for variable in model.variables]
    x[0, 1, [names.index("one.in.volume"), names.index("two.in.volume")]] = 30.0
    after, _, _ = advanced(model, x, 1.0, held(model, {}))
    assert np.isfinite(after[0, 0]).all()
    assert np.isnan(after[0, 1, names.index("one.in.volume")])


def opaquely(kind: type[Joined]) -> Joined:
    """The same whole of parts that cannot be looked into: each is one in itself."""
    parts = {name: joined(parts={"in": part}) for name, part in kind.parts.items()}
    signals = [link for link in kind.links if isinstance(link, Signal)]
    links = [Signal(s.source.replace(".", ".in."), s.target.replace(".", ".in.")) for s in signals]
    return joined(parts=parts, links=tuple(links))()


def test_parts_are_tried_on_their_prior() -> None:
    """A tank that empties within 0.01 s cannot be stepped by 0.1 s."""

    class Hasty(Tank):
        rate = physics(lambda volume, draught: -volume * draught)
        table = (Tank.table[0], Parameter("draught", "1/s", Fixed(100.0)))

    trial = tried(joined(parts={"one": Hasty, "two": Tank})(), 1.0, {})
    assert ["with steps of 0.1 s the integration diverges" in fault.what for fault in trial.faults] == [True]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ModelError, match=r"expected a splitting of gauss-seidel or strang, got 'strung'"):
        joined(splitting="strung")()
    with pytest.raises(ModelError, match=r"expected an exchange interval above 0 s, got 0"):
        joined(exchange=0.0)()
    flux = Flux("down", "one.outflow", "two.inflow", carries="one.draught_flow")
    with pytest.raises(ModelError, match=r"input 'two.inflow' has two owners"):
        joined(links=(flux, Signal("one.draught_flow", "two.inflow")))()
    with pytest.raises(ModelError, match=r"by a law"):
        joined(links=(Flux("down", "one.outflow", "two.inflow", drawn, unit="L/s"),))()
    with pytest.raises(ModelError, match=r"'one.volume' for 'one.outflow': 'L' measures volume"):
        joined(links=(Flux("down", "one.outflow", "two.inflow", carries="one.volume"),))()
    with pytest.raises(ModelError, match=r"unknown variable 'three.volume'"):
        joined()({"three.volume": Fixed(1.0)})
    with pytest.raises(ModelError, match=r"expected an input of a part, got 'two.infow'"):
        joined(links=(Signal("one.draught_flow", "two.infow"),))()


def test_the_links_and_intervals_are_part_of_what_a_model_is() -> None:
    link = (Flux("down", "one.outflow", "two.inflow", carries="one.draught_flow"),)
    kinds = [joined(), joined(links=link), joined(exchange=2.0), joined(splitting="strang")]
    assert len({kind().fingerprint for kind in kinds}) == len(kinds)
