"""What a configuration, its method of assimilation and its model must agree on, and what comes of it if they do."""

import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import cast

import numpy as np
import pytest

from tests.packages import install
from twin_runtime.assimilation import AdaptiveInflation, Ensrf, Etkf, Inflation, Letkf, ParticleFilter
from twin_runtime.config import Config, load
from twin_runtime.config.explain import toml
from twin_runtime.errors import ConfigError
from twin_runtime.modelling.positions import Positions, along, with_past
from twin_runtime.runs.assembly import assemble
from twin_runtime.vvuq.divergence import Divergence, Response

RING = """\
[twin]
name = "ring"
model = "lorenz96"
tick = "50 ms"
[sensors.u1]
unit = "1"
noise = 1.0
[assimilation]
"""
ARTERY = RING.replace("lorenz96", "artery").replace("[sensors.u1]", '[sensors.u1]\nobserves = "pressure"')
ARTERY = ARTERY.replace('unit = "1"', 'unit = "mmHg"') + '{}[inputs.r_peak]\nunit = "1"\n'
TWO = RING.replace("[assimilation]", '[sensors.u2]\nunit = "1"\nnoise = 1.0\n[assimilation]')
THREE = TWO.replace("[assimilation]", '[sensors.u3]\nunit = "1"\nnoise = 1.0\n[assimilation]')

MISTAKES = {
    "an option of another method": (
        RING + "radius = 4.0\n",
        "ring.toml:9: assimilation.radius: method 'etkf' has no such option",
        'remove it, or use method = "ensrf" or "letkf"',
    ),
    "an option that is missing": (
        RING + 'method = "letkf"\n',
        "ring.toml:8: assimilation.radius: expected for method 'letkf', but missing",
        "radius = 4.0",
    ),
    "a radius for a model without positions": (
        ARTERY.format('method = "letkf"\nradius = 4.0\n'),
        "assimilation.radius: model 'artery' has no positions of its variables and outputs",
        "use a method without a radius",
    ),
    "particles of which a part is kept": (
        ARTERY.format('method = "particle"\n'),
        "assimilation.method: method 'particle' changes whole members, model 'artery' keeps",
        "use another method",
    ),
    "points of which a part is kept": (
        ARTERY.format('method = "unscented"\n'),
        "assimilation.method: method 'unscented' changes whole members, model 'artery' keeps",
        "use another method",
    ),
    "more members than points": (
        RING + 'method = "kalman"\n',
        "ensemble.members: method 'kalman' has two members for each of the 40 states and uncertain parameters, got 64",
        "members = 80",
    ),
    "particles that are to be smoothed": (
        RING + 'method = "particle"\nsmoothing = "1 s"\n',
        "ring.toml:10: assimilation.smoothing: members of method 'particle' have no past of their own",
        "remove smoothing, or set jitter = 0, or use another method",
    ),
    "particles that are to recall": (
        RING + 'method = "particle"\nlate = "asynchronous"\n',
        "ring.toml:10: assimilation.late: members of method 'particle' have no past of their own",
        "remove late, or set jitter = 0, or use another method",
    ),
    "a late reading that is forgotten": (
        RING + 'late = "forget"\n',
        "assimilation.late: expected 'fold' or 'asynchronous', got \"forget\"",
        'late = "fold"',
    ),
    "points for states that start from a known value": (
        RING.replace("lorenz96", "lorenz63").replace("u1", "x")
        + 'method = "unscented"\n[model.priors]\nx = { fixed = 1.0 }\nrho = { normal = [28.0, 1.0] }\n',
        "method 'unscented' has two members for each of the 4 states and uncertain parameters, got 64",
        "members = 8",
    ),
    "noise correlated with a stranger's": (
        RING + 'correlated = [["u1", "u2", 0.5]]\n',
        "ring.toml:9: assimilation.correlated: expected the name of a sensor, got 'u2'",
        "use one of: u1",
    ),
    "noise correlated with itself": (
        RING + 'correlated = [["u1", "u1", 0.5]]\n',
        "expected each pair of different sensors once, got 'u1' and 'u1'",
        "remove it",
    ),
    "noise that is the same": (
        TWO + 'correlated = [["u1", "u2", 1.0]]\n',
        "expected less than 1, got 1.0",
        "give pairs",
    ),
    "noise that is the same but for rounding": (
        TWO + 'correlated = [["u1", "u2", 0.999999999999]]\n',
        "contradict each other (not positive definite)",
        "give smaller ones",
    ),
    "noise that cannot be": (
        THREE + 'correlated = [["u1", "u2", 0.9], ["u2", "u3", 0.9], ["u1", "u3", -0.9]]\n',
        "contradict each other (not positive definite)",
        "give smaller ones",
    ),
    "correlated noise far and near": (
        TWO + 'method = "letkf"\nradius = 4.0\ncorrelated = [["u1", "u2", 0.5]]\n',
        "method 'letkf' with a radius takes the noise of all sensors for independent",
        "use a method without a radius",
    ),
    "a radius of nothing": (RING + 'method = "letkf"\nradius = 0\n', "expected more than 0, got 0", "radius = 4.0"),
}


