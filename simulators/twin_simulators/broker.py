"""A broker inside this process, for a demonstration without any service: amqtt, MQTT 3.1.1, on loopback only.

It keeps nothing on disk and drops a message that is not acknowledged within five seconds: good for a demonstration
and for tests, not for production.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType

PROTOCOL: Final = 4
"""The protocol level of its clients: MQTT 3.1.1."""

LISTENER = "default"


@asynccontextmanager
async def embedded_broker(port: int = 0) -> AsyncIterator[str]:
    """Run a broker on 127.0.0.1 (on a free port by default) and give its address, ``mqtt://127.0.0.1:PORT``.

    Any client on this machine may connect without a name. Leaving the context disconnects all clients.
    """
    logging.getLogger("amqtt").setLevel(logging.ERROR)  # it warns of every client that disconnects
    logging.getLogger("transitions").setLevel(logging.ERROR)
    broker = Broker(_configuration())
    await broker.start()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await broker.external_connected(StreamReaderAdapter(reader), StreamWriterAdapter(writer), LISTENER)

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await broker.shutdown()
        await server.wait_closed()


def _configuration() -> BrokerConfig:
    """A listener that we open ourselves, so that the system can choose the port, and admission of every client."""
    return BrokerConfig(
        listeners={LISTENER: ListenerConfig(type=ListenerType.EXTERNAL)},
        plugins={"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    )
