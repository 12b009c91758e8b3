import pytest
import torch
from torch import nn

from fivestep.check import InputError
from fivestep.optim.nadam import NAdam
from tests.contracts.cases import Case
from tests.optim.worked import weights_after
from tests.tolerances import FORMULA

CASES = [
    Case(),
    Case({"betas": (0.8, 0.95), "momentum_decay": 0.1, "eps": 1e-6}, pairs=False),
    Case({"weight_decay": 0.1}, pairs=False),
    Case({"weight_decay": 0.1, "decoupled_weight_decay": True}, pairs=False),
]


def test_a_step_worked_by_hand() -> None:
    # mu_1 = mu_2 = 0.5 (1 - 1/2) = 1/4, pi_1 = 1/4, pi_2 = 1/16; m = 0.5 * 2 = 1; v = 0.25 * 4 = 1, v^ = 4, root 2
    # m^ = 1/4 * 1 / (15/16) + 3/4 * 2 / (3/4) = 4/15 + 2 = 34/15; w = 1 - 0.1 * 34/15 / (2 + 2)
    rule = NAdam(betas=(0.5, 0.75), eps=2.0, momentum_decay=0.0)
    assert weights_after(rule, 1.0, [2.0], lr=0.1) == pytest.approx([1 - 0.1 * 34 / 60], rel=FORMULA)


def test_the_size_of_the_gradient_does_not_matter() -> None:
    expected = weights_after(NAdam(eps=1e-30), 1.0, [2.0, 1.0], lr=0.1)
    assert weights_after(NAdam(eps=1e-30), 1.0, [2e6, 1e6], lr=0.1) == pytest.approx(expected, rel=FORMULA)


def test_torch_still_keeps_the_product_of_the_momenta_in_float32() -> None:
    """If this fails, torch has fixed it, and the twin needs no state of its own any more."""
    parameter = nn.Parameter(torch.ones(1, dtype=torch.float64))
    parameter.grad = torch.ones_like(parameter)
    optimizer = torch.optim.NAdam([parameter])
    optimizer.step()
    assert optimizer.state[parameter]["mu_product"].dtype == torch.float32


def test_a_negative_momentum_decay_is_refused() -> None:
    with pytest.raises(InputError, match="momentum_decay must be a finite number of at least 0, got -1"):
        NAdam(momentum_decay=-1)
