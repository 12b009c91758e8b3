"""A fleet as one batch, on a device with thousands of lanes: read `batch.py`."""
