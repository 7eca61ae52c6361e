"""The ``[sparkplug]`` table of a configuration."""

from typing import Self

from pydantic import Field

from twin_adapters.mqtt_settings import MqttSettings
from twin_runtime.core import SECOND
from twin_runtime.durations import Duration


class SparkplugSettings(MqttSettings):
    """How to reach the broker of the edge nodes: all that ``[mqtt]`` has, and a ``client_id`` of its own.

    ``rebirth``: whether edge nodes may be asked for their births, without which values that come by alias cannot be
    read. ``host_id``: our name as a primary host, whose STATE edge nodes wait for. ``confirm``: how often a value that
    has not changed is confirmed, as long as its node lives; "0 s" for never.
    """

    rebirth: bool = Field(default=True, description="whether edge nodes may be asked for their births")
    host_id: str | None = Field(
        default=None, min_length=1, pattern=r"^[^+#/]+$", description="our name as a primary host", examples=["twin"]
    )
    confirm: Duration = Field(
        default=SECOND, description="how often a value that has not changed is confirmed", examples=["1 s"]
    )

    def visiting(self) -> Self:
        """The same broker for another client, which leaves nothing behind and is nobody's primary host."""
        return self.model_copy(update=super().visiting().model_dump(include={"client_id"}) | {"host_id": None})
