"""Physics: one short file a model, named for what it models."""
