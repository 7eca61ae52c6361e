"""The errors a user can meet: a small hierarchy, each with a code and a remedy."""


class TwinError(Exception):
    """Something is wrong that the user can mend.

    ``what`` says what came and what was expected, ``where`` names the place (file and key, topic, signal),
    ``remedy`` says what to do about it.
    """

    code = "twin"

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = what, where, remedy
        parts = [f"{where}: {what}" if where else what, f"remedy: {remedy}" if remedy else ""]
        super().__init__("; ".join(part for part in parts if part))


class ConfigError(TwinError):
    """A configuration or a mapping file does not say what it must."""

    code = "config"


class ModelError(TwinError):
    """A model's declaration or its settings are inconsistent."""

    code = "model"


class UnitError(TwinError):
    """Two units do not measure the same kind of quantity."""

    code = "unit"


class RecordingError(TwinError):
    """A recording cannot be read as its mapping says."""

    code = "recording"


class StoreError(TwinError):
    """A store cannot be opened, or belongs to another configuration."""

    code = "store"


class ConnectionFailed(TwinError):
    """A broker or a database refused, or cannot be reached."""

    code = "connection"
