"""A fleet as one batch on a GPU: begin with `batch.py`."""
