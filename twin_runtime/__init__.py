"""A runtime that keeps physics-based twins synchronised with their assets."""
