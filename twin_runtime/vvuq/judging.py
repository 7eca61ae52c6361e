"""From the figures of all checks to a verdict: the trust in every twin, and the reasons.

The kernel is generated from the list of checks, so that it calls their figures one after the other.
"""

import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple, Protocol

import numpy as np
from numba import njit

from twin_runtime.core import IntArray
from twin_runtime.modelling.generated import generated
from twin_runtime.vvuq.checks import Check
from twin_runtime.vvuq.evidence import EnsembleFigures, Patience, gather
from twin_runtime.vvuq.memory import CheckMemory, RecordArray, TwinMemory

THRESHOLDS = np.dtype((np.record, np.dtype([("degraded", "f8"), ("untrusted", "f8"), ("z", "f8")], align=True)))


class Hysteresis(NamedTuple):
    """For how many ticks in a row a verdict must be ``worse`` before trust falls, and ``better`` before it rises."""

    worse: int
    better: int


class Rules(NamedTuple):
    """What verdicts go by: the ``thresholds[check]`` of all checks (degraded, untrusted, z), and the ticks to wait."""

    thresholds: RecordArray
    hysteresis: Hysteresis
    patience: Patience


class Judge(Protocol):
    """A compiled list of checks."""

    def __call__(
        self, rules: Rules, memory: CheckMemory, tick: int, ensembles: EnsembleFigures
    ) -> tuple[IntArray, IntArray]:
        """Trust and reasons (one bit a check) of every twin after a tick; ``memory`` keeps the trust, in place."""
        ...


SOURCE = """\
import numpy as np
from numba import njit
from twin_runtime.vvuq.evidence import gather
from twin_runtime.vvuq.judging import settle, verdict

@njit(cache=True, error_model="numpy")
def judge(rules, memory, tick, ensembles):
    twins, thresholds = len(memory.twins), rules.thresholds
    trust, reasons = np.zeros(twins, np.int64), np.zeros(twins, np.int64)
    for i in range(twins):
        evidence = gather(memory.twins[i], memory.sensors[i], tick, rules.patience, ensembles, i)
        figures = ({figures},)
        level, reasons[i] = verdict(figures, thresholds)
        trust[i] = settle(memory.twins[i], level, rules.hysteresis)
    return trust, reasons
"""


def thresholds(checks: Sequence[Check]) -> RecordArray:
    """The thresholds of the checks, ``[check]``."""
    rows = [(check.degraded, check.untrusted, check.z or 0.0) for check in checks]
    return np.array(rows, THRESHOLDS)


def judge_by(checks: Sequence[Check]) -> Judge:
    """The kernel of a list of checks, compiled at its first call or found in the cache."""
    return _compiled(tuple(check.figure for check in checks), tuple(check.z is not None for check in checks))


@cache
def _compiled(figures: tuple[Callable[..., float], ...], with_z: tuple[bool, ...]) -> Judge:
    calls = (f"figure_{k}(evidence, thresholds[{k}].z)" if z else f"figure_{k}(evidence)" for k, z in enumerate(with_z))
    source = SOURCE.format(figures=", ".join(f"float({call})" for call in calls))
    functions = {f"figure_{k}": compiled(figure) for k, figure in enumerate(figures)}
    judge: Judge
    if all(map(_is_global, figures)):
        own = [sys.modules[name] for name in (gather.__module__, CheckMemory.__module__, __name__)]
        judge = generated("twin_judge", source, functions, own).judge
    else:
        found: dict[str, Any] = dict(functions)
        exec(compile(source.replace("cache=True, ", ""), "<judge>", "exec"), found)
        judge = found["judge"]
    return judge


@cache
def compiled(figure: Callable[..., float]) -> Callable[..., float]:
    """A figure that kernels can call: as it is where it is compiled already."""
    return figure if hasattr(figure, "py_func") else njit(error_model="numpy")(figure)


def python(figure: Callable[..., float]) -> Callable[..., float]:
    """The figure as it was written."""
    return getattr(figure, "py_func", figure)


def _is_global(figure: Callable[..., float]) -> bool:
    """Whether a figure is what its module knows by its name, in a file: only then does the file tell what it does."""
    module = sys.modules.get(figure.__module__)
    return getattr(module, "__file__", None) is not None and vars(module).get(figure.__name__) is figure


@njit(cache=True, error_model="numpy")
def verdict(figures: tuple[float, ...], thresholds: RecordArray) -> tuple[int, int]:
    """The worst level that any check gives, 0 to 2, and the reasons, one bit a check."""
    worst_level = reasons = 0
    for place, figure in enumerate(figures):
        level = int(figure > thresholds[place].degraded) + int(figure > thresholds[place].untrusted)
        reasons |= int(level > 0) << place
        worst_level = max(worst_level, level)
    return worst_level, reasons


@njit(cache=True, error_model="numpy")
def settle(memory: TwinMemory, level: int, hysteresis: Hysteresis) -> int:
    """The trust state machine of one twin: it falls to the level of the checks, and rises one step at a time."""
    trust = int(memory.trust)
    memory.worse = memory.worse + 1.0 if level > trust else 0.0
    memory.better = memory.better + 1.0 if level < trust else 0.0
    if level > trust and memory.worse >= hysteresis.worse:
        trust, memory.worse = level, 0.0
    elif level < trust and memory.better >= hysteresis.better:
        trust, memory.better = trust - 1, 0.0
    memory.trust = trust
    memory.sum_verdicts[trust] += 1.0
    return trust
