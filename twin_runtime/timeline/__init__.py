"""The states of a fleet in time: checkpoints, late readings, revisions."""
