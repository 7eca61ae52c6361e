"""What a configuration must agree on with its method of assimilation, and the method with the model."""

from collections.abc import Iterator
from importlib.util import find_spec

from twin_runtime.assimilation import METHODS, options
from twin_runtime.config.document import Problem
from twin_runtime.config.sections import AssimilationSection
from twin_runtime.config.twin_type import TwinType
from twin_runtime.entry_points import missing
from twin_runtime.errors import did_you_mean
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.positions import positions_of
from twin_runtime.modelling.variables import State


def unknown_method(twin_type: TwinType) -> Iterator[Problem]:
    """A method that is not there, options that it does not have, and those that it needs."""
    method, given = twin_type.assimilation.method, twin_type.assimilation.options
    if method not in METHODS:
        what = f"expected a method of assimilation, got '{method}'"
        yield Problem(("assimilation", "method"), what, did_you_mean(method, METHODS))
        return
    for option in given.keys() - options(method).keys():
        having = [name for name in METHODS if option in options(name)]
        what = f"method '{method}' has no such option"
        yield Problem(("assimilation", option), what, f"remove it, or use method = {' or '.join(map(_quoted, having))}")
    for option in (name for name, needed in options(method).items() if needed and name not in given):
        field = AssimilationSection.model_fields[option]
        remedy = f"give {field.description}: {option} = {(field.examples or [''])[0]}"
        yield Problem(("assimilation", option), f"expected for method '{method}', but missing", remedy)


def unfit_method(twin_type: TwinType, model: Model) -> Iterator[Problem]:
    """What the method asks of the model, and the model cannot give."""
    method = twin_type.assimilation.method
    named = METHODS[method]
    if "radius" in twin_type.assimilation.options:
        yield from _unknown_places(model)
    if "radius" in twin_type.assimilation.options and twin_type.assimilation.correlated:
        what = f"method '{method}' with a radius takes the noise of all sensors for independent"
        yield Problem(("assimilation", "correlated"), what, "remove it, or use a method without a radius")
    if named.keeps_points or (method == "particle" and twin_type.assimilation.jitter != 0.0):
        yield from _without_past(twin_type)
    considered = [v.name for v in model.variables if not v.corrected and v.prior.sd > 0.0]
    if named.whole_members and considered:
        what = f"method '{method}' changes whole members, model '{model.name}' keeps {', '.join(considered)} apart"
        yield Problem(("assimilation", "method"), what, 'use another method, such as "etkf"')
    if named.keeps_points:
        yield from _unfit_points(twin_type, model)


def _unfit_points(twin_type: TwinType, model: Model) -> Iterator[Problem]:
    """What the filters of filterpy need."""
    method, members = twin_type.assimilation.method, twin_type.ensemble.members
    if find_spec("filterpy") is None:
        error = missing(ModuleNotFoundError(name="filterpy"), f"method '{method}'")
        yield Problem(("assimilation", "method"), error.what, error.remedy)
    uncertain = sum(isinstance(v, State) or v.prior.sd > 0.0 or v.walk > 0.0 for v in model.variables)
    if members != 2 * uncertain:
        what = f"method '{method}' has two members for each of the {uncertain} states and uncertain parameters"
        yield Problem(("ensemble", "members"), f"{what}, got {members}", f"members = {2 * uncertain}")
    if twin_type.model.shrinkage:
        what = f"method '{method}' lays its members out by their covariance, which shrinkage would draw at random"
        yield Problem(("model", "shrinkage"), what, "give the variables a walk instead")


def _without_past(twin_type: TwinType) -> Iterator[Problem]:
    """What methods cannot do whose members do not become what they were: moved apart at random, or laid out anew."""
    method = twin_type.assimilation.method
    remedy = "set jitter = 0, or use another method" if method == "particle" else "use another method"
    for option, wanted in (
        ("smoothing", twin_type.assimilation.smoothing),
        ("late", twin_type.assimilation.late != "fold"),
    ):
        if wanted:
            what = f"members of method '{method}' have no past of their own"
            yield Problem(("assimilation", option), what, f"remove {option}, or {remedy}")


def _unknown_places(model: Model) -> Iterator[Problem]:
    """Variables and outputs whose positions are unknown."""
    places, sizes = positions_of(model), (len(model.variables), len(model.outputs))
    if places is None:
        what = f"model '{model.name}' has no positions of its variables and outputs"
        yield Problem(("assimilation", "radius"), what, "give the model `positions`, or use a method without a radius")
    elif (len(places.variables), len(places.outputs)) != sizes:
        what = "model '{}' has positions for {} variables and {} outputs, but {} and {} of them"
        counted = what.format(model.name, len(places.variables), len(places.outputs), *sizes)
        yield Problem(("assimilation", "radius"), counted, "give one position each, NaN for what is nowhere")


def _quoted(name: str) -> str:
    return f'"{name}"'
