"""What has no translation is refused by name, with the reason, before anything is compiled."""

from pathlib import Path
from typing import Any

import pytest

from twin_adapters import sbml
from twin_runtime.errors import ModelError
from twin_runtime.modelling.files import Wanted

UPTAKE = (Path(__file__).parent / "models" / "uptake.xml").read_text()
MATH = '<math xmlns="http://www.w3.org/1998/Math/MathML">'
SYMBOL = '<csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/{0}"> {0} </csymbol>'
TIMED = f"{MATH}<apply><gt/>{SYMBOL.format('time')}<cn>1</cn></apply></math>"
DELAYED = (
    '<apply><csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/delay"> delay </csymbol>'
    "<ci> P </ci><cn> 1 </cn></apply>"
)
EVENT = (
    f'<listOfEvents><event id="bolus"><trigger>{TIMED}</trigger><listOfEventAssignments><eventAssignment variable="P">'
    f"{MATH}<cn>1</cn></math></eventAssignment></listOfEventAssignments></event></listOfEvents></model>"
)
RULES = "<listOfRules>{}</listOfRules><listOfReactions>"
K, LEAK = (
    '<parameter id="k" value="0.15" units="litre_per_second" constant="true"/>',
    "<ci> k </ci>\n              <ci> P </ci>",
)


def assigned(variable: str, text: str) -> str:
    return f'<assignmentRule variable="{variable}">{MATH}{text}</math></assignmentRule>'


CIRCLE = '<parameter id="one" constant="false"/><parameter id="two" constant="false"/>'
REFUSED = {
    "events": [("</model>", EVENT), "events (bolus): a twin's events come from inputs"],
    "an algebraic rule": [
        (
            "<listOfReactions>",
            RULES.format(f"<algebraicRule>{MATH}<apply><minus/><ci>x</ci><ci>S</ci></apply></math></algebraicRule>"),
        ),
        (K, f'{K}<parameter id="x" constant="false"/>'),
        "an algebraic rule: an equation that has to be solved in every step",
    ],
    "a delay": [(LEAK, f"<ci> k </ci>{DELAYED}"), "the kinetic law of 'leak' contains the element 'delay'"],
    "a fast reaction": [('id="leak"', 'id="leak" fast="true"'), "the fast reaction 'leak': an equilibrium"],
    "a compartment that grows": [
        ('id="cell" spatialDimensions="3" size="0.5" constant="true"', 'id="cell" size="0.5" constant="false"'),
        ("<listOfReactions>", RULES.format(assigned("cell", "<ci>S</ci>"))),
        "the compartment 'cell', whose size changes",
    ],
    "a calculated stoichiometry": [
        (
            '<speciesReference species="P" stoichiometry="2"/>',
            f'<speciesReference species="P"><stoichiometryMath>{MATH}<ci>Km</ci></math></stoichiometryMath>'
            "</speciesReference>",
        ),
        "the stoichiometry of 'P' in 'dimerise', which is calculated",
    ],
    "a parameter without a value": [('id="Km" value="0.8"', 'id="Km"'), "'Km' has no value at the start"],
    "a piecewise formula with a hole": [
        (LEAK, f"<piecewise><piece><ci> k </ci>{TIMED.removeprefix(MATH).removesuffix('</math>')}</piece></piecewise>"),
        "the kinetic law of 'leak' contains a piecewise formula without a value otherwise",
    ],
    "a name that Python cannot have": [("dimerise", "dim__er"), "'dim__er_kd' cannot be the name of a variable"],
    "such a name of a reaction": [('"leak"', '"le__ak"'), "'le__ak' cannot be the name of a variable"],
    "a circle of rules": [
        (K, K + CIRCLE),
        ("<listOfReactions>", RULES.format(assigned("one", "<ci>two</ci>") + assigned("two", "<ci>one</ci>"))),
        "is no valid SBML: ",
    ],
    "no XML": [(UPTAKE, "S -> P"), "is no valid SBML: "],
    "XML that is no SBML": [(UPTAKE, "<tank/>"), "is no valid SBML: "],
    "a species of a compartment that is not there": [
        ('compartment="medium"', 'compartment="midium"'),
        "is no valid SBML: ",
    ],
    "a law that asks for what is not there": [(LEAK, "<ci> kk </ci><ci> P </ci>"), "is no valid SBML: "],
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=list(REFUSED))
def test_it_is_refused(tmp_path: Path, changes: list[Any]) -> None:
    text = UPTAKE
    *pairs, expected = changes
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    path = tmp_path / "uptake.xml"
    path.write_text(text)
    with pytest.raises(ModelError) as raised:
        sbml.model(path, Wanted())
    assert expected in str(raised.value)
    assert "uptake.xml" in str(raised.value)
    assert "remedy: " in str(raised.value)


SETTINGS: dict[str, tuple[Wanted, dict[str, Any], str]] = {
    "an unknown prior": (Wanted(frozenset({"Vmxa"})), {}, "'Vmxa' is no species, parameter or compartment"),
    "a prior of what is calculated": (Wanted(frozenset({"leak"})), {}, "'leak' is no species, parameter"),
    "a prior and an input": (Wanted(frozenset({"k"}), frozenset({"k"})), {}, "'k' has both a prior and an input"),
    "a step of nothing": (Wanted(), {"step": 0.0}, "expected a step above 0 s, got 0.0"),
    "a unit of nothing": (Wanted(), {"units": {"V": "L"}}, "has no 'V'"),
    "a time in litres": (Wanted(), {"time_unit": "L"}, "the unit of its time: 'L' measures volume"),
}


@pytest.mark.parametrize(("wanted", "settings", "expected"), SETTINGS.values(), ids=list(SETTINGS))
def test_settings_that_do_not_fit(tmp_path: Path, wanted: Wanted, settings: dict[str, Any], expected: str) -> None:
    path = tmp_path / "uptake.xml"
    path.write_text(UPTAKE)
    with pytest.raises(ModelError) as raised:
        sbml.model(path, wanted, **settings)
    assert expected in str(raised.value)


def test_a_model_whose_time_has_no_unit_must_be_told_it(tmp_path: Path) -> None:
    text = (Path(__file__).parent / "models" / "infusion.xml").read_text()
    path = tmp_path / "infusion.xml"
    path.write_text(text.replace(' timeUnits="hour"', ""))
    with pytest.raises(ModelError, match='say which it is: time_unit = "s"'):
        sbml.model(path, Wanted())
    in_hours = sbml.model(path, Wanted(), time_unit="h")
    in_seconds = sbml.model(path, Wanted(), time_unit="s")
    assert in_hours.step == pytest.approx(100.0)
    assert in_seconds.step == pytest.approx(0.02)
