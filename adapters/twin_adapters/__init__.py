"""The runtime's edges: MQTT, recordings, databases."""
