"""Losses, one file each: the loss of a row, its gradient, its torch twin. Losses for classes take logits."""
