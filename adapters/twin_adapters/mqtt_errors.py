"""What a failed connection means and what to do about it."""

import socket
import ssl
from collections.abc import Sequence

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode

from twin_adapters.mqtt_settings import MqttSettings
from twin_runtime.errors import ConnectionFailed

UNSPECIFIED = 128
"""The reason paho gives when a connection ends without a DISCONNECT packet."""

TAKEN_OVER = 0x8E
"""The reason a broker gives when another client connects with the same name; mosquitto 2.0.11 gives none."""

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


def explain(error: aiomqtt.MqttError, settings: MqttSettings) -> ConnectionFailed:
    """The meaning of a failure of the library, with its remedy."""
    if isinstance(error, aiomqtt.MqttCodeError):
        remedy = "compare `username`, the password, `client_id` and `protocol` with what the broker allows"
        return ConnectionFailed(f"the broker refuses: {error}", where=settings.broker, remedy=remedy)
    for kind, meaning, remedy in CAUSES:
        if isinstance(error.__context__, kind):
            return ConnectionFailed(f"{meaning} ({error})", where=settings.broker, remedy=remedy)
    return ConnectionFailed(str(error), where=settings.broker, remedy="look at the broker's log")


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
    if ending(error) == UNSPECIFIED:
        return f"it went without a word (a second client called {settings.client_id!r} ends this one so, too)"
    return str(error.__cause__ or error)


def ending(error: aiomqtt.MqttError) -> int | None:
    """The reason code with which an established connection ended, if there is one."""
    cause = error.__cause__ or error
    reason = cause.rc if isinstance(cause, aiomqtt.MqttCodeError) else None
    return reason.value if isinstance(reason, ReasonCode) else None


def taken_over(settings: MqttSettings) -> ConnectionFailed:
    """The error of a run whose session another client has."""
    what = f"another client called {settings.client_id!r} has taken the session: two would share one stream"
    remedy = "stop the other one, or give each deployment a client_id of its own"
    return ConnectionFailed(what, where=settings.broker, remedy=remedy)
