"""Linear advection: a profile is carried along, exactly where a tick is whole cells long."""

from collections.abc import Mapping

import numpy as np

from twin_models.advection import Advection
from twin_runtime.modelling.conformance import advanced
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.signals import InputSignals
from twin_runtime.modelling.variables import Prior
from twin_runtime.testing import ModelTests

NOTHING = np.empty((1, 0, 0))


class TestAdvection(ModelTests):
    tick = 0.1
    tolerance = 0.05  # first order where a tick is not whole cells long

    def model(self, priors: Mapping[str, Prior] | None = None) -> Model:
        return Advection(12, priors=priors)


def test_a_profile_is_shifted_by_whole_cells_bit_for_bit() -> None:
    profile = np.random.default_rng(3).normal(size=(1, 2, 50))
    after, _, _ = advanced(Advection(50, velocity=2.0), profile, 3.5, InputSignals(NOTHING, NOTHING, np.ones(1)))
    assert after.tobytes() == np.roll(profile, 7, axis=2).tobytes()


def test_what_is_carried_is_neither_made_nor_lost() -> None:
    profile = np.random.default_rng(4).normal(size=(1, 2, 50))
    after, _, _ = advanced(Advection(50), profile, 1.3, InputSignals(NOTHING, NOTHING, np.ones(1)))
    np.testing.assert_allclose(after.sum(2), profile.sum(2), atol=1e-12)
