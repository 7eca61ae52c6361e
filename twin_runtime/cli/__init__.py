"""The command line: ``twin``."""

from twin_runtime.cli.app import app, main

__all__ = ["app", "main"]
