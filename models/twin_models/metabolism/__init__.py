"""Metabolism: what the body makes of sugar."""
