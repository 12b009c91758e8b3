"""Kernels for a CUDA device, written in Triton. Nothing here is imported where there is none."""
