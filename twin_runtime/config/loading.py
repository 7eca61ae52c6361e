"""Reading a configuration."""

from pathlib import Path

from twin_runtime.config.agreement import disagreements
from twin_runtime.config.deployment import Config, read
from twin_runtime.config.document import Document


def load(path: Path) -> Config:
    """Read a configuration file and check all that can be checked without the model.

    Raises one :class:`ConfigError` that reports every problem: file, line, key, what was expected, what came, the
    remedy.
    """
    return loaded(Document.read(path))


def loaded(document: Document) -> Config:
    """The configuration of a document, checked likewise."""
    config = read(document)
    problems = disagreements(config)
    if problems:
        raise document.error(problems)
    return config
