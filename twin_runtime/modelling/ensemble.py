"""The ensemble array: members drawn from the prior."""

from collections.abc import Sequence

import numpy as np

from twin_runtime.core import FloatArray
from twin_runtime.modelling.random import Keys, Purpose, normals
from twin_runtime.modelling.variables import Variable


def draw_prior(variables: Sequence[Variable], keys: Keys, members: int, tick: int = 0) -> FloatArray:
    """Members ``[twin, member, variable]`` drawn from the priors, in the variables' spaces, by the twins' keys.

    ``tick`` is that of a draw anew.
    """
    centre = np.array([variable.prior.centre for variable in variables])
    sd = np.array([variable.prior.sd for variable in variables])
    return centre + sd * normals(keys, tick, Purpose.PRIOR, members, len(variables))
