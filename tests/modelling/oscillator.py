"""Models whose solutions are known in closed form."""

import math
from types import MappingProxyType

from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Bounded, Input, LogNormal, Normal, Output, Parameter, Shape, State


@physics
def motion(position: float, velocity: float, stiffness: float, damping: float, push: float) -> tuple[float, float]:
    """Velocity and acceleration of a damped spring."""
    return velocity, push - stiffness * position - damping * velocity


@physics
def kicked(position: float, velocity: float) -> tuple[float, float]:
    """A kick turns the velocity round."""
    return position, -velocity


@physics
def force(position: float, stiffness: float) -> float:
    """Force of the spring on a unit of mass."""
    return stiffness * position


class Oscillator(OdeModel):
    """A damped spring that can be pushed and kicked."""

    name = "oscillator"
    table = (
        State("position", "m", Normal(1.0, 0.2)),
        State("velocity", "m/s", Normal(0.0, 0.5)),
        Parameter("stiffness", "1/s^2", LogNormal(9.0, 0.1)),
        Parameter("damping", "1/s", Bounded(0.0, 1.0, median=0.2)),
    )
    inputs = (Input("push", "m/s^2", shape=Shape.LINEAR, gap=1.0), Input("kick", "1", shape=Shape.EVENT))
    outputs = (Output("force", "m/s^2", force), Output("position", "m"))
    rate = motion
    events = MappingProxyType({"kick": kicked})
    step = 0.02


def swing(time: float, position: float, velocity: float, stiffness: float, damping: float) -> tuple[float, float]:
    """Position and velocity of an oscillator that nobody pushes."""
    decay = 0.5 * damping
    frequency = math.sqrt(stiffness - decay**2)
    cosine, sine = math.cos(frequency * time), math.sin(frequency * time) / frequency
    fading = math.exp(-decay * time)
    return (
        fading * (position * cosine + (velocity + decay * position) * sine),
        fading * (velocity * cosine - (stiffness * position + decay * velocity) * sine),
    )


@physics
def losses(amount: float, share: float, speed: float) -> tuple[float, float]:
    """Everything decays."""
    return -speed * amount, -speed * share


class Decay(OdeModel):
    """Decay of states that are kept as a logarithm and as a logit."""

    name = "decay"
    table = (
        State("amount", "kg", LogNormal(2.0, 0.3)),
        State("share", "1", Bounded(-0.5, 1.5, median=0.8)),
        Parameter("speed", "1/s", LogNormal(0.7, 0.2)),
    )
    outputs = (Output("amount", "kg"),)
    rate = losses
    step = 0.05
