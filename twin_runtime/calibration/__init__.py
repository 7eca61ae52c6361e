"""Calibration: what a whole recording says of a model's parameters."""

from collections.abc import Mapping
from types import MappingProxyType

from twin_runtime.calibration.calibrate import Calibration, calibrate, prior_ensemble
from twin_runtime.calibration.esmda import EsMda
from twin_runtime.calibration.ies import Ies
from twin_runtime.calibration.posterior import Posterior
from twin_runtime.calibration.smoother import Forward, Smoothed, Smoother
from twin_runtime.calibration.stretch import Stretch, stretch_of

__all__ = [
    "SMOOTHERS",
    "Calibration",
    "EsMda",
    "Forward",
    "Ies",
    "Posterior",
    "Smoothed",
    "Smoother",
    "Stretch",
    "calibrate",
    "prior_ensemble",
    "stretch_of",
]

SMOOTHERS: Mapping[str, type[EsMda] | type[Ies]] = MappingProxyType({"es-mda": EsMda, "ies": Ies})
"""The methods by name; each takes the largest number of its ``iterations``."""
