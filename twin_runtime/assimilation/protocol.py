"""What the runtime asks of a method of assimilation."""

from typing import ClassVar, NamedTuple, Protocol

from twin_runtime.core import FloatArray, IntArray
from twin_runtime.modelling.random import Keys


class AnalysisInput(NamedTuple):
    """What the analysis of many twins is made from.

    An observation is missing where ``observed`` or a prediction is not finite, and has no weight where the two are so
    far apart, or the predictions from each other, that in units of the error the square is not.
    """

    x: FloatArray
    """The forecast ``[twin, member, state]``, of two members at least."""
    predicted: FloatArray
    """What each member predicts that the sensors read, ``[twin, member, observation]``."""
    observed: FloatArray
    """What they read, ``[twin, observation]``."""
    variance: FloatArray
    """The variance of their errors, ``[twin, observation]``."""
    keys: Keys
    """The keys of the twins' random numbers, ``[twin]``."""
    tick: int
    """The tick's absolute index."""
    outputs: IntArray | None = None
    """The model output that each observation is of, ``[twin, observation]``; only methods that localise need it."""
    states: int | None = None
    """So many columns of ``x`` are the ensemble; those behind are its past, corrected but never inflated. None: all."""

    def arrays(self) -> "AnalysisInput":
        """The same without what is optional, as kernels take it: of one type, they are compiled once."""
        return self._replace(outputs=None, states=None)

    def without_past(self) -> "AnalysisInput":
        """The same for the ensemble alone."""
        whole = self.states is None or self.states == self.x.shape[2]
        return self if whole else self._replace(x=self.x[:, :, : self.states])


class Assimilator(Protocol):
    """A method that corrects ensembles by observations with independent errors, many twins at once.

    A pure function: the same arguments give the same bits, and a twin's analysis does not depend on the other twins.
    """

    keeps_points: ClassVar[bool]
    """Whether its members are points laid out by their mean and covariance, not draws."""
    whole_members: ClassVar[bool]
    """Whether it replaces whole members, so that no variable can be left as it is."""

    def update(self, given: AnalysisInput, out: FloatArray | None = None) -> FloatArray:
        """The analysis ensembles, written into ``out`` where it is given (it must not overlap ``given.x``).

        A twin without observations keeps its forecast, bit for bit. A state that is not finite in one member may
        become so in all members of its twin; nothing else is touched.

        Raises:
            ValueError: The variance of an observation is not positive.
        """
        ...
