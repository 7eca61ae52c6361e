"""How a command connects to the broker of a configuration, under another name than the runtime."""

from collections.abc import Sequence
from uuid import uuid4

from pydantic import ValidationError

from twin_adapters.mqtt import MqttSource
from twin_adapters.mqtt_settings import MqttSettings
from twin_runtime import entry_points
from twin_runtime.config.adapters import adapters
from twin_runtime.config.addresses import PLAIN, source_of
from twin_runtime.config.deployment import Config
from twin_runtime.config.explain import problems_of
from twin_runtime.core import Source
from twin_runtime.errors import ConfigError


def source_for(command: str, config: Config, broker: str | None, topics: Sequence[str]) -> Source:
    """A source of the messages on some topics, from all sources that they name; a ``broker`` replaces all of them."""
    if broker is not None or not _addressed(config):
        return MqttSource(settings_for(command, config, broker), topics)
    return adapters(config).open_source(topics, visiting=True)


def sender_for(command: str, config: Config | None, broker: str | None) -> MqttSettings:
    """The settings of a command that sends; raises ConfigError where topics are not plain ones of MQTT."""
    addressed = _addressed(config) if config is not None else []
    if addressed:
        what = f"`twin {command}` publishes plain MQTT, but the topic '{addressed[0]}' names another source"
        raise ConfigError(what, remedy="use a configuration whose topics are plain, such as a copy of this one")
    return settings_for(command, config, broker)


def settings_for(command: str, config: Config | None, broker: str | None) -> MqttSettings:
    """The table ``[mqtt]`` with a client name of its own and a session that ends with the connection.

    ``broker``, where given, replaces the address; without a configuration the rest is default. Raises ConfigError.
    """
    own: dict[str, object] = {"client_id": f"twin-{command}-{uuid4().hex[:8]}", "session_expiry": 0}
    if broker is not None:
        _require_address(broker)
        own["broker"] = broker
    if config is None:
        return MqttSettings.model_validate(own)
    try:
        return MqttSettings.model_validate((config.mqtt or {}) | own)
    except ValidationError as error:
        raise config.document.error(problems_of(MqttSettings, error, config.document, ("mqtt",))) from None


def _addressed(config: Config) -> list[str]:
    """The topics that name a source."""
    kinds = entry_points.found(entry_points.SOURCES)
    topics = (channel.topic for twin_type in config.types for channel in twin_type.channels)
    return [topic for topic in topics if source_of(topic, kinds) != PLAIN]


def _require_address(broker: str) -> None:
    try:
        MqttSettings(client_id="any", broker=broker)
    except ValidationError as error:
        problem = error.errors()[0]
        context = problem["ctx"]
        what, remedy = (
            context.get("error", problem["msg"]),
            context.get("remedy", "write it like mqtt://127.0.0.1:1883"),
        )
        raise ConfigError(str(what), where="--broker", remedy=remedy) from None
