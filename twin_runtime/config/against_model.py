"""What a configuration and its model must agree on, and the model made as the configuration says."""

from collections.abc import Callable, Iterator, Mapping
from typing import cast

from twin_runtime import entry_points
from twin_runtime.config.against_method import unfit_method, unknown_method
from twin_runtime.config.against_priors import prior_of, unfit_priors
from twin_runtime.config.agreement import table_of
from twin_runtime.config.document import Key, Problem
from twin_runtime.config.files import is_format, read_model
from twin_runtime.config.model_settings import GIVEN_BY_RUNTIME, settings_of, unknown_settings
from twin_runtime.config.outlooks import unknown_quantities
from twin_runtime.config.parts import COMPOSING, COUPLED, composed
from twin_runtime.config.twin_type import ConfiguredChannel, TwinType
from twin_runtime.errors import ConfigError, TwinError, UnitError, did_you_mean
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.places import raised_outside
from twin_runtime.modelling.variables import Input, Output, Parameter
from twin_runtime.units import conversion
from twin_runtime.vvuq.found import checks_found

MEMBERS = ("name", "variables", "inputs", "outputs", "quantities", "conserves", "fingerprint", "advance", "observe")
"""What every model has."""


def create_model(twin_type: TwinType) -> Model:
    """The model of a configuration, with its settings, priors and walks.

    Raises one :class:`ConfigError` that reports everything on which the two disagree.
    """
    model_class = _model_class(twin_type)
    problems = [*_unknown_settings(twin_type, model_class), *unknown_method(twin_type), *_unknown_thresholds(twin_type)]
    if problems:
        raise twin_type.error(problems)
    model = _made(twin_type, model_class)
    check_against_model(twin_type, model)
    overridden = {name: prior_of(section.given) for name, section in twin_type.model.priors.items()}
    known = {name: 0.0 for name, prior in overridden.items() if prior.sd == 0.0}  # what is known exactly stays so
    walk = {**known, **twin_type.model.walk, **dict.fromkeys(twin_type.model.shrinkage, 0.0)}
    model = _made(twin_type, model_class, priors=overridden, walk=walk)
    if unfit := list(unfit_method(twin_type, model)):
        raise twin_type.error(unfit)
    return model


def check_against_model(twin_type: TwinType, model: Model) -> None:
    """Compare channels, units, priors and walks with a model. Raises one :class:`ConfigError` with every problem."""
    problems = [
        *_unknown_variables(twin_type, model),
        *unfit_priors(twin_type, model),
        *_shrinkage(twin_type, model),
        *_channels(twin_type, model),
        *_undriven(twin_type, model),
        *unknown_quantities(twin_type, model),
    ]
    if problems:
        raise twin_type.error(problems)


def _model_class(twin_type: TwinType) -> Callable[..., Model]:
    name, models = twin_type.twin.model, entry_points.found(entry_points.MODELS)
    if name == COUPLED:
        return composed(twin_type)
    if any(getattr(twin_type.model, key) for key in COMPOSING):
        what = f"{', '.join(COMPOSING)} are those of a coupled model, and the model is '{name}'"
        raise twin_type.error([Problem(("twin", "model"), what, f'write model = "{COUPLED}", or remove them')])
    if is_format(name):
        return read_model(twin_type)
    if twin_type.model.file is not None:
        formats = ", ".join(entry_points.found(entry_points.MODEL_FILES))
        what = f"'{name}' is an installed model, which is not read from a file"
        raise twin_type.error([Problem(("model", "file"), what, f"remove it, or name its format as model: {formats}")])
    if name in models:
        try:
            found = entry_points.loaded(models[name])
        except TwinError as error:
            raise twin_type.error([Problem(("twin", "model"), error.what, error.remedy)]) from error
        if callable(found):
            return cast("Callable[..., Model]", found)
        what = f"expected a class of a model in the entry point {models[name].value}, got {found!r:.60}"
        raise twin_type.error([Problem(("twin", "model"), what, "write its class behind the colon")])
    remedy = did_you_mean(name, models) or "install a package that provides models"
    raise twin_type.error([Problem(("twin", "model"), f"expected the name of a model, got '{name}'", remedy)])


def _made(twin_type: TwinType, model_class: Callable[..., Model], **given: object) -> Model:
    try:
        settings = {} if is_format(twin_type.twin.model) else twin_type.model.settings
        model = model_class(**given, **settings)
        if missing := [name for name in MEMBERS if not hasattr(model, name)]:
            what = f"'{twin_type.twin.model}' is no model: it has no {', '.join(missing)}"
            raise twin_type.error([Problem(("twin", "model"), what, "make it a subclass of OdeModel or FieldModel")])
        return model
    except ConfigError:
        raise
    except TwinError as error:
        what = f"{error.where}: {error.what}" if error.where else error.what
        raise twin_type.error([Problem(("model",), what, error.remedy)]) from error
    except (TypeError, ValueError) as error:
        remedy = "give settings that the model asks for"
        if any(name in str(error) for name in GIVEN_BY_RUNTIME):
            remedy = "let the model's __init__ take priors and walk, and pass them on to super().__init__"
        raise twin_type.error([Problem(("model", "settings"), str(error), remedy)]) from error
    except Exception as error:  # the code is not ours, and may raise anything
        what = f"{raised_outside(error)}: {type(error).__name__}: {error}"
        raise twin_type.error([Problem(("model",), what, "mend the model")]) from error


