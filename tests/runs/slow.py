"""Deployments that take their time."""

import time
from dataclasses import replace
from typing import Any, cast

from twin_runtime.assimilation import AnalysisInput
from twin_runtime.core import FloatArray
from twin_runtime.engine.fleet import Fleet
from twin_runtime.engine.tick import warm_up
from twin_runtime.modelling.model import Model
from twin_runtime.runs.assembly import Assembly


class Slow:
    """Something that takes its time for every twin, and is else as it was."""

    def __init__(self, whole: Any, seconds: float) -> None:  # noqa: ANN401  # a model, or a method
        self.whole, self.seconds = whole, seconds

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.whole, name)


class SlowModel(Slow):
    def advance(self, x: FloatArray, *rest: Any) -> None:  # noqa: ANN401
        time.sleep(self.seconds * len(x))
        self.whole.advance(x, *rest)


class SlowMethod(Slow):
    def update(self, given: AnalysisInput) -> FloatArray:
        time.sleep(self.seconds * len(given.x))
        updated: FloatArray = self.whole.update(given)
        return updated


class SlowRevisions(Slow):
    """Slow only where a tick is folded again."""

    newest = -1

    def update(self, given: AnalysisInput) -> FloatArray:
        time.sleep(self.seconds if given.tick <= self.newest else 0.0)
        self.newest = max(self.newest, given.tick)
        updated: FloatArray = self.whole.update(given)
        return updated


def with_parts(assembly: Assembly, **parts: Any) -> Assembly:  # noqa: ANN401  # parts of the fleet
    [twin_type] = assembly.types
    warm_up(twin_type.fleet)
    fleet: Fleet = replace(twin_type.fleet, **parts)
    return replace(assembly, types=(replace(twin_type, fleet=fleet),))


def slow_model(assembly: Assembly, seconds: float) -> Assembly:
    return with_parts(assembly, model=cast("Model", SlowModel(assembly.types[0].fleet.model, seconds)))


def slow_method(assembly: Assembly, seconds: float) -> Assembly:
    return with_parts(assembly, method=SlowMethod(assembly.types[0].fleet.method, seconds))
