import torch

from fivestep.activations.hardswish import Hardswish
from fivestep.activations.silu import SiLU


def test_worked_example() -> None:
    """1.5 * 4.5 / 6 = 1.125 with derivative (3 + 3) / 6 = 1; -1.5 * 1.5 / 6 = -0.375 with (-3 + 3) / 6 = 0."""
    z = torch.tensor([-4.0, -3.0, -1.5, 0.0, 1.5, 3.0, 4.0])
    a = Hardswish().value(z)
    assert a.tolist() == [0, 0, -0.375, 0, 1.125, 3, 4]
    assert Hardswish().derivative(z, a).tolist() == [0, 0, 0, 0.5, 1, 1, 1]


def test_it_stays_near_silu() -> None:
    """The largest gap is at z = -3 and 3: 3 sigmoid(-3) = 3 * 0.0474 = 0.1423."""
    z = torch.linspace(-8, 8, 1601)
    assert (Hardswish().value(z) - SiLU().value(z)).abs().max() < 0.1423
