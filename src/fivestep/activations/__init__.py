"""Activations, one file each: the function, its derivative, its torch twin."""
