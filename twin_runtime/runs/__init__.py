"""A deployment at work: assembly, the fold over its readings, live and replayed runs, and what they came to."""
