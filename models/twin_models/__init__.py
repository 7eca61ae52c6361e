"""Physics: one short file a model, named for what it models."""

from twin_runtime.modelling.kernel_cache import forget_stale_kernels

forget_stale_kernels(__path__)
