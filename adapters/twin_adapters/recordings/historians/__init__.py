"""Recordings out of a historian: what a time-series database holds of some series between two moments."""

from twin_adapters.recordings.historians.read import read

__all__ = ["read"]
