"""Reading a configuration."""

from pathlib import Path

from twin_runtime.config.agreement import disagreements
from twin_runtime.config.deployment import Config
from twin_runtime.config.document import Document
from twin_runtime.config.explain import validated


def load(path: Path) -> Config:
    """Read a configuration file and check all that can be checked without the model.

    Raises one :class:`ConfigError` that tells every problem: file, line, key, what was expected, what came, the remedy.
    """
    document = Document.read(path)
    config = validated(Config, document)
    problems = disagreements(config)
    if problems:
        raise document.error(problems)
    return config
