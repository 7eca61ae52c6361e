"""What bound receptors do: a signal, and a biomarker whose production it inhibits.

Dayneka, Garg & Jusko 1993, Comparison of four basic models of indirect pharmacodynamic responses, J Pharmacokinet
Biopharm 21:457-478, model I. The signal counts in units of what inhibits half as much as can be.
"""

from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import Bounded, Fixed, Input, LogNormal, Output, Parameter, State

HOUR = 3600.0


@physics
def rate(  # the equations of two states
    signal: float,
    biomarker: float,
    transduction: float,
    decay: float,
    production: float,
    inhibition: float,
    loss: float,
    complexes: float,
) -> tuple[float, float]:
    """Change of the signal and of the biomarker."""
    inhibited = inhibition * signal / (1.0 + signal)
    return transduction * complexes - decay * signal, production * (1.0 - inhibited) - loss * biomarker


class IndirectResponse(OdeModel):
    """A biomarker, as a share of what is usual, by the receptors that are bound.

    The priors are of no drug in particular: a biomarker that settles within a day, with a spread of a factor of two.
    """

    name = "indirect_response"
    table = (
        State("signal", "1", Fixed(0.0)),
        State("biomarker", "1", LogNormal(1.0, 0.2)),
        Parameter("transduction", "L/mg/s", LogNormal(0.1 / HOUR, 0.7)),
        Parameter("decay", "1/s", LogNormal(0.3 / HOUR, 0.7)),
        Parameter("production", "1/s", LogNormal(0.1 / HOUR, 0.7)),
        Parameter("inhibition", "1", Bounded(0.0, 1.0, 0.8)),
        Parameter("loss", "1/s", LogNormal(0.1 / HOUR, 0.7)),
    )
    inputs = (Input("complexes", "mg/L"),)
    outputs = (Output("signal", "1"), Output("biomarker", "1"))
    rate = rate
    step = 60.0
