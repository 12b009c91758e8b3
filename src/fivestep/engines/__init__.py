"""Engines, one file each: the same five steps, done four ways. Read `_base.py`, then `scratch.py`."""
