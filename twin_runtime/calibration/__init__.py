"""Calibration: a model's parameters from a whole recording."""

from collections.abc import Mapping
from types import MappingProxyType

from twin_runtime.calibration.calibrate import Calibration, calibrate, prior_ensemble
from twin_runtime.calibration.esmda import EsMda
from twin_runtime.calibration.ies import Ies
from twin_runtime.calibration.posterior import Posterior
from twin_runtime.calibration.segment import Segment, segment_of
from twin_runtime.calibration.smoother import Forward, Smoothed, Smoother

__all__ = [
    "SMOOTHERS",
    "Calibration",
    "EsMda",
    "Forward",
    "Ies",
    "Posterior",
    "Segment",
    "Smoothed",
    "Smoother",
    "calibrate",
    "prior_ensemble",
    "segment_of",
]

SMOOTHERS: Mapping[str, type[EsMda] | type[Ies]] = MappingProxyType({"es-mda": EsMda, "ies": Ies})
"""The methods by name; each takes the largest number of its ``iterations``."""
