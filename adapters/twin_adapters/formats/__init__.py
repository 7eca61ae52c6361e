"""Formats of payloads that need a library."""
