"""What a failed connection means and what to do about it."""

import socket
import ssl
from collections.abc import Sequence
from typing import NamedTuple

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode

from twin_adapters.mqtt_settings import MqttSettings
from twin_runtime.errors import ConnectionFailed


class Publication(NamedTuple):
    """One message to send; a retained one is kept by the broker for those who subscribe later.

    Over MQTT 5 the broker forgets it after ``expiry`` seconds.
    """

    topic: str
    payload: bytes
    retain: bool = False
    expiry: int | None = None
    qos: int = 1


UNSPECIFIED = 128
"""The reason paho gives when a connection ends without a DISCONNECT packet."""

TAKEN_OVER = 0x8E
"""The reason a broker gives when another client connects with the same name; mosquitto 2.0.11 gives none."""

REFUSES_MESSAGE = (0x90, 0x95, 0x99)
"""Answers to a message about itself, which never change: topic name invalid, packet too large, payload format."""

PACKET_AT_FAULT = (0x81, 0x82, *REFUSES_MESSAGE)
"""Why a broker ends a connection for a message on it: also malformed packet, protocol error (so mosquitto 2.0 calls a
message above its `message_size_limit`)."""

BUSY = (0x91, 0x97)
"""Answers that pass: packet identifier in use, quota exceeded."""

CAUSES: tuple[tuple[type[BaseException], str, str], ...] = (
    (socket.gaierror, "unknown host", "correct the host in `broker`, or the name service of this machine"),
    (ConnectionRefusedError, "nothing listens there", "start the broker, or correct host and port in `broker`"),
    (
        ssl.SSLCertVerificationError,
        "the broker's certificate is not trusted",
        "set `ca_file` to the authority that signed it, and use the host name it was made for",
    ),
    (ssl.SSLError, "TLS fails", "use mqtts:// only on a TLS port; look at `ca_file`, `cert_file` and `key_file`"),
    (ConnectionError, "the connection was cut", "use mqtts:// on a TLS port, and mqtt:// on one without"),
    (
        TimeoutError,
        "no answer",
        "look whether host and port are reached; a broker that wants TLS, or refuses a client certificate, keeps silent"
        " too: compare mqtt:// or mqtts://, `cert_file` and `key_file` with its listener",
    ),
)
"""What lies behind a failed connection, more special kinds first: exception, meaning, remedy."""


class MessagesRefused(ConnectionFailed):
    """The broker did not take some of the messages of a round; how many it has ``taken``, and left ``unanswered``."""

    def __init__(
        self, reasons: Sequence[ReasonCode], sent: int, unanswered: Sequence[Publication], settings: MqttSettings
    ) -> None:
        self.codes, self.unanswered = {reason.value for reason in reasons}, unanswered
        self.taken = sent - len(reasons) - len(unanswered)
        what = f"{len(reasons)} of {sent} messages refused: {', '.join(sorted({str(reason) for reason in reasons}))}"
        super().__init__(what, where=settings.broker, remedy=_remedy(self.codes))

    def is_final(self, takes_others: bool) -> bool:
        """Whether they would be refused again: for what they are, or although the broker ``takes_others`` from us.

        What holds for all messages of this sender, such as its rights, is for an administrator to change.
        """
        if self.codes & set(BUSY):
            return False
        return takes_others or self.codes <= set(REFUSES_MESSAGE)


def _remedy(codes: set[int]) -> str:
    if codes & set(BUSY):
        return "the broker is busy; they are sent again"
    if codes <= set(REFUSES_MESSAGE):
        return "raise the largest message that the broker takes, or correct `topic`"
    return "allow this user to publish there, in the broker's access list"


def explain(error: aiomqtt.MqttError, settings: MqttSettings) -> ConnectionFailed:
    """The meaning of a failure of the library, with its remedy."""
    if isinstance(error, aiomqtt.MqttCodeError):
        remedy = "compare `username`, the password, `client_id` and `protocol` with what the broker allows"
        return ConnectionFailed(f"the broker refuses: {error}", where=settings.broker, remedy=remedy)
    for kind, meaning, remedy in CAUSES:
        if isinstance(error.__context__, kind):
            return ConnectionFailed(f"{meaning} ({error})", where=settings.broker, remedy=remedy)
    return ConnectionFailed(str(error), where=settings.broker, remedy="look at the broker's log")


def may_be_expired(error: aiomqtt.MqttError, settings: MqttSettings) -> bool:
    """Whether a certificate that has expired may be behind a failure; a broker that refuses ours may keep silent."""
    return settings.tls and isinstance(error.__context__, (ssl.SSLError, ConnectionError, TimeoutError))


def check_granted(topics: Sequence[str], codes: Sequence[int | ReasonCode], settings: MqttSettings) -> None:
    """Raise ConnectionFailed unless every subscription was granted; ``codes`` are those of the SUBACK."""
    refused = [(topic, code) for topic, code in zip(topics, codes, strict=True) if _value(code) >= 128]
    if refused:
        names = ", ".join(topic for topic, _ in refused[:5]) + (", ..." if len(refused) > 5 else "")
        what = f"the broker refuses {len(refused)} of {len(topics)} subscriptions ({names}): {refused[0][1]}"
        remedy = "allow this user to read them, in the broker's access list"
        raise ConnectionFailed(what, where=settings.broker, remedy=remedy)


def _value(code: int | ReasonCode) -> int:
    return code if isinstance(code, int) else code.value


def loss(error: aiomqtt.MqttError, settings: MqttSettings) -> str:
    """Why an established connection ended, as far as the broker reported it."""
    reason = reason_of(error)
    if reason is not None and reason.value == UNSPECIFIED:
        return f"it went without a word (a second client called {settings.client_id!r} ends this one so, too)"
    return str(error.__cause__ or error)


def taken_over(settings: MqttSettings) -> ConnectionFailed:
    """The error of a run whose session another client has."""
    what = f"another client called {settings.client_id!r} has taken the session: two would share one stream"
    remedy = "stop the other one, or give each deployment a client_id of its own"
    return ConnectionFailed(what, where=settings.broker, remedy=remedy)


def reason_of(error: aiomqtt.MqttError) -> ReasonCode | None:
    """The reason that the broker, or paho for it, gave for the end of a connection."""
    cause = error.__cause__ or error
    reason = cause.rc if isinstance(cause, aiomqtt.MqttCodeError) else None
    return reason if isinstance(reason, ReasonCode) else None
