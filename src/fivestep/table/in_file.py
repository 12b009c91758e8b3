"""The names of an encoder's data in a model's file: separate, as importing the encoder imports polars.

To import the encoder is to import polars.
"""

KEY = "encoder"
"""The key of its text in the file's metadata."""

PREFIX = f"{KEY}."
"""The prefix of its tensors' names."""
