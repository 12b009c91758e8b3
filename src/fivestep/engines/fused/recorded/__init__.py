"""On a CUDA device: steps recorded as graphs (`captured.py`), of dense networks with `own_kernels.py`."""
