"""How a node is to be sampled."""

from asyncua import ua

from twin_adapters.opcua.settings import OpcuaSettings

MILLISECOND = 1_000_000
AS_PUBLISHED = -1.0
"""The sampling interval that is the publishing interval."""


def monitored(node: ua.NodeId, handle: int, settings: OpcuaSettings) -> ua.MonitoredItemCreateRequest:
    """The request to sample a node; its notifications bear the ``handle``."""
    how = ua.MonitoringParameters()
    how.ClientHandle = handle
    how.SamplingInterval = AS_PUBLISHED if settings.sampling is None else settings.sampling / MILLISECOND
    how.QueueSize, how.DiscardOldest = settings.queue, True
    if settings.trigger == "time":
        how.Filter = ua.DataChangeFilter(ua.DataChangeTrigger.StatusValueTimestamp)
    item = ua.MonitoredItemCreateRequest()
    item.ItemToMonitor = ua.ReadValueId(node, ua.AttributeIds.Value)
    item.MonitoringMode, item.RequestedParameters = ua.MonitoringMode.Reporting, how
    return item
