"""What a failed connection to an OPC UA server means and what to do about it."""

import socket

from asyncua import ua

from twin_adapters.opcua.settings import OpcuaSettings
from twin_runtime.errors import ConnectionFailed

_CREDENTIALS = ("BadIdentityToken", "BadUserAccessDenied", "BadUserSignature")
_SECURITY = ("BadSecurity", "BadCertificate", "BadNonce", "BadApplicationSignature")

CAUSES: tuple[tuple[type[BaseException], str, str], ...] = (
    (socket.gaierror, "unknown host", "correct the host in `server`, or the name service of this machine"),
    (ConnectionRefusedError, "nothing listens there", "start the server, or correct host and port in `server`"),
    (TimeoutError, "no answer", "look whether host and port are reached, and whether an OPC UA server listens there"),
    (ConnectionError, "the connection was cut", "look at the server's log; compare `policy` with what it offers"),
    (OSError, "it cannot be reached", "look whether host and port are reached"),
)
"""What lies behind a failed connection, more special kinds first: exception, meaning, remedy."""


def explain(error: BaseException, settings: OpcuaSettings) -> ConnectionFailed:
    """The meaning of a failure of the library, with its remedy."""
    name = type(error).__name__
    if name.startswith(_CREDENTIALS):
        remedy = "compare `username` and its password with the users of the server"
        return ConnectionFailed(f"the server refuses who we are ({name})", where=settings.server, remedy=remedy)
    if name.startswith(_SECURITY):
        remedy = "let the server trust our `cert_file`; compare `policy`, `mode` and `server_cert_file` with its own"
        return ConnectionFailed(f"the secure channel fails ({name})", where=settings.server, remedy=remedy)
    for kind, meaning, remedy in CAUSES:
        if isinstance(error, kind):
            return ConnectionFailed(f"{meaning} ({str(error) or name})", where=settings.server, remedy=remedy)
    what = f"the server refuses: {name}" if isinstance(error, ua.UaError) else repr(error)
    return ConnectionFailed(what, where=settings.server, remedy="look at the server's log")
