"""Links: what they carry and in which unit, and what is refused before anything is compiled."""

from collections.abc import Mapping

import numpy as np
import pytest

from tests.modelling.coupling.parts import RESISTANCE, Bucket, Chamber, Circuit, Pump, Vessel, resistive
from twin_runtime.core import FloatArray
from twin_runtime.errors import ModelError
from twin_runtime.modelling.conformance import advanced
from twin_runtime.modelling.coupling import Coupled, Flux, Link, Signal, coupled
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.signals import InputSignals
from twin_runtime.modelling.variables import Fixed, Input, Normal, Output, Port, State

Parts = Mapping[str, type[OdeModel]]


@physics
def doubled(level: float, given: float) -> float:
    """An output that is made of an input."""
    return 2.0 * given + 0.0 * level


class Echo(OdeModel):
    """A part whose output answers its input at once."""

    name = "echo"
    table = (State("level", "1", Normal(0.0, 1.0)),)
    inputs = (Input("given", "1"),)
    outputs = (Output("answer", "1", doubled), Output("level", "1"))
    ports = (Port("side", "level", "1/s"), Port("hourly", "level", "1/h"))
    rate = physics(lambda level: -level)
    step = 0.1


class Pumped(Coupled):
    """A pump in L/min between two vessels in mL/s: the flow is the pump's own."""

    name = "pumped"
    parts = {"pump": Pump, "left": Vessel, "right": Vessel}
    links = (Flux("line", "left.wall", "right.wall", carries="pump.flow"),)


def of(model: OdeModel, x: FloatArray, signals: InputSignals) -> dict[str, float]:
    values = model.observe(x, 0.0, signals)[0, 0]
    return dict(zip((quantity.name for quantity in model.quantities), values.tolist(), strict=True))


def test_a_flux_may_be_what_a_part_delivers_in_its_own_unit() -> None:
    """0.3 L/min for 60 s are 300 mL: out of one vessel of 2 mL/mmHg, into another of 4."""
    known = {"pump.force": 1.0, "pump.time_constant": 0.5, "pump.gain": 0.3}
    known |= {"left.pressure": 200.0, "right.pressure": 10.0, "left.compliance": 2.0, "right.compliance": 4.0}
    model = Pumped({name: Fixed(value) for name, value in known.items()})
    signals = InputSignals(np.full((1, 2, 1), np.inf), np.ones((1, 2, 1)), np.ones(1))
    signals.times[0, 0] = -1.0  # the drive is 1 all along, and nobody pushes
    x = np.array([[[variable.prior.centre for variable in model.variables]]])
    before = of(model, x, signals)
    after = of(model, advanced(model, x, 60.0, signals)[0], signals)
    assert after["left.pressure"] - before["left.pressure"] == pytest.approx(-300.0 / 2.0, rel=1e-12)
    assert after["right.pressure"] - before["right.pressure"] == pytest.approx(300.0 / 4.0, rel=1e-12)


def tube(name: str = "tube", upstream: str = "a.wall", downstream: str = "b.wall") -> Flux:
    return Flux(name, upstream, downstream, resistive, unit="mL/s", table=(RESISTANCE,))


VESSELS: Parts = {"a": Vessel, "b": Vessel}
ECHOES: Parts = {"a": Echo, "b": Echo, "c": Echo}
WRONG: dict[str, tuple[Parts, tuple[Link, ...], str]] = {
    "outputs that are made of themselves": (
        ECHOES,
        (Signal("a.answer", "b.given"), Signal("b.answer", "c.given"), Signal("c.answer", "a.given")),
        "algebraic loop: b.given -> a.answer -> a.given -> c.answer -> c.given -> b.answer -> b.given; remedy: let",
    ),
    "a part that answers itself": (ECHOES, (Signal("a.answer", "a.given"),), "algebraic loop: a.given -> a.answer"),
    "an input that is not there": (
        ECHOES,
        (Signal("a.answer", "b.gven"),),
        "of a part, got 'b.gven'; remedy: did",
    ),
    "an output that is not there": (ECHOES, (Signal("a.answr", "b.given"),), "output of a part, got 'a.answr'"),
    "units that do not convert": ({"c": Chamber, "d": Chamber}, (Signal("c.pressure", "d.inflow"),), "'mmHg' measures"),
    "an output for an event": ({"p": Pump, "e": Echo}, (Signal("e.answer", "p.push"),), "is an event, which no output"),
    "one input of several units": (
        {"p": Pump, "c": Chamber},
        (Signal("x", "p.drive"), Signal("x", "c.inflow")),
        "input 'x' is to be of several units or shapes",
    ),
    "two owners": (
        ECHOES,
        (Signal("a.level", "b.given"), Signal("c.level", "b.given")),
        "two owners: 'a.level' and",
    ),
    "a port that is not there": (VESSELS, (tube(downstream="b.floor"),), "a port of a part, got 'b.floor'"),
    "a flux of another kind": (VESSELS, (Flux("f", "a.wall", "b.wall", resistive, unit="W"),), "'W' measures power"),
    "what a port does not show": (
        {"a": Vessel, "b": Bucket},
        (tube(downstream="b.top"),),
        "what the port 'b.top' shows, got 'pressure'",
    ),
    "a port whose unit needs a factor": (
        ECHOES,
        (Flux("f", "a.hourly", "b.side", carries="c.level"),),
        "the flux 'f' at 'a.hourly'",
    ),
    "neither a law nor an output": (VESSELS, (Flux("f", "a.wall", "b.wall"),), "needs either a function or an output"),
    "both": (
        VESSELS,
        (Flux("f", "a.wall", "b.wall", resistive, "mL/s", carries="a.volume"),),
        "needs either a function",
    ),
    "a name twice": (VESSELS, (tube("a"),), "2 parts or links are named 'a'"),
    "a name that cannot be": ({"a__b": Vessel}, (), "'a__b' cannot be the name of a part"),
}


@pytest.mark.parametrize(("parts", "links", "expected"), WRONG.values(), ids=list(WRONG))
def test_what_does_not_fit_is_refused_with_a_remedy(parts: Parts, links: tuple[Link, ...], expected: str) -> None:
    with pytest.raises(ModelError) as raised:
        coupled("whole", parts, links)
    assert expected in str(raised.value)
    assert raised.value.where == "model whole"
    assert raised.value.remedy


def test_a_loop_through_a_state_is_none() -> None:
    """What is stored stands between the two."""
    whole = coupled("ring", {"a": Echo, "b": Echo}, (Signal("a.level", "b.given"), Signal("b.level", "a.given")))
    assert not whole.inputs


def test_a_part_that_is_no_model_is_named() -> None:
    with pytest.raises(ModelError, match="part 'b' is no model of differential equations, but 3"):
        coupled("whole", {"a": Circuit, "b": 3}, ())  # type: ignore[dict-item]  # on purpose
