"""What an SBML model says, in the words of differential equations: states, their rates, what is calculated, numbers.

A species is a concentration, or an amount where it ``hasOnlySubstanceUnits``, as formulas of SBML mean it (SBML Level 3
Version 2 Core, sections 4.6 and 4.11); the kinetic law of a reaction is an extent by time.
"""

import keyword
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twin_adapters.sbml.document import REMEDY, Source, read
from twin_adapters.sbml.formulas import TIME, Formula, Unsupported, formula
from twin_adapters.sbml.units import spelled
from twin_runtime.errors import ModelError

TAKEN = ("math", "known", "min", "max", "abs", "float")
WORDS = {"math": math, "__builtins__": {"min": min, "max": max, "abs": abs, "float": float}}


@dataclass
class Network:
    """A model: numbers by name, states with their rates by the model's time, what is calculated, units, kinds.

    ``units`` are None where SBML's have no spelling here. ``compartment[species]`` is named where the species is a
    concentration.
    """

    source: Source
    numbers: dict[str, float] = field(default_factory=dict)
    rates: dict[str, Formula] = field(default_factory=dict)
    calculated: dict[str, Formula] = field(default_factory=dict)
    initial: dict[str, Formula] = field(default_factory=dict)
    units: dict[str, str | None] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    compartment: dict[str, str] = field(default_factory=dict)
    time_unit: str | None = None

    def start(self, name: str, asked: Sequence[str] = ()) -> float:
        """The value of anything at the start. Raises :class:`ModelError` where there is none."""
        found = self.initial.get(name) or self.calculated.get(name)
        if name in asked:
            self.refuse(f"'{name}' is calculated from itself, by {' -> '.join([*asked, name])}")
        if found is None:
            value = 0.0 if name == TIME and name not in self.numbers else self.numbers.get(name, math.nan)
        else:
            value = self._evaluated(found, (*asked, name))
        if not math.isfinite(value):
            self.refuse(f"'{name}' has no value at the start")
        return value

    def _evaluated(self, found: Formula, asked: Sequence[str]) -> float:
        values = {name: self.start(name, asked) for name in found.names}
        try:
            return float(eval(found.text, WORDS, values))  # the text is ours: see formulas.py
        except (ArithmeticError, ValueError):
            return math.nan

    def order(self, names: Sequence[str]) -> list[str]:
        """What is calculated for some names, all the way down, what is needed first."""
        ordered: dict[str, None] = {}

        def add(name: str) -> None:
            if name in self.calculated and name not in ordered:
                for each in sorted(self.calculated[name].names):
                    add(each)
                ordered[name] = None

        for name in names:
            add(name)
        return list(ordered)

    def refuse(self, what: str) -> None:
        """Raise that the model cannot be translated."""
        raise ModelError(what, where=str(self.source.file), remedy=REMEDY)


def network(file: Any) -> Network:  # noqa: ANN401
    """What an SBML file says. Raises :class:`ModelError` for what cannot be translated."""
    found = Network(read(file))
    model = found.source.model
    for compartment in model.getListOfCompartments():
        _add(found, compartment, "compartment", compartment.getSize() if compartment.isSetSize() else _one(compartment))
    for parameter in model.getListOfParameters():
        _add(found, parameter, "parameter", parameter.getValue() if parameter.isSetValue() else math.nan)
    _assign(found)
    for species in model.getListOfSpecies():
        _add(found, species, "species", math.nan)
        found.numbers[species.getId()] = _amount(found, species)
    _react(found)
    found.time_unit = _time_unit(model)
    for name in (*found.initial, *found.calculated):
        found.start(name)  # finds what has no value, and circles
    return found


def _one(compartment: Any) -> float:  # noqa: ANN401
    """A compartment without dimensions has no size; in level 1 the size is 1."""
    return 1.0 if compartment.getSpatialDimensionsAsDouble() == 0.0 or compartment.getLevel() == 1 else math.nan


def _add(found: Network, element: Any, kind: str, value: float) -> None:  # noqa: ANN401
    name = _name(found, element.getId())
    found.numbers[name], found.kinds[name] = value, kind
    found.units[name] = spelled(element.getDerivedUnitDefinition())


def _name(found: Network, name: str) -> str:
    """A name that can stand in a formula of Python."""
    if "__" in name or name in TAKEN or keyword.iskeyword(name):
        found.refuse(f"'{name}' cannot be the name of a variable here: it has '__' in it, or means something else")
    return name


