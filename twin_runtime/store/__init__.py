"""The store: the journal, estimates and checkpoints of a deployment in one file, and the way on to the sinks."""
