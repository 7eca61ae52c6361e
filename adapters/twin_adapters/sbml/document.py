"""An SBML file as libsbml reads it: valid, without functions and local parameters, and with nothing unsupported."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libsbml

from twin_runtime.errors import ModelError

IGNORED = (libsbml.LIBSBML_CAT_UNITS_CONSISTENCY, libsbml.LIBSBML_CAT_MODELING_PRACTICE)
"""What libsbml need not check: these are matters of style to SBML."""
SIMPLIFIED = ("expandFunctionDefinitions", "promoteLocalParameters")
HARMLESS = {"layout", "render", "annot", "groups", "l3v2extendedmath"}
"""Packages that change no number; of the extended mathematics, what is not understood is refused where it stands."""


@dataclass(frozen=True, slots=True)
class Source:
    """An SBML file: a hash of it, libsbml's document (which owns the model) and its model."""

    file: Path
    digest: str
    document: Any
    model: Any


def read(file: Path) -> Source:
    """Read an SBML file. Raises :class:`ModelError` for what is none, or is wrong in itself."""
    try:
        content = file.read_bytes()
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        raise ModelError(what, where=str(file), remedy="check the path: it is relative to the configuration") from None
    document = libsbml.readSBMLFromString(content.decode("utf-8", errors="replace"))
    for category in IGNORED:
        document.setConsistencyChecks(category, False)
    if document.getNumErrors(libsbml.LIBSBML_SEV_ERROR) + document.getNumErrors(libsbml.LIBSBML_SEV_FATAL) == 0:
        document.checkConsistency()
    worst = [document.getError(k) for k in range(document.getNumErrors())]
    worst = [error for error in worst if error.getSeverity() >= libsbml.LIBSBML_SEV_ERROR]
    if worst or document.getModel() is None:
        told = " ".join(worst[0].getMessage().split()) if worst else "it holds no model"
        where = f"{file}:{worst[0].getLine()}" if worst else str(file)
        raise ModelError(f"is no valid SBML: {told}", where=where, remedy="validate it with the tool that wrote it")
    if faults := list(unsupported(document)):
        raise ModelError(f"cannot be translated: {'; '.join(faults)}", where=str(file), remedy=REMEDY)
    for option in SIMPLIFIED:
        wish = libsbml.ConversionProperties()
        wish.addOption(option, True)
        if document.convert(wish) != libsbml.LIBSBML_OPERATION_SUCCESS:
            what = f"its functions or local parameters cannot be written out ({option})"
            raise ModelError(what, where=str(file), remedy="write them out in the tool that made it")
    return Source(file, hashlib.sha256(content).hexdigest(), document, document.getModel())


REMEDY = "take them out of the model, or write it as a model of its own (`twin new NAME`)"


def unsupported(document: Any) -> Iterator[str]:  # noqa: ANN401  # libsbml's SBMLDocument
    """What a model has that has no translation, each with the reason."""
    model = document.getModel()
    for k in range(document.getNumPlugins()):
        package = document.getPlugin(k).getPackageName()
        if package not in HARMLESS and document.getPackageRequired(package):
            yield f"it needs the package '{package}'"
    if model.getNumEvents():
        names = ", ".join(event.getId() or "without a name" for event in model.getListOfEvents())
        yield f"events ({names}): a twin's events come from inputs"
    if model.getNumConstraints():
        yield "constraints: whether a state is plausible is for the checks of a twin"
    for rule in model.getListOfRules():
        if rule.isAlgebraic():
            yield "an algebraic rule: an equation that has to be solved in every step"
    yield from _changing(model)
    for reaction in model.getListOfReactions():
        if reaction.isSetFast() and reaction.getFast():
            yield f"the fast reaction '{reaction.getId()}': an equilibrium that has to be solved in every step"
        if reaction.getKineticLaw() is None or reaction.getKineticLaw().getMath() is None:
            yield f"the reaction '{reaction.getId()}' without a kinetic law"


def _changing(model: Any) -> Iterator[str]:  # noqa: ANN401
    """Sizes and stoichiometries that are no numbers."""
    changed = {rule.getVariable() for rule in model.getListOfRules()}
    for compartment in model.getListOfCompartments():
        if compartment.getId() in changed:
            yield f"the compartment '{compartment.getId()}', whose size changes"
    for reaction in model.getListOfReactions():
        for each in (*reaction.getListOfReactants(), *reaction.getListOfProducts()):
            if each.isSetStoichiometryMath() or each.getId() in changed:
                yield f"the stoichiometry of '{each.getSpecies()}' in '{reaction.getId()}', which is calculated"
