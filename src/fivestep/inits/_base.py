"""What an initialization scheme provides: how a weight and a bias start."""

from abc import ABC, abstractmethod

import torch

from ..typing import Elements


class Init(ABC):
    """The distribution of the initial values, as frozen data. Fills in place; draws only from the generator given."""

    @abstractmethod
    def weight_(self, weight: Elements, generator: torch.Generator) -> None:
        """Fills a weight of shape (O, I): O units (fan-out), I inputs each (fan-in)."""

    @abstractmethod
    def bias_(self, bias: Elements, fan_in: int, generator: torch.Generator) -> None:
        """Fills a bias of shape (O,) that belongs to a weight with `fan_in` inputs."""
