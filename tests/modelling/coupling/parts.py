"""Small parts for coupled models: a vessel that stores, a pump, a heart that beats, a room that is heated."""

from twin_runtime.modelling.coupling import Coupled, Flux, Signal
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import (
    Conserved,
    Fixed,
    Input,
    LogNormal,
    Normal,
    Output,
    Parameter,
    Port,
    Shape,
    State,
)


@physics
def volume(pressure: float, compliance: float) -> float:
    """What a vessel holds."""
    return pressure * compliance


@physics
def leaking(pressure: float, compliance: float, leak: float) -> float:
    """What enters a vessel: by its leak."""
    return -leak * pressure * compliance


class Vessel(OdeModel):
    """A compliant vessel; what flows in and out is a matter of its links. The port divides by a second on its own."""

    name = "vessel"
    table = (
        State("pressure", "mmHg", Normal(10.0, 2.0)),
        Parameter("compliance", "mL/mmHg", LogNormal(1.5, 0.3)),
        Parameter("leak", "1/s", Fixed(0.0)),
    )
    outputs = (Output("pressure", "mmHg"), Output("volume", "mL", volume))
    ports = (Port("wall", "pressure", "mL/s", shows=("pressure",), capacity="compliance"),)
    rate = physics(lambda pressure, leak: -leak * pressure)
    conserved = (Conserved("volume", "mL", volume, leaking),)
    step = 0.01


@physics
def resistive(upstream_pressure: float, downstream_pressure: float, resistance: float) -> float:
    """Flow through a resistance."""
    return (upstream_pressure - downstream_pressure) / resistance


RESISTANCE = Parameter("resistance", "mmHg*s/mL", LogNormal(2.0, 0.2))


class TwoVessels(Coupled):
    """Two vessels joined by a resistance."""

    name = "two_vessels"
    parts = {"left": Vessel, "right": Vessel}
    links = (Flux("tube", "left.wall", "right.wall", resistive, unit="mL/s", table=(RESISTANCE,)),)


@physics
def filling(force: float, time_constant: float, drive: float) -> float:
    """A pump follows its drive."""
    return (drive - force) / time_constant


@physics
def delivered(force: float, gain: float) -> float:
    """What a pump delivers."""
    return gain * force


@physics
def pulse(force: float) -> float:
    """A push adds to its force."""
    return force + 1.0 + 0.0 * force


class Pump(OdeModel):
    """A pump with a drive and pushes; it delivers litres a minute."""

    name = "pump"
    table = (
        State("force", "1", Normal(1.0, 0.1)),
        Parameter("time_constant", "s", LogNormal(0.5, 0.1)),
        Parameter("gain", "L/min", LogNormal(0.3, 0.1)),
    )
    inputs = (Input("drive", "1", default=1.0, shape=Shape.LINEAR, gap=10.0), Input("push", "1", shape=Shape.EVENT))
    outputs = (Output("flow", "L/min", delivered),)
    rate = filling
    events = {"push": pulse}
    step = 0.02


@physics
def filled(pressure: float, resistance: float, compliance: float, inflow: float) -> float:
    """A chamber that is filled and leaks."""
    return (inflow - pressure / resistance) / compliance


@physics
def outflow(pressure: float, resistance: float) -> float:
    """What leaves the chamber."""
    return pressure / resistance


class Chamber(OdeModel):
    """A chamber with a measured inflow."""

    name = "chamber"
    table = (
        State("pressure", "mmHg", Normal(10.0, 2.0)),
        Parameter("resistance", "mmHg*s/mL", LogNormal(2.0, 0.2)),
        Parameter("compliance", "mL/mmHg", LogNormal(1.0, 0.2)),
    )
    inputs = (Input("inflow", "mL/s", shape=Shape.LINEAR, gap=10.0),)
    outputs = (Output("pressure", "mmHg"), Output("outflow", "mL/s", outflow))
    rate = filled
    step = 0.01


class Circuit(Coupled):
    """A pump that fills a chamber; litres a minute become millilitres a second."""

    name = "circuit"
    parts = {"pump": Pump, "chamber": Chamber}
    links = (Signal("pump.flow", "chamber.inflow"),)


class Ward(Coupled):
    """Two circuits with one drive: a whole of wholes."""

    name = "ward"
    parts = {"one": Circuit, "two": Circuit}
    links = (Signal("drive", "one.pump.drive"), Signal("drive", "two.pump.drive"), Signal("push", "two.pump.push"))


@physics
def drained(upstream_pressure: float, resistance: float) -> float:
    """Flow out of a vessel into a place without pressure."""
    return upstream_pressure / resistance


class Bucket(OdeModel):
    """A bucket that keeps no account of what it holds."""

    name = "bucket"
    table = (State("level", "mL", Normal(0.0, 1.0)), Parameter("evaporation", "1/s", Fixed(0.0)))
    outputs = (Output("level", "mL"),)
    ports = (Port("top", "level", "mL/s"),)
    rate = physics(lambda level, evaporation: -evaporation * level)
    step = 0.01


class Drained(Coupled):
    """A vessel that drains into a bucket: volume leaves what keeps account of it."""

    name = "drained"
    parts = {"vessel": Vessel, "bucket": Bucket}
    links = (Flux("drain", "vessel.wall", "bucket.top", drained, unit="mL/s", table=(RESISTANCE,)),)
