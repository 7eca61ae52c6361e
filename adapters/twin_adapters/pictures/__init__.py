"""Pictures, drawn by matplotlib: found by entry point, loaded when one is asked for."""

from twin_adapters.pictures.of_twin import draw_twin

__all__ = ["draw_twin"]
