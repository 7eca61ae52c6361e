"""A runtime that keeps physics-based twins synchronised with their assets."""

from twin_runtime.modelling.kernel_cache import discard_stale_kernels

discard_stale_kernels(__path__)
