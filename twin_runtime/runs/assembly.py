"""From a configuration to the parts that run: the fleet, its channels, and the identity of its store."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np

from twin_runtime.assimilation import AdaptiveInflation, Inflation, chosen
from twin_runtime.config.against_model import create_model
from twin_runtime.config.deployment import Config
from twin_runtime.config.payloads import PayloadSection, payloads_of
from twin_runtime.config.twin_type import ConfiguredChannel, TwinType
from twin_runtime.core import SECOND, FloatArray
from twin_runtime.engine.fleet import Fleet, Sensor
from twin_runtime.errors import ConfigError
from twin_runtime.ingest.channel import Channel
from twin_runtime.ingest.intake import Intake
from twin_runtime.ingest.payloads import Payload, Wanted
from twin_runtime.ingest.payloads.paths import path_of
from twin_runtime.ingest.plausibility import Plausibility
from twin_runtime.ingest.router import Router
from twin_runtime.modelling.model import Model
from twin_runtime.modelling.positions import Positions, nowhere, positions_of, with_past
from twin_runtime.modelling.variables import Input, Shape
from twin_runtime.runs.known_quantities import known_quantities
from twin_runtime.store.identity import Identity, TypeIdentity
from twin_runtime.units import conversion
from twin_runtime.vvuq.checks import names
from twin_runtime.vvuq.divergence import Divergence, Response
from twin_runtime.vvuq.found import configured
from twin_runtime.vvuq.judging import Hysteresis
from twin_runtime.vvuq.withheld import Withholding

LOG = logging.getLogger(__name__)

NONE: Mapping[str, PayloadSection] = MappingProxyType({})

PAUSE_TICKS = 10_000
"""After so many ticks without any reading a twin pauses, where nothing else is declared."""


@dataclass(frozen=True, slots=True)
class TypeAssembly:
    """A twin type ready to run: its ``place`` in the deployment, its fleet, its channels."""

    place: int
    config: TwinType
    fleet: Fleet
    channels: tuple[Channel, ...]
    identity: TypeIdentity

    def intake(self, plausible: Plausibility | None = None) -> Intake:
        """A new intake for the messages of this type, whose times are judged by its clock if by nothing else."""
        return Intake(self.channels, self.config.twin.twins, plausible or Plausibility.by(self.config.twin.clock))


@dataclass(frozen=True, slots=True)
class Assembly:
    """A deployment ready to run: nothing is started, nothing is connected."""

    config: Config
    types: tuple[TypeAssembly, ...]
    identity: Identity

    def router(self) -> Router:
        """New intakes for all messages of this deployment."""
        return Router([twin_type.intake() for twin_type in self.types])


def assemble(config: Config) -> Assembly:
    """Put a deployment together; raises one :class:`twin_runtime.errors.ConfigError` that reports everything wrong."""
    types, errors = list[TypeAssembly](), list[ConfigError]()
    for place, twin_type in enumerate(config.types):
        try:
            types.append(assemble_type(twin_type, place, config.payloads))
        except ConfigError as error:
            errors.append(error)
    if errors:
        raise errors[0] if len(errors) == 1 else ConfigError("\n".join(map(str, errors)))
    return Assembly(config, tuple(types), Identity(config.name, tuple(each.identity for each in types)))


def assemble_type(config: TwinType, place: int = 0, own: Mapping[str, PayloadSection] = NONE) -> TypeAssembly:
    """Put one twin type together; ``own`` are the kinds of payload that the deployment declares."""
    model, payloads = create_model(config), payloads_of(config, own)
    fleet = _fleet(config, model)
    identity = TypeIdentity(
        name=config.twin.name,
        twins=config.twin.twins,
        channels=tuple(channel.name for channel in config.channels),
        quantities=tuple(model.quantities),
        checks=names(fleet.checks),
        tick=config.twin.tick,
        config_hash=config.config_hash,
        model_hash=model.fingerprint,
        sensors=len(fleet.sensors),
        clock=config.twin.clock,
        validity=config.twin.valid_for,
        observes=tuple(channel.target for channel in config.channels),
    )
    return TypeAssembly(
        place, config, fleet, tuple(_channel(c, model, payloads, config.group_of) for c in config.channels), identity
    )


def _fleet(config: TwinType, model: Model) -> Fleet:
    outputs = [output.name for output in model.outputs]
    inputs = [given.name for given in model.inputs]
    how = config.assimilation
    inflation = Inflation(how.inflation, how.rtps, how.rtpp)
    if "radius" in how.options:
        _report_global(config, model)
    lag = -(-how.smoothing // config.twin.tick)
    recall = -(-config.twin.lateness // config.twin.tick) if how.late == "asynchronous" else 0
    return Fleet(
        model=model,
        twins=config.twin.twins,
        sensors=tuple(
            Sensor(
                c.name,
                outputs.index(c.target),
                (c.stale or config.old) / SECOND,
                c.frozen / SECOND if c.frozen else math.inf,
            )
            for c in config.channels
            if c.kind == "sensor"
        ),
        driven=tuple(inputs.index(c.target) for c in config.channels if c.kind == "input"),
        tick=config.twin.tick,
        seed=config.twin.seed,
        members=config.ensemble.members,
        method=chosen(how.method, how.options, _places(model, max(lag, recall))),
        inflation=AdaptiveInflation(inflation) if how.adaptive else inflation,
        checks=configured(config.trust.checks),
        hysteresis=Hysteresis(
            max(1, math.ceil(config.trust.degraded_after / config.twin.tick)),
            max(1, math.ceil(config.trust.recovered_after / config.twin.tick)),
        ),
        gate=how.gate,
        reopen=how.reopen,
        window=config.trust.window / SECOND,
        correlation=config.correlation,
        lag=lag,
        asynchronous=recall,
        divergence=_divergence(config),
        discount=_discount(config, model),
        withholding=_withholding(config),
        known=known_quantities(config, model),
        stale=tuple(_stale(config, given) for given in model.inputs),
        pause_after=-(-config.twin.pause_after // config.twin.tick) if config.twin.pause_after else PAUSE_TICKS,
    )


def _stale(config: TwinType, given: Input) -> float:
    """From which age (s) on an input counts as old.

    Where nothing is declared, one that is sampled continuously does, and one that is sent when it changes never does.
    """
    declared = next((c.stale for c in config.channels if c.kind == "input" and c.target == given.name), None)
    if declared is None:
        return max(config.old / SECOND, given.gap) if given.shape is Shape.LINEAR else math.inf
    return declared / SECOND


def _places(model: Model, past: int) -> Positions | None:
    """Where all that an update corrects is, with so many ticks of the past."""
    positions = positions_of(model)
    if positions is None or past == 0:
        return positions
    return with_past(positions, [v.name for v in model.variables], [q.name for q in model.quantities], past)


def _divergence(config: TwinType) -> Divergence:
    declared = config.assimilation.divergence
    return Divergence(Response(declared.response), declared.limit, math.ceil(declared.rest / config.twin.tick))


def _withholding(config: TwinType) -> Withholding:
    lasting = config.trust.withhold_for or config.trust.window
    return Withholding(config.trust.withhold, max(1, lasting // config.twin.tick))


def _discount(config: TwinType, model: Model) -> FloatArray | None:
    shrunk = config.model.shrinkage
    return np.array([shrunk.get(variable.name, 1.0) for variable in model.variables]) if shrunk else None


def _report_global(config: TwinType, model: Model) -> None:
    """Warn of sensors that count everywhere although the assimilation is localised."""
    positions = positions_of(model)
    if positions is not None:
        lost = {output.name for output, gone in zip(model.outputs, nowhere(positions.outputs), strict=True) if gone}
        for sensor in (channel for channel in config.channels if channel.target in lost):
            message = "sensor '%s' observes '%s', which has no position: it counts everywhere"
            LOG.warning(message, sensor.name, sensor.target)


def _channel(
    channel: ConfiguredChannel, model: Model, payloads: Mapping[str, Payload], groups: Mapping[str, str]
) -> Channel:
    known = {q.name: q.unit for q in (model.outputs if channel.kind == "sensor" else model.inputs)}
    scale, offset = conversion(channel.unit, channel.logarithm or known[channel.target])
    driven = {given.name: given for given in model.inputs if channel.kind == "input"}.get(channel.target)
    low, high = channel.range or (-math.inf, math.inf)
    if driven is not None and not driven.has_value:
        low = high = (1.0 - offset) / scale
    return Channel(
        name=channel.name,
        topic=channel.topic,
        unit=channel.unit,
        scale=scale,
        offset=offset,
        sd=channel.noise if channel.logarithm else channel.noise * abs(scale),
        logarithm=channel.logarithm is not None,
        low=low,
        high=high,
        kind=channel.kind,
        convert=partial(conversion, to_unit=channel.unit),
        holds=driven is not None and driven.shape is Shape.HOLD,
        payload=payloads[channel.payload] if channel.payload else None,
        wanted=Wanted(path_of(channel.value), tuple((path_of(path), text) for path, text in channel.where)),
        future=channel.future,
        oldest=channel.oldest,
        groups=groups,
    )
