"""Under which names an encoder lies in a model's file: apart from it, for whoever only looks whether there is one.

To import the encoder is to import polars.
"""

KEY = "encoder"
"""Of its text, among the file's metadata."""

PREFIX = f"{KEY}."
"""How the names of its tensors begin."""
