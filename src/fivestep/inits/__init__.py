"""Initialization schemes, one file each: how weights and biases start."""
