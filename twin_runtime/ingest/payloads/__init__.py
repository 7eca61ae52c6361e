"""Payloads that are not in the native form: what is where in them, by declaration."""

from twin_runtime.ingest.payloads.payload import WHOLE, Payload, Wanted

__all__ = ["WHOLE", "Payload", "Wanted"]
