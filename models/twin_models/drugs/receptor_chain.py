"""From the plasma to an effect: plasma, tissue with receptors, signal, biomarker. A model made of models.

V_p C_p' = -CL C_p - Q (C_p - C_t / K) + dose, and the same flux into the tissue, where receptors bind and take in the
drug; those that are bound drive the response. The tissue may clear the drug by itself as well, which is zero in the
equations above.
"""

from twin_models.drugs.compartment import Compartment
from twin_models.drugs.indirect_response import IndirectResponse
from twin_models.drugs.target_mediated import TargetMediated
from twin_models.fluxes import distribution
from twin_runtime.modelling.coupling import Coupled, Signal


class ReceptorChain(Coupled):
    """A drug in the plasma, in the tissue and at its receptors, and what it does there."""

    name = "receptor_chain"
    parts = {"plasma": Compartment, "tissue": TargetMediated, "response": IndirectResponse}
    links = (
        distribution.flux("uptake", "plasma.surface", "tissue.surface"),
        Signal("tissue.complexes", "response.complexes"),
    )