def _assign(found: Network) -> None:
    """Initial assignments and rules."""
    model = found.source.model
    for each in model.getListOfInitialAssignments():
        found.initial[each.getSymbol()] = _formula(found, each.getMath(), f"the initial value of '{each.getSymbol()}'")
    for rule in model.getListOfRules():
        name = rule.getVariable()
        target = found.rates if rule.isRate() else found.calculated
        target[name] = _formula(found, rule.getMath(), f"the rule of '{name}'")


def _formula(found: Network, node: Any, what: str) -> Formula:  # noqa: ANN401
    try:
        return formula(node)
    except Unsupported as error:
        found.refuse(f"{what} contains {error}")
        raise


def _amount(found: Network, species: Any) -> float:  # noqa: ANN401
    """The value of a species at the start, as formulas mean it."""
    name, place = species.getId(), species.getCompartment()
    as_amount = species.getHasOnlySubstanceUnits() or _has_no_size(found, place)
    if not as_amount:
        found.compartment[name] = place
    size = found.start(place)
    if species.isSetInitialAmount():
        return float(species.getInitialAmount()) / (1.0 if as_amount else size)
    if species.isSetInitialConcentration():
        return float(species.getInitialConcentration()) * (size if as_amount else 1.0)
    return math.nan


def _has_no_size(found: Network, place: str) -> bool:
    return bool(found.source.model.getCompartment(place).getSpatialDimensionsAsDouble() == 0.0)


def _react(found: Network) -> None:
    """Reactions, and the rates of the species that they make and use."""
    model, terms = found.source.model, dict[str, list[tuple[str, float]]]()
    for reaction in model.getListOfReactions():
        name = _name(found, reaction.getId())
        found.calculated[name] = _formula(found, reaction.getKineticLaw().getMath(), f"the kinetic law of '{name}'")
        found.kinds[name] = "reaction"
        found.units[name] = spelled(reaction.getKineticLaw().getDerivedUnitDefinition())
        for each, sign in _sides(reaction):
            value = each.getStoichiometry() if each.isSetStoichiometry() or each.getLevel() < 3 else math.nan
            if _name(found, each.getId()):
                found.numbers[each.getId()], found.kinds[each.getId()] = value, "stoichiometry"
                found.units[each.getId()] = "1"
                value = found.start(each.getId())
            if not math.isfinite(value):
                found.refuse(f"'{each.getSpecies()}' has no stoichiometry in '{name}'")
            terms.setdefault(each.getSpecies(), []).append((name, sign * value))
    for name, changes in terms.items():
        species = model.getSpecies(name)
        if not (species.getBoundaryCondition() or species.getConstant()):
            found.rates[name] = _balance(found, species, changes)


def _sides(reaction: Any) -> Iterator[tuple[Any, float]]:  # noqa: ANN401
    yield from ((each, -1.0) for each in reaction.getListOfReactants())
    yield from ((each, 1.0) for each in reaction.getListOfProducts())


def _balance(found: Network, species: Any, changes: Sequence[tuple[str, float]]) -> Formula:  # noqa: ANN401
    """What reactions change of a species in a unit of the model's time."""
    text = " + ".join(f"{factor!r} * {reaction}" for reaction, factor in changes)
    names = {reaction for reaction, _ in changes}
    factor = species.getConversionFactor() or found.source.model.getConversionFactor()
    if factor:
        text, names = f"{factor} * ({text})", names | {factor}
    place = found.compartment.get(species.getId())
    return Formula(f"({text}) / {place}", frozenset({*names, place})) if place else Formula(text, frozenset(names))


def _time_unit(model: Any) -> str | None:  # noqa: ANN401
    """The unit of the model's time; None where it has none, or none that has a spelling."""
    if model.getLevel() < 3:
        own = model.getUnitDefinition("time")
        return spelled(own) if own is not None else "s"
    name = model.getTimeUnits()
    own = model.getUnitDefinition(name) if name else None
    return spelled(own) if own is not None else "s" if name == "second" else None


def settable(found: Network) -> Mapping[str, float]:
    """The numbers that nothing in the model changes: parameters, compartments, species at a boundary."""
    fixed = [n for n in found.numbers if n not in found.rates and n not in found.calculated]
    return {name: found.start(name) for name in fixed if found.kinds[name] != "stoichiometry"}
