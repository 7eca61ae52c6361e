"""The channels of a recording, as what arrives on topics of their own."""

import json

import numpy as np

from twin_adapters.discovery.guess import Value
from twin_adapters.discovery.matching import Candidate
from twin_adapters.discovery.quantities import words
from twin_adapters.discovery.traffic import KEPT, TopicTraffic
from twin_adapters.recordings.recording import MergedStreams
from twin_runtime.core import Message


def candidates_of(recording: MergedStreams) -> list[Candidate]:
    """Each channel, for all twins of the recording."""
    twins = tuple(recording.twins)
    return [
        Candidate(f"{{twin}}/{name}", twins, None, Value("", _example(recording, place), name, unit), words(name))
        for place, (name, unit) in enumerate(recording.units.items())
    ]


def _example(recording: MergedStreams, place: int) -> float:
    found = recording.value[recording.channel == place]
    return float(found[0]) if len(found) else 0.0


def traffic_of(recording: MergedStreams) -> dict[str, TopicTraffic]:
    """The first readings of each channel of each twin, as messages in the native form."""
    found = dict[str, TopicTraffic]()
    for twin, name in np.ndindex(len(recording.twins), len(recording.channels)):
        [rows] = np.nonzero((recording.twin == twin) & (recording.channel == name))
        topic = f"{recording.twins[twin]}/{recording.channels[name]}"
        found[topic] = traffic = TopicTraffic(topic)
        for row in rows[:KEPT]:
            payload = json.dumps({"value": float(recording.value[row])}).encode()
            traffic.take(Message(topic, payload, int(recording.time[row])))
    return found
