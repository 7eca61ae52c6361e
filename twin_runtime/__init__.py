"""A runtime that keeps physics-based twins synchronised with their assets."""

from twin_runtime.modelling.kernel_cache import forget_stale_kernels

forget_stale_kernels(__path__)
