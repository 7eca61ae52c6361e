"""How a command connects to the broker of a configuration, under another name than the runtime."""

from uuid import uuid4

from pydantic import ValidationError

from twin_adapters.mqtt_settings import MqttSettings
from twin_runtime.config.deployment import Config
from twin_runtime.config.explain import problems_of
from twin_runtime.errors import ConfigError


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
