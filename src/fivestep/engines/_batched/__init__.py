"""Many networks of one shape as one step, for a device on which one small network is nothing: read `networks.py`."""
