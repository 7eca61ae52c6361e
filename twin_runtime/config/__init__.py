"""The configuration: one TOML file is a whole deployment, and every error in it is told at once."""

from twin_runtime.config.deployment import Config, ConfiguredChannel
from twin_runtime.config.document import Document, Problem
from twin_runtime.config.explain import problems_of, validated
from twin_runtime.config.loading import load

__all__ = ["Config", "ConfiguredChannel", "Document", "Problem", "load", "problems_of", "validated"]
