"""The whole body: every node's flows balance, a drug that nothing keeps is everywhere alike, and closed forms hold."""

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest

from tests.models.driven import at_medians, driven, signals
from twin_models.drugs.portal_vein import ORGANS
from twin_models.drugs.tissue import Tissue
from twin_models.drugs.whole_body import BALANCED, TISSUES, WholeBody
from twin_runtime.errors import ModelError
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.variables import Fixed, Prior
from twin_runtime.testing import ModelTests

CARDIAC_OUTPUT = 6.5 / 60.0
"""L/s: the reference physiology, shared/reference/patient.md."""
POOLS = ("veins", "arteries", "lungs")
DAY = 86_400.0
DOSE = 100.0
CLEARANCE, PARTITIONS = 0.02, {"muscle": 2.0, "fat": 5.0, "liver": 3.0, "lungs": 1.5, "brain": 0.5}
"""L/s of the liver's blood, and a drug that some tissues hold."""


class TestTissue(ModelTests):
    inputs = MappingProxyType(
        {"cardiac_output": (0.05, 0.2), "joining": (0.0, 0.01), "infusion": (0.0, 0.2), "dose": (3.0, 9.0)}
    )
    scale_free = ("concentration",)

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Tissue(priors)


@pytest.mark.slow
@pytest.mark.timeout(600)
class TestWholeBody(ModelTests):
    tolerance = 1e-5  # the portal vein is renewed every 3.3 s, by steps of 0.5 s: 0.15^4 / 120 a step
    inputs = MappingProxyType(
        {
            given.name: {"cardiac_output": (0.05, 0.2), "dose": (3.0, 9.0)}.get(
                given.name.rpartition(".")[2], (0.0, 0.1)
            )
            for given in WholeBody.inputs
        }
    )

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return WholeBody(priors)


def body(**priors: Prior) -> WholeBody:
    """A body whose tissues hold as much as blood and eliminate nothing, but for what is given."""
    alike = {f"{name}.partition": Fixed(1.0) for name in (*TISSUES, "lungs")}
    nothing = {f"{name}.clearance": Fixed(0.0) for name in ("liver", "kidneys")}
    return WholeBody({**alike, **nothing, **priors})


def eliminating() -> WholeBody:
    """A body whose liver alone eliminates a drug."""
    held = {f"{name}.partition": Fixed(value) for name, value in PARTITIONS.items()}
    return body(**held, **{"liver.clearance": Fixed(CLEARANCE)})


def hepatic_clearance() -> float:
    """Of the well-stirred liver (Rowland, Benet & Graham 1973, J Pharmacokinet Biopharm 1:123-136), L/s."""
    flow = 0.255 * CARDIAC_OUTPUT
    return flow * CLEARANCE / (flow + CLEARANCE)


@pytest.mark.parametrize("cardiac_output", [CARDIAC_OUTPUT, 0.05])
def test_as_much_blood_leaves_every_place_as_enters_it(cardiac_output: float) -> None:
    model = body()
    names = [quantity.name for quantity in model.quantities]
    at = model.observe(at_medians(model), 1.0, signals(model, {"cardiac_output": [(0.0, cardiac_output)]}))[0, 0]
    flow = dict(zip(names, at.tolist(), strict=True))
    into = {name: flow[f"{name}.blood_flow"] for name in TISSUES}
    out = {name: flow[f"{name}.leaving_flow"] for name in (*TISSUES, "portal_vein", "lungs", "veins", "arteries")}
    portal = sum(out[organ] for organ in ORGANS)
    nodes = {
        "arteries": (out["lungs"], sum(into.values())),
        "portal_vein": (portal, out["portal_vein"]),
        "liver": (into["liver"] + portal, out["liver"]),
        "veins": (sum(out[name] for name in TISSUES if name not in ORGANS), out["veins"]),
        "lungs": (out["veins"], flow["lungs.blood_flow"]),
        **{name: (into[name], out[name]) for name in TISSUES if name != "liver"},
    }
    for name, (enters, leaves) in nodes.items():
        assert enters == pytest.approx(leaves, rel=1e-12), name
    assert out["liver"] == pytest.approx(0.255 * cardiac_output, rel=1e-12)  # the portal flow counts once


def test_a_drug_that_nothing_keeps_is_everywhere_alike_in_the_end() -> None:
    model = body()
    places = [*TISSUES, *POOLS, "portal_vein"]
    found = driven(model, [f"{name}.concentration" for name in places], [DAY], {"veins.dose": [(0.0, DOSE)]})[0]
    volume = sum(volume for volume, _ in TISSUES.values()) + 3.8 + 1.3 + 1.0 + 0.1
    assert found == pytest.approx(np.full(len(places), DOSE / volume), rel=1e-9)


def test_an_infusion_settles_at_its_rate_by_the_clearance_and_fills_the_volume_of_distribution() -> None:
    rate = 0.01
    places = [*TISSUES, *POOLS, "portal_vein"]
    outputs = ["arteries.concentration", *(f"{name}.amount" for name in places)]
    found = driven(eliminating(), outputs, [8.0 * DAY], {"veins.infusion": [(0.0, rate)]})[0]
    assert found[0] == pytest.approx(rate / hepatic_clearance(), rel=1e-9)
    assert found[1:].sum() / found[0] == pytest.approx(volume_of_distribution(), rel=1e-9)


def volume_of_distribution() -> float:
    """By volumes and partition coefficients; in the liver at the concentration that leaves it."""
    flow = 0.255 * CARDIAC_OUTPUT
    held = {name: volume * PARTITIONS.get(name, 1.0) for name, (volume, _) in TISSUES.items()}
    held["liver"] *= flow / (flow + CLEARANCE)
    return math.fsum(held.values()) + 3.8 + 1.3 + 1.0 * PARTITIONS["lungs"] + 0.1


def test_area_and_residence_of_a_dose_are_those_of_clearance_and_volume() -> None:
    seconds = np.concatenate([np.arange(1.0, 600.0), np.geomspace(600.0, 4.0 * DAY, 2000)])
    places = [*TISSUES, *POOLS, "portal_vein"]
    outputs = ["arteries.concentration", *(f"{name}.amount" for name in places)]
    found = driven(eliminating(), outputs, seconds, {"veins.dose": [(0.0, DOSE)]})
    area, amount = np.trapezoid(found[:, 0], seconds), np.trapezoid(found[:, 1:].sum(axis=1), seconds)
    assert area == pytest.approx(DOSE / hepatic_clearance(), rel=1e-3)
    assert amount / DOSE == pytest.approx(volume_of_distribution() / hepatic_clearance(), rel=1e-3)


def test_shares_that_make_blood_are_refused() -> None:
    with pytest.raises(ModelError, match=r"got 1\.05; remedy: take from one tissue"):
        WholeBody({"brain.share": Fixed(0.17)})
    WholeBody({"brain.share": Fixed(0.17), "muscle.share": Fixed(0.12)})
    assert abs(sum(share for _, share in TISSUES.values()) - 1.0) < BALANCED
