"""Layers, one file each: sizes, forward, the backward derived by hand, the torch twin. The interface is `layer.py`."""
