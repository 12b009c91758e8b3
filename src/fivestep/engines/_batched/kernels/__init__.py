"""The five steps of small networks on CUDA, compiled by Triton: read `steps.py`."""
