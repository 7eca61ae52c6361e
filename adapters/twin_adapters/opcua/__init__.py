"""Readings from an OPC UA server, by a subscription to its nodes.

asyncua is under the LGPL: it is used as it is installed, from its own package, and nothing of it is copied here.
"""

from twin_adapters.opcua.settings import OpcuaSettings
from twin_adapters.opcua.source import OpcuaSource

__all__ = ["OpcuaSettings", "OpcuaSource"]
