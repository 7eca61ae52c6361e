"""The demonstration: a simulated patient and its twin in one process, over real MQTT, with nothing else installed."""
