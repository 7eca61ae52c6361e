"""From bytes to durable readings, and from durable estimates to sinks: intake, journal, store, outbox."""
