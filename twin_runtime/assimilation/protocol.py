"""What the runtime asks of a method of assimilation."""

from typing import NamedTuple, Protocol

from twin_runtime.core import FloatArray, IntArray


class Occasion(NamedTuple):
    """Who is updated when, and by what: whence a method takes its random numbers and its geometry.

    The deployment's seed, the twins' identities, the tick's absolute index, and the model output that each observation
    ``outputs[twin, observation]`` is of; only methods that localise ask for the outputs. The first ``states`` columns
    are the ensemble, those behind them its past, which is corrected but never inflated; None: all are the ensemble.
    """

    seed: int
    twins: IntArray
    tick: int
    outputs: IntArray | None = None
    states: int | None = None


class Assimilator(Protocol):
    """A method that corrects ensembles by observations with independent errors, many twins at once.

    A pure function: the same arguments give the same bits, and a twin's analysis does not depend on the other twins.
    """

    def update(
        self,
        x: FloatArray,
        predicted: FloatArray,
        observed: FloatArray,
        variance: FloatArray,
        occasion: Occasion,
        out: FloatArray | None = None,
    ) -> FloatArray:
        """The analysis ensembles, written into ``out`` where it is given (it must not overlap ``x``).

        ``x[twin, member, state]`` is the forecast, with two members at least; ``predicted[twin, member, observation]``
        is what each member says the sensors should read, ``observed[twin, observation]`` what they read, and
        ``variance[twin, observation]`` the variance of their errors. An observation is missing where ``observed`` or a
        prediction is not finite, and says nothing where the two are so far apart, or the predictions from each other,
        that in units of the error the square is not; a twin without observations keeps its forecast, bit for bit. A
        state that is not finite in one member may become so in all members of its twin; nothing else is touched.

        Raises:
            ValueError: The variance of an observation is not positive.
        """
        ...
