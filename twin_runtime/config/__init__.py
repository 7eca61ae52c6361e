"""The configuration: one TOML file is a whole deployment, and every error in it is reported at once."""

from twin_runtime.config.deployment import Config
from twin_runtime.config.document import Document, Problem
from twin_runtime.config.explain import problems_of, validated
from twin_runtime.config.loading import load, loaded
from twin_runtime.config.twin_type import ConfiguredChannel, TwinType

__all__ = [
    "Config",
    "ConfiguredChannel",
    "Document",
    "Problem",
    "TwinType",
    "load",
    "loaded",
    "problems_of",
    "validated",
]
