"""The model of Lorenz 1996 (Predictability: a problem partly solved, ECMWF): a chaotic ring. A test of assimilation.

dx_i/dt = (x_i+1 - x_i-2) x_i-1 - x_i + F: the slow level of :mod:`twin_models.lorenz_uv` alone. The defaults, with the
start near (1, 0, ..., 0), are those of Sakov & Oke 2008 (Tellus A 60:361-371). One second is one unit of its time.
"""

from collections.abc import Mapping

from twin_models.lorenz_uv import LorenzUV
from twin_runtime.modelling.variables import Prior


class Lorenz96(LorenzUV):
    """Waves on a ring: chaos in 40 variables."""

    name = "lorenz96"

    def __init__(
        self,
        size: int = 40,
        forcing: float = 8.0,
        start: float = 0.001**0.5,
        step: float = 0.05,
        *,
        priors: Mapping[str, Prior] | None = None,
        walk: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(size, 0, forcing, start=start, step=step, priors=priors, walk=walk)
