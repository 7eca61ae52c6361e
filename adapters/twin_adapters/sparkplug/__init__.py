"""Readings from Sparkplug B edge nodes: protobuf over MQTT, with names in births and numbers for them after that."""

from twin_adapters.sparkplug.settings import SparkplugSettings
from twin_adapters.sparkplug.source import SparkplugSource

__all__ = ["SparkplugSettings", "SparkplugSource"]
