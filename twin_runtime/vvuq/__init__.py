"""Verification, validation and uncertainty: checks, and the trust they add up to."""
