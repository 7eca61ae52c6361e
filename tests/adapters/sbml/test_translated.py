"""SBML models, translated, against libroadrunner; what every model must do; what a twin changes."""

import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import roadrunner

from twin_adapters import sbml
from twin_runtime.core import FloatArray
from twin_runtime.modelling.files import Wanted
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.ode import OdeModel
from twin_runtime.modelling.signals import InputSignals, no_points
from twin_runtime.modelling.trial import tried
from twin_runtime.modelling.variables import Fixed, LogNormal, Prior, State
from twin_runtime.testing import ModelTests

MODELS = Path(__file__).parent / "models"
WANTED = {
    "uptake": Wanted(variables=frozenset({"Vmax"}), outputs=frozenset({"dimerise", "uptake_flux"})),
    "repressilator": Wanted(variables=frozenset({"t_half_mRNA"}), outputs=frozenset({"total", "decay_p_cI"})),
    "infusion": Wanted(
        variables=frozenset({"half"}), inputs=frozenset({"dose"}), outputs=frozenset({"effect", "release"})
    ),
}
SECONDS = {"uptake": 1.0, "repressilator": 60.0, "infusion": 3600.0}
"""Of a unit of each model's time."""


def translated(name: str, step: float | None = None) -> type[OdeModel]:
    return sbml.model(MODELS / f"{name}.xml", WANTED[name], step=step)


def undriven(model: Model, rows: int = 1) -> InputSignals:
    values = np.array([[[given.default] for given in model.inputs]] * rows).reshape(rows, len(model.inputs), 1)
    return InputSignals(np.full(values.shape, -np.inf), values, np.ones(rows))


def solved(model: OdeModel, ends: FloatArray) -> dict[str, FloatArray]:
    """All quantities at some times, in seconds, from the start of the file."""
    x = np.array([[[v.prior.centre for v in model.variables]]])
    signals, found, now = undriven(model), [], 0.0
    for end in ends:
        model.advance(x, end - now, signals, no_points(1), np.empty((1, 1, 0)), np.empty(1))
        now = end
        found.append(model.observe(x, 0.0, signals)[0, 0])
    return dict(zip((q.name for q in model.quantities), np.array(found).T, strict=True))


def by_roadrunner(name: str, columns: list[str], ends: FloatArray, **changed: float) -> dict[str, FloatArray]:
    """The same from libroadrunner, in the model's own time; a species that is a concentration stands in brackets."""
    runner: Any = roadrunner.RoadRunner(str(MODELS / f"{name}.xml"))
    runner.integrator.relative_tolerance, runner.integrator.absolute_tolerance = 1e-12, 1e-14
    runner.integrator.maximum_num_steps = 1_000_000
    for parameter, value in changed.items():
        runner.setValue(parameter, value)
    amounts = {"bound", *(c for c in columns if c.startswith(("m_", "p_")))}
    species = {*runner.model.getFloatingSpeciesIds()}
    runner.timeCourseSelections = ["time", *(f"[{c}]" if c in species - amounts else c for c in columns)]
    table = runner.simulate(times=[0.0, *ends])
    return dict(zip(columns, np.array(table)[1:, 1:].T, strict=True))


@pytest.mark.parametrize("name", list(WANTED))
def test_it_agrees_with_libroadrunner(name: str) -> None:
    """At 40 times over 40 units of the model's time, to 1e-8 of the largest value of each quantity."""
    step = {"uptake": 0.01, "repressilator": 1.0, "infusion": 5.0}[name]
    ends = np.linspace(1.0, 40.0, 40)
    ours = solved(translated(name, step)(), ends * SECONDS[name])
    names = [each for each in ours if each not in ("time", *WANTED[name].variables)]
    theirs = by_roadrunner(name, names, ends)
    assert len(names) >= 5
    for each in names:
        scale = np.abs(theirs[each]).max()
        np.testing.assert_allclose(ours[each], theirs[each], atol=1e-8 * scale, rtol=0.0, err_msg=each)


@pytest.mark.parametrize("name", list(WANTED))
def test_its_own_step_is_short_enough(name: str) -> None:
    """The step that is found by itself: the units check out, nothing is lost, no step is called coarse."""
    model = translated(name)
    spread = {row.name: LogNormal(2.0, 0.2) for row in model.table if isinstance(row, State) and row.name != "time"}
    trial = tried(model(spread), SECONDS[name], {})
    assert not trial.faults, list(map(str, trial.faults))
    assert not trial.remarks, list(map(str, trial.remarks))


def test_what_is_assigned_at_the_start_follows_what_a_twin_changes() -> None:
    """``k_off`` is ln 2 / half: with another half-life, the drug leaves the tissue at another rate."""
    ends = np.linspace(1.0, 20.0, 5)
    ours = solved(translated("infusion", 5.0)({"half": Fixed(1.4)}), ends * 3600.0)
    theirs = by_roadrunner("infusion", ["bound"], ends, k_off=math.log(2.0) / 1.4)
    np.testing.assert_allclose(ours["bound"], theirs["bound"], rtol=1e-8)
    assert abs(ours["bound"][0] - by_roadrunner("infusion", ["bound"], ends)["bound"][0]) > 0.1


def test_rates_are_per_second_whatever_the_unit_of_its_time() -> None:
    model = translated("infusion")()
    units = {q.name: q.unit for q in model.quantities} | {i.name: i.unit for i in model.inputs}
    assert (units["drug"], units["bound"], units["dose"], units["time"]) == ("mg/L", "mg", "mg/h", "h")
    assert translated("infusion").step == pytest.approx(100.0)  # of 0.6 h
    assert solved(model, np.array([7200.0]))["time"] == pytest.approx(2.0)


class TestUptake(ModelTests):
    scale_free = ("S", "P", "Q", "Vmax", "medium", "cell", "Km", "k", "dimerise_kd")
    """SBML's numbers have no units: see :mod:`twin_adapters.sbml.translated`."""

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        wide = {"S": LogNormal(3.0, 0.2), "P": LogNormal(0.1, 0.3), "Vmax": LogNormal(0.4, 0.3)}
        return translated("uptake")({**wide, **(priors or {})})


class TestInfusion(ModelTests):
    scale_free = (*(row.name for row in translated("infusion").table), "dose")
    tick = 60.0
    inputs = MappingProxyType({"dose": (0.0, 20.0)})

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return translated("infusion")({"bound": LogNormal(4.0, 0.3), "half": LogNormal(0.7, 0.2), **(priors or {})})
