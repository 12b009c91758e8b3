"""The names of an encoder's data in a model's file, apart from the encoder, which imports polars."""

KEY = "encoder"
"""The key of its text in the file's metadata."""

PREFIX = f"{KEY}."
"""The prefix of its tensors' names."""
