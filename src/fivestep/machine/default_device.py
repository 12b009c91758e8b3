"""Where torch makes a tensor that nobody says a device for."""

import torch

from ..check import InputError


def check_default_device() -> None:
    """Raises an `InputError` unless that is the CPU: draws and rows are made there before they go where they belong."""
    place = torch.get_default_device()
    if place.type != "cpu":
        raise InputError(
            f"torch's default device must be 'cpu', where fivestep draws and reads, got '{place}'; call "
            f"torch.set_default_device(None), and pass device={place.type!r} to fivestep instead."
        )
