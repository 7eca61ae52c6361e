"""Physics: one short file a model, named for what it models."""

from twin_runtime.modelling.kernel_cache import discard_stale_kernels

discard_stale_kernels(__path__)