def written(folder: Path, text: str) -> Path:
    path = folder / "ring.toml"
    path.write_text(text, encoding="utf-8")
    return path


def ring(folder: Path, **options: object) -> Config:
    """The configuration of a ring with some options of assimilation."""
    lines = "".join(f"{name} = {toml(value).lower()}\n" for name, value in options.items())
    return load(written(folder, RING + lines))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_disagreement_is_reported_with_its_place_and_its_remedy(mistake: str, tmp_path: Path) -> None:
    text, reported, remedy = MISTAKES[mistake]
    with pytest.raises(ConfigError) as caught:
        assemble(load(written(tmp_path, text)))
    assert reported in str(caught.value)
    assert remedy in str(caught.value).partition("; remedy: ")[2]


def test_a_method_gets_its_options(tmp_path: Path) -> None:
    assert assemble(ring(tmp_path)).types[0].fleet.method == Etkf()
    assert assemble(ring(tmp_path, rotate=True)).types[0].fleet.method == Etkf(rotate=True)
    assert assemble(ring(tmp_path, method="particle", jitter=0.5)).types[0].fleet.method == ParticleFilter(0.5)


@pytest.mark.parametrize("method", ["kalman", "unscented"])
def test_the_filters_of_filterpy_need_it(method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = RING + f'method = "{method}"\n[ensemble]\nmembers = 80\n'
    assert assemble(load(written(tmp_path, text))).types[0].fleet.members == 80
    monkeypatch.setitem(sys.modules, "filterpy", cast("ModuleType", None))  # what import takes for not installed
    with pytest.raises(ConfigError) as caught:
        assemble(load(written(tmp_path, text)))
    assert f"assimilation.method: method '{method}' needs the Python package 'filterpy'" in str(caught.value)
    assert "pip install" in str(caught.value)


def test_a_local_method_knows_the_model_and_the_radius(tmp_path: Path) -> None:
    for name, kind in (("letkf", Letkf), ("ensrf", Ensrf)):
        method = assemble(ring(tmp_path, method=name, radius=4.0, rotate=True)).types[0].fleet.method
        assert isinstance(method, kind)
        assert method.rotate
        assert method.localisation is not None
        assert method.localisation.radius == 4.0
        assert method.localisation.positions.outputs[:3, 0].tolist() == [0.0, 1.0, 2.0]


def test_the_past_is_kept_as_long_as_it_is_of_use(tmp_path: Path) -> None:
    """A tick is 50 ms, the lateness 5 s."""
    plain, smoothing = (
        assemble(ring(tmp_path)).types[0].fleet,
        assemble(ring(tmp_path, smoothing="0.22 s")).types[0].fleet,
    )
    recalling = assemble(ring(tmp_path, late="asynchronous", smoothing="0.22 s")).types[0].fleet
    looks = [(fleet.lag, fleet.asynchronous, fleet.lagged_ticks) for fleet in (plain, smoothing, recalling)]
    assert looks == [(0, 0, 0), (5, 0, 6), (5, 100, 101)]
    assert assemble(ring(tmp_path, method="particle", jitter=0.0, smoothing="0.22 s")).types[0].fleet.lagged_ticks == 6


def test_a_local_method_knows_where_the_past_is(tmp_path: Path) -> None:
    """All quantities of a ring are outputs; those of a river that are none are where its variables of the same name."""
    fleet = assemble(ring(tmp_path, method="letkf", radius=4.0, smoothing="0.15 s")).types[0].fleet
    assert isinstance(fleet.method, Letkf)
    places = fleet.method.localisation.positions.variables[:, 0]
    np.testing.assert_array_equal(places, np.tile(np.arange(40.0), 1 + 3))
    river = Positions(along([1.0, 2.0]), along([0.5]))
    past = with_past(river, ["head", "mouth"], ["level", "mouth", "flow"], 2).variables[:, 0]
    np.testing.assert_array_equal(past, [1.0, 2.0, *[0.5, 2.0, np.nan] * 2])


def test_noise_is_correlated_as_configured(tmp_path: Path) -> None:
    assert assemble(ring(tmp_path)).types[0].fleet.correlation is None
    fleet = assemble(load(written(tmp_path, TWO + 'correlated = [["u2", "u1", 0.5]]\n'))).types[0].fleet
    assert fleet.correlation is not None
    assert fleet.correlation.tolist() == [[1.0, 0.5], [0.5, 1.0]]


def test_inflation_is_as_configured(tmp_path: Path) -> None:
    given = Inflation(1.02, 0.1, 0.2)
    assert assemble(ring(tmp_path, inflation=1.02, rtps=0.1, rtpp=0.2)).types[0].fleet.inflation == given
    fleet = assemble(ring(tmp_path, inflation=1.02, rtps=0.1, rtpp=0.2, adaptive=True)).types[0].fleet
    assert fleet.inflation == AdaptiveInflation(given)
    inflation = fleet.layout.by_variable(fleet.start().memory)
    assert all(column.shape == (1, 40) and np.isnan(column).all() for column in inflation)


def test_what_is_done_about_a_divergence_is_as_configured(tmp_path: Path) -> None:
    """A tick of the ring is 50 ms."""
    assert assemble(ring(tmp_path)).types[0].fleet.divergence == Divergence(Response.FLAG, 3.0, 200)
    text = RING + '[assimilation.divergence]\nresponse = "re-draw"\nlimit = 2.5\nrest = "1.01 s"\n'
    assert assemble(load(written(tmp_path, text))).types[0].fleet.divergence == Divergence(Response.REDRAW, 2.5, 21)


POND = """\
from dataclasses import replace
from twin_models.lorenz96 import Lorenz96

class Pond(Lorenz96):
    @property
    def positions(self):
        places = super().positions.outputs.copy()
        places[0] = float("nan")
        return replace(super().positions, outputs=places)
"""


SHORT = POND.replace("Pond", "Short").replace('places[0] = float("nan")', "places = places[1:]")


def test_positions_of_something_else_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = "[twin_runtime.models]\nshort = ring_too_short:Short\n"
    monkeypatch.syspath_prepend(str(install(tmp_path / "site", points, {"ring_too_short": SHORT})))
    text = RING.replace("lorenz96", "short") + 'method = "letkf"\nradius = 4.0\n'
    with pytest.raises(ConfigError) as caught:
        assemble(load(written(tmp_path, text)))
    assert "has positions for 40 variables and 39 outputs, but 40 and 40 of them" in str(caught.value)
    assert "one position each" in str(caught.value)


def test_a_sensor_without_a_position_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = "[twin_runtime.models]\npond = ring_of_water:Pond\n"
    monkeypatch.syspath_prepend(str(install(tmp_path / "site", points, {"ring_of_water": POND})))
    for model, reports in (("lorenz96", 0), ("pond", 1)):
        text = RING.replace("lorenz96", model) + 'method = "letkf"\nradius = 4.0\n'
        with caplog.at_level(logging.WARNING):
            assemble(load(written(tmp_path, text)))
        assert len(caplog.records) == reports
    assert "sensor 'u1' observes 'u1', which has no position: it counts everywhere" in caplog.text
