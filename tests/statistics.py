"""What a sample says about the distribution it was drawn from."""

import math

from torch import Tensor


def deviation_error(sample: Tensor, expected: float) -> float:
    """How far the sample's deviation is from the expected one, in standard errors of a normal distribution."""
    return abs(float(sample.double().std()) / expected - 1) * math.sqrt(2 * sample.numel())
