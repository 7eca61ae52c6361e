"""The convection of Lorenz 1963 (J Atmos Sci 20:130-141): three variables, chaotic. A test of assimilation.

One second is one unit of its time. The start is that of Sakov, Oliver & Bertino 2012 (Mon Wea Rev 140:1988-2004).
"""

from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Fixed, Normal, Output, Parameter, State


@physics
def rate(x, y, z, sigma, rho, beta, pace):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Rates of convection, of the difference between rising and sinking fluid, and of the profile's distortion."""
    return pace * sigma * (y - x), pace * (x * (rho - z) - y), pace * (x * y - beta * z)


class Lorenz63(OdeModel):
    """Lorenz's convection: chaos in three variables."""

    name = "lorenz63"
    table = (
        State("x", "1", Normal(1.509, 2.0**0.5)),
        State("y", "1", Normal(-1.531, 2.0**0.5)),
        State("z", "1", Normal(25.46, 2.0**0.5)),
        Parameter("sigma", "1", Fixed(10.0)),
        Parameter("rho", "1", Fixed(28.0)),
        Parameter("beta", "1", Fixed(8.0 / 3.0)),
        Parameter("pace", "1/s", Fixed(1.0)),
    )
    outputs = (Output("x", "1"), Output("y", "1"), Output("z", "1"))
    rate = rate
    step = 0.01
