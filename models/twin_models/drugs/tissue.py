"""A tissue through which blood flows: what comes in with the blood mixes with the tissue, and leaves with the blood.

V dC/dt = Q C_in - (Q + joining) C / K - CL C / K: perfusion alone limits the exchange (Nestorov 2003, Whole body
pharmacokinetic models, Clin Pharmacokinet 42:883-908). The arterial flow is a share of the cardiac output; blood that
joins, such as that of the gut in the liver, leaves with it. A pool of blood is a tissue that holds as much as blood.
"""

from dataclasses import replace
from typing import ClassVar, cast

from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.physics import physics
from twin_runtime.modelling.variables import (
    Conserved,
    Constant,
    Fixed,
    Input,
    LogNormal,
    Output,
    Parameter,
    Port,
    Prior,
    Shape,
    State,
    Variable,
)

CARDIAC_OUTPUT = Input("cardiac_output", "L/s", 6.5 / 60.0)
"""That of an adult at rest, until it is told."""


@physics
def leaving(concentration: float, partition: float) -> float:
    """Concentration in the blood that leaves."""
    return concentration / partition


@physics
def blood_flow(share: float, cardiac_output: float) -> float:
    """What flows in from the arteries."""
    return share * cardiac_output


@physics
def leaving_flow(share: float, cardiac_output: float, joining: float) -> float:
    """What flows out: as much as comes in."""
    return share * cardiac_output + joining


@physics
def rate(concentration: float, partition: float, volume: float, clearance: float, infusion: float) -> float:
    """Change by what is infused and eliminated; what the blood brings and takes is a matter of links."""
    return (infusion - clearance * concentration / partition) / volume


@physics
def after_dose(concentration: float, volume: float, dose: float) -> float:
    """A dose that is given at once."""
    return concentration + dose / volume


@physics
def held(concentration: float, volume: float) -> float:
    """How much of the drug is in the tissue."""
    return concentration * volume


@physics
def entering(concentration: float, partition: float, clearance: float, infusion: float) -> float:
    """What is infused, less what is eliminated."""
    return infusion - clearance * concentration / partition


class Tissue(OdeModel):
    """A tissue and its blood flow; as it stands a muscle that eliminates nothing."""

    name = "tissue"
    table: ClassVar[tuple[Variable | Constant, ...]] = (
        State("concentration", "mg/L", Fixed(0.0)),
        Parameter("volume", "L", Fixed(28.0)),
        Parameter("share", "1", Fixed(0.17)),
        Parameter("partition", "1", LogNormal(1.0, 0.5)),
        Parameter("clearance", "L/s", Fixed(0.0)),
    )
    inputs = (
        CARDIAC_OUTPUT,
        Input("joining", "L/s"),
        Input("infusion", "mg/s"),
        Input("dose", "mg", shape=Shape.EVENT),
    )
    outputs = (
        Output("concentration", "mg/L"),
        Output("leaving", "mg/L", leaving),
        Output("blood_flow", "L/s", blood_flow),
        Output("leaving_flow", "L/s", leaving_flow),
        Output("amount", "mg", held),
    )
    ports = (
        Port("inlet", "concentration", "mg/s", shows=("blood_flow",), capacity="volume"),
        Port("outlet", "concentration", "mg/s", shows=("leaving", "leaving_flow"), capacity="volume"),
    )
    rate = rate
    events = {"dose": after_dose}
    conserved = (Conserved("drug", "mg", held, entering),)
    step = 0.5


def tissue(**priors: Prior) -> type[Tissue]:
    """A tissue with other priors, for a part."""
    table = tuple(
        replace(row, prior=priors.get(row.name, row.prior)) if isinstance(row, Variable) else row
        for row in Tissue.table
    )
    return cast("type[Tissue]", type("Tissue", (Tissue,), {"table": table}))
