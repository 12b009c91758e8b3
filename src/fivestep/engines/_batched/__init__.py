"""Many networks of one shape as one batched step, for a GPU: begin with `networks.py`."""
