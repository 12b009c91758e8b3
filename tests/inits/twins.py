"""What the tests of initialization against `torch.nn.init` share."""

import pytest
import torch
from torch import Tensor

from fivestep.find import build
from tests.samples import stream

shapes = pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1), (3, 5), (5, 3), (20, 20)], ids=str)


def drawn(init: str, shape: tuple[int, ...], seed: int = 7) -> Tensor:
    """Our weight, from a generator with that seed."""
    weight = torch.empty(shape)
    build("inits", init).weight_(weight, stream(seed))
    return weight
