"""Members drawn from the prior belong to a twin, not to a batch."""

import numpy as np

from twin_runtime.modelling.ensemble import draw_prior
from twin_runtime.modelling.random import numbered_keys
from twin_runtime.modelling.variables import Bounded, Fixed, LogNormal, Normal, Parameter, State

TABLE = (
    State("pressure", "mmHg", Normal(80.0, 15.0)),
    Parameter("compliance", "mL/mmHg", LogNormal(1.5, 0.3)),
    Parameter("share", "1", Bounded(0.0, 1.0, median=0.2, sd=0.5)),
    Parameter("known", "1", Fixed(7.0)),
)


def test_members_spread_as_the_priors_say() -> None:
    count = 20_000
    x = draw_prior(TABLE, numbered_keys(3, 1), count)[0]
    for j, variable in enumerate(TABLE):
        prior = variable.prior
        # 5 standard errors of a mean and of a standard deviation
        assert abs(x[:, j].mean() - prior.centre) <= 5.0 * prior.sd / np.sqrt(count)
        assert abs(x[:, j].std() - prior.sd) <= 5.0 * prior.sd / np.sqrt(2.0 * count)


def test_what_is_known_exactly_is_the_same_in_every_member() -> None:
    assert (draw_prior(TABLE, numbered_keys(3, 5), 8)[:, :, 3] == 7.0).all()


def test_a_twin_draws_the_same_members_in_any_batch_and_with_any_other_variables() -> None:
    keys = numbered_keys(3, 6)
    together = draw_prior(TABLE, keys, 8)
    assert draw_prior(TABLE, keys[[4, 2]], 8).tobytes() == together[[4, 2]].tobytes()
    assert draw_prior(TABLE[:2], keys, 8).tobytes() == together[:, :, :2].tobytes()
    assert draw_prior(TABLE, keys, 5).tobytes() == together[:, :5].tobytes()


def test_other_twins_and_other_seeds_draw_other_members() -> None:
    x = draw_prior(TABLE, numbered_keys(3, 2), 8)[:, :, :3]
    assert not np.isclose(x[0], x[1]).any()
    assert not np.isclose(x, draw_prior(TABLE, numbered_keys(4, 2), 8)[:, :, :3]).any()
