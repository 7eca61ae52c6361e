"""Running a deployment: assembly, the fold over its readings, live and replayed runs, and their summaries."""
