"""Recordings of real assets: files in several formats, described by a small mapping file, merged into one stream."""

from twin_adapters.recordings.load import load
from twin_adapters.recordings.mapping import Layout, Mapping, read_mapping
from twin_adapters.recordings.recording import MergedStreams
from twin_adapters.recordings.table import Reader, Table

__all__ = ["Layout", "Mapping", "MergedStreams", "Reader", "Table", "load", "read_mapping"]
