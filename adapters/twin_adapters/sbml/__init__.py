"""SBML models as models of twins: translated by libsbml into differential equations of the runtime's own."""

from twin_adapters.sbml.contents import contents
from twin_adapters.sbml.read import model

__all__ = ["contents", "model"]
