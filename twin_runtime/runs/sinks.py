"""What became of the estimates on their way to the sinks."""

from typing import Any

from twin_runtime.store.reader import Reader
from twin_runtime.store.refused import refused_counts


def sinks(reader: Reader) -> dict[str, dict[str, Any]]:
    """How many estimates each sink of a store has taken, has refused for good, and has yet to get."""
    refused = refused_counts(reader.path)
    return {
        name: {"sent": position - refused[name], "refused": refused[name], "waiting": waiting}
        for name, (position, waiting) in reader.cursors().items()
    }
