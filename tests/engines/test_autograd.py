"""What is special to the engine of raw tensors and autograd."""

import pytest
import torch

from tests.samples import small_engine, three_classes
from tests.tolerances import EXACT, distance

DATA = three_classes(20)


def test_the_gradient_is_written_into_the_flat_vector() -> None:
    engine = small_engine("autograd")
    engine.loss(engine.forward(DATA.train.x), DATA.train.y).backward()
    expected = torch.cat([value.flatten() for value in sorted_by_rank(engine.named_gradients())])
    assert engine.params.grad.abs().max() > 0
    assert distance(engine.params.grad, expected) == EXACT


def sorted_by_rank(gradients: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    """Matrices first, as in the flat vector."""
    return sorted(gradients.values(), key=lambda value: value.dim() < 2)


def test_the_loss_can_be_differentiated_by_the_caller() -> None:
    engine = small_engine("autograd")
    loss = engine.loss(engine.forward(DATA.train.x), DATA.train.y)
    assert loss.requires_grad
    engine.backward()
    with pytest.raises(RuntimeError, match="second time"):
        engine.backward()


def test_data_that_ask_for_a_gradient_get_one() -> None:
    """Saliency: the gradient of the loss with respect to the inputs, for nothing."""
    x = DATA.train.x.clone().requires_grad_()
    engine = small_engine("autograd")
    engine.loss(engine.forward(x), DATA.train.y)
    engine.backward()
    assert x.grad is not None
    assert x.grad.abs().max() > 0
