"""A first configuration for a model and what arrives, with the questions that it could not answer as comments."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from twin_adapters.discovery.draft import kind_of, payload_tables, read_from
from twin_adapters.discovery.matching import SURE, Candidate, Match, topics_of
from twin_adapters.discovery.rates import interval, nice, scatter
from twin_adapters.discovery.traffic import TopicTraffic
from twin_runtime.core import SECOND
from twin_runtime.durations import duration_text
from twin_runtime.errors import ConfigError
from twin_runtime.ingest.decode import LIMITS, Refused, decode
from twin_runtime.ingest.payloads import Payload
from twin_runtime.ingest.payloads.paths import path_of


class Plan(NamedTuple):
    """What is known of a deployment: the model, what each channel is, the traffic by topic, and the broker."""

    model: str
    matches: Sequence[Match]
    traffic: Mapping[str, TopicTraffic]
    broker: str | None


def deployment(plan: Plan) -> str:
    """The text of a configuration. Raises ConfigError where no output of the model is sensed."""
    if not any(match.candidate and match.wanted.kind == "sensor" for match in plan.matches):
        what = f"nothing that arrives fits an output of '{plan.model}'"
        remedy = "look at both by `twin listen` and `twin models`; names and units must have something in common"
        raise ConfigError(what, where="twin init", remedy=remedy)
    kinds: dict[str, dict[str, Any]] = {}
    channels = ["\n".join(_channel(match, plan, kinds)) for match in plan.matches]
    blocks = ["\n".join(_twin(plan)), *channels, *payload_tables(kinds), "\n".join(_store(plan))]
    return "\n\n".join(blocks) + "\n"


def twins_of(matches: Sequence[Match]) -> tuple[str, ...]:
    """The twins that all channels with a place for them have."""
    fleets = [match.candidate.twins for match in matches if match.candidate and match.candidate.twins]
    return tuple(twin for twin in fleets[0] if all(twin in fleet for fleet in fleets)) if fleets else ()


def _twin(plan: Plan) -> Iterator[str]:
    intervals = [found for found in (_interval(match, plan) for match in plan.matches) if found]
    tick = round(nice(max(min(intervals, default=1.0), 0.001)) * SECOND)
    slowest = round(nice(2 * max(intervals, default=1.0)) * SECOND)
    yield "# Lines with a question mark are guesses: look at them, and then at `twin check FILE --live 10s`."
    yield ""
    yield "[twin]"
    yield f"name = {json.dumps(plan.model)}"
    yield f"model = {json.dumps(plan.model)}"
    yield f"twins = {json.dumps(list(twins_of(plan.matches)) or [f'{plan.model}-1'])}"
    yield f'tick = "{duration_text(tick)}"   # ? about as often as the fastest sensor sends'
    yield f'wait = "{duration_text(slowest)}"   # ? so long a tick holds back for slow readings'
    yield f'lateness = "{duration_text(10 * slowest)}"   # ? so late a reading may still revise the past'
    yield ""
    yield "# [model] has settings and priors: see `twin models`. ? Are the defaults those of this asset?"


def _interval(match: Match, plan: Plan) -> float | None:
    topics = topics_of(match.candidate) if match.candidate else ()
    found = [interval([m.arrival for m in plan.traffic[t].kept if not m.retained]) for t in topics if t in plan.traffic]
    return min((each for each in found if each), default=None)


def _channel(match: Match, plan: Plan, kinds: dict[str, dict[str, Any]]) -> Iterator[str]:
    wanted, candidate = match.wanted, match.candidate
    name = candidate.value.name if candidate and candidate.guess is None else wanted.name
    yield f"[{wanted.kind}s.{name}]"
    if name != wanted.name:
        yield f"{'observes' if wanted.kind == 'sensor' else 'drives'} = {json.dumps(wanted.name)}"
    if candidate is None:
        yield f'topic = "{{twin}}/{wanted.name}"   # ? nothing that arrives fits it: until something does, its default'
        yield f"unit = {json.dumps(wanted.unit)}"
        return
    if match.share < SURE:
        yield "# ? is it this one"
    yield from (f"# ? or {other.value.path or 'the value'} of {other.topic}" for other in match.others)
    if candidate.guess is None:
        yield f"unit = {json.dumps(candidate.value.unit or wanted.unit)}"
    else:
        yield from read_from(candidate.topic, candidate.guess, candidate.value, kind_of(candidate.guess, kinds))
    if wanted.kind == "sensor":
        yield _noise(candidate, plan)


def _noise(candidate: Candidate, plan: Plan) -> str:
    values = [value for topic in topics_of(candidate) for value in _values(candidate, plan.traffic.get(topic))]
    found = scatter(values)
    if found is not None:
        return f"noise = {float(f'{found:.1g}'):g}   # ? the scatter of {len(values)} values; in `unit`"
    guessed = float(f"{abs(candidate.value.example) / 100 or 1.0:.1g}")
    return f"noise = {guessed:g}   # ? one per cent of the value: what is the standard deviation of a measurement?"


def _values(candidate: Candidate, traffic: TopicTraffic | None) -> Iterator[float]:
    from twin_runtime.config.payloads import PayloadSection, payload_of

    if traffic is None or candidate.guess is None:
        return
    found = candidate.guess
    payload: Payload | None = None
    if found.kind is not None:
        section = PayloadSection.model_validate({"extends": found.kind, "zone": "UTC", **found.own})
        payload = payload_of("guessed", {"guessed": section})
    for message in traffic.kept:
        try:
            if payload is None:
                yield decode(message.payload, LIMITS)[-1].value
                continue
            for record in payload.records(message.payload, message.arrival, LIMITS):
                samples = payload.samples(record, path_of(candidate.value.path), message.arrival)
                yield from (sample.value for sample in samples if not isinstance(sample, Refused))
        except Refused:
            continue


def _store(plan: Plan) -> Iterator[str]:
    yield "[store]"
    yield f"path = {json.dumps(plan.model + '.db')}"
    if plan.broker is not None:
        yield ""
        yield "[mqtt]"
        yield f"broker = {json.dumps(plan.broker)}"
        yield f"client_id = {json.dumps('twin-' + plan.model)}"
        yield 'session_expiry = "1 h"   # ? so long the broker keeps what comes while the twin is away'