def _unknown_settings(twin_type: TwinType, model_class: Callable[..., Model]) -> Iterator[Problem]:
    if not is_format(twin_type.twin.model):
        name, settings = twin_type.twin.model, twin_type.model.settings
        yield from unknown_settings(name, settings_of(model_class), settings, ("model", "settings"))


def _unknown_thresholds(twin_type: TwinType) -> Iterator[Problem]:
    known = {check.name: check.thresholds for check in checks_found()}
    for name, given in twin_type.trust.checks.items():
        key: Key = ("trust", "checks", name)
        if name not in known:
            yield Problem(key, "unknown check", did_you_mean(name, known))
        thresholds = known.get(name, given)
        for threshold in (threshold for threshold in given if threshold not in thresholds):
            yield Problem((*key, threshold), "unknown threshold", did_you_mean(threshold, thresholds))


def _unknown_variables(twin_type: TwinType, model: Model) -> Iterator[Problem]:
    known = [variable.name for variable in model.variables]
    section = twin_type.model
    for table, names in (("priors", section.priors), ("walk", section.walk), ("shrinkage", section.shrinkage)):
        for name in names:
            if name not in known:
                what = f"expected a variable of model '{model.name}', got '{name}'"
                yield Problem(("model", table, name), what, did_you_mean(name, known))


def _shrinkage(twin_type: TwinType, model: Model) -> Iterator[Problem]:
    """Shrinkage is for parameters, in place of a walk, and needs members enough."""
    states = [variable.name for variable in model.variables if not isinstance(variable, Parameter)]
    shrunk = twin_type.model.shrinkage
    for name in (name for name in shrunk if name in states):
        yield Problem(("model", "shrinkage", name), f"'{name}' is a state, not a parameter", "give it a walk")
    for name in (name for name in shrunk if name in twin_type.model.walk):
        what = f"expected a walk or a shrinkage, got both for '{name}'"
        yield Problem(("model", "shrinkage", name), what, "remove one of them")
    if twin_type.ensemble.members < 2 * len(shrunk) + 2 and shrunk:
        what = f"expected {2 * len(shrunk) + 2} members or more for {len(shrunk)} parameters that are shrunk"
        yield Problem(("ensemble", "members"), f"{what}, got {twin_type.ensemble.members}", "give more members")


def _channels(twin_type: TwinType, model: Model) -> Iterator[Problem]:
    outputs = {output.name: output for output in model.outputs}
    inputs = {given.name: given for given in model.inputs}
    for channel in twin_type.channels:
        if channel.kind == "sensor":
            yield from _channel(channel, "observes", outputs, model.name)
        else:
            yield from _channel(channel, "drives", inputs, model.name)


def _channel(
    channel: ConfiguredChannel, verb: str, known: Mapping[str, Output] | Mapping[str, Input], model: str
) -> Iterator[Problem]:
    table = table_of(channel)
    target = known.get(channel.target)
    if target is None:
        what = f"expected an {'output' if verb == 'observes' else 'input'} of model '{model}', got '{channel.target}'"
        yield Problem((*table, verb), what, did_you_mean(channel.target, known) or "remove the table")
        return
    if isinstance(target, Input) and not target.has_value and channel.range is not None:
        what = f"expected no range for an event, which has a time and no value, got {list(channel.range)}"
        yield Problem((*table, "range"), what, "remove it")
    if channel.logarithm is not None and target.unit != "1":
        what = f"a logarithm is a plain number, and '{target.name}' of model '{model}' is in {target.unit}"
        yield Problem((*table, "logarithm"), what, "observe an output that is a logarithm, or remove the key")
        return
    try:
        conversion(channel.unit, channel.logarithm or target.unit)
    except UnitError as error:
        yield Problem((*table, "unit"), f"{error.what} ('{target.name}' of model '{model}')", error.remedy)


def _undriven(twin_type: TwinType, model: Model) -> Iterator[Problem]:
    """Every input of a model is driven by exactly one channel."""
    for given in model.inputs:
        drivers = [c for c in twin_type.channels if c.kind == "input" and c.target == given.name]
        if not drivers:
            what = f"expected a table for input '{given.name}' of model '{model.name}', got none"
            yield Problem(("inputs",), what, f'add [inputs.{given.name}] with unit = "{given.unit}"')
        for extra in drivers[1:]:
            what = f"expected one channel for input '{given.name}', got '{drivers[0].name}' and '{extra.name}'"
            yield Problem((*table_of(extra), "drives"), what, "remove one of them")
