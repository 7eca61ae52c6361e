"""A drug in the whole body: tissues with their blood flows, by the physiology of a reference adult. Made of models.

Blood flows from the veins through the lungs into the arteries, and from there through every tissue; that of stomach,
intestines, pancreas and spleen comes together in the portal vein and passes the liver, once. The shares of the cardiac
output add up to one (BALANCED), so as much blood leaves every place as enters it. The drug is eliminated by liver and
kidneys.

Shares and masses: those of a reference adult (ICRP Publication 23, 1975, where a kilogram counts as a litre); the
cardiac output is 6.5 L/min until it is told. Blood: 5.2 L, a quarter of it arterial. Partition coefficients are those
of a drug of which nothing is known.
"""

from collections.abc import Iterator, Mapping

from twin_models.drugs.portal_vein import ORGANS, PortalVein
from twin_models.drugs.tissue import tissue
from twin_models.fluxes import drainage, perfusion
from twin_runtime.errors import ModelError
from twin_runtime.modelling.coupling import Coupled, Link, Signal
from twin_runtime.modelling.variables import Fixed, LogNormal, Prior

TISSUES = {
    "stomach": (0.15, 0.01),
    "small_intestine": (0.64, 0.10),
    "large_intestine": (0.37, 0.04),
    "pancreas": (0.10, 0.01),
    "spleen": (0.18, 0.03),
    "liver": (1.8, 0.065),
    "kidneys": (0.31, 0.19),
    "brain": (1.4, 0.12),
    "heart": (0.33, 0.04),
    "muscle": (28.0, 0.17),
    "marrow": (3.0, 0.06),
    "bone": (5.0, 0.015),
    "fat": (12.5, 0.05),
    "skin": (2.6, 0.05),
    "thyroid": (0.02, 0.015),
    "adrenals": (0.014, 0.003),
    "other": (7.1, 0.032),
}
"""Litres, and the share of the cardiac output that comes from the arteries; 25.5 % flow through the liver in all."""
ELIMINATING = {"liver": 0.01, "kidneys": 0.001}
"""Which tissues eliminate a drug, and about how fast: clearance in L/s of what is in their blood."""
BALANCED = 1e-12
"""How far from one the shares may add up."""

POOLS = {
    "veins": tissue(volume=Fixed(3.8), share=Fixed(1.0), partition=Fixed(1.0)),
    "lungs": tissue(volume=Fixed(1.0), share=Fixed(1.0)),
    "arteries": tissue(volume=Fixed(1.3), share=Fixed(1.0), partition=Fixed(1.0)),
    "portal_vein": PortalVein,
}


def _tissue(name: str) -> type:
    volume, share = TISSUES[name]
    clearance = {"clearance": LogNormal(ELIMINATING[name], 1.0)} if name in ELIMINATING else {}
    return tissue(volume=Fixed(volume), share=Fixed(share), **clearance)


def _links() -> tuple[Link, ...]:
    """All that flows, and the cardiac output that all share."""
    around: tuple[Link, ...] = (
        drainage.flux("to_lungs", "veins.outlet", "lungs.inlet"),
        drainage.flux("from_lungs", "lungs.outlet", "arteries.inlet"),
        drainage.flux("portal", "portal_vein.outlet", "liver.inlet"),
        Signal("portal_vein.leaving_flow", "liver.joining"),
        *(Signal(f"{organ}.leaving_flow", f"portal_vein.{organ}") for organ in ORGANS),
        *(Signal("cardiac_output", f"{part}.cardiac_output") for part in (*TISSUES, "veins", "lungs", "arteries")),
    )
    through: Iterator[tuple[Link, Link]] = (
        (
            perfusion.flux(f"to_{name}", "arteries.outlet", f"{name}.inlet"),
            drainage.flux(f"from_{name}", f"{name}.outlet", "portal_vein.inlet" if name in ORGANS else "veins.inlet"),
        )
        for name in TISSUES
    )
    return (*around, *(flux for pair in through for flux in pair))


class WholeBody(Coupled):
    """Concentration of a drug in the blood and in seventeen tissues."""

    name = "whole_body"
    parts = {**POOLS, **{name: _tissue(name) for name in TISSUES}}
    links = _links()

    def __init__(self, priors: Mapping[str, Prior] | None = None, walk: Mapping[str, float] | None = None) -> None:
        super().__init__(priors, walk)
        shares = [v for v in self.variables if v.name.endswith(".share") and v.name.partition(".")[0] in TISSUES]
        total = sum(v.prior.physical(v.prior.centre) for v in shares)
        if abs(total - 1.0) > BALANCED or any(v.prior.sd or v.walk for v in shares):
            what = f"expected fixed shares of the cardiac output that add up to 1, got {total:.6g}"
            remedy = "take from one tissue what another gets, and give both a `fixed` prior: or blood is made or lost"
            raise ModelError(what, where=f"model {self.name}", remedy=remedy)
