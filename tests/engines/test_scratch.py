"""What is special to the engine that does everything by hand."""

import pytest
import torch

from fivestep.engines import _memory
from tests.samples import small_engine, small_net, three_classes

DATA = three_classes(20)


def test_no_graph_is_built() -> None:
    engine = small_engine("scratch")
    loss = engine.loss(engine.forward(DATA.train.x), DATA.train.y)
    assert loss.grad_fn is None
    assert not any(value.requires_grad for value in engine.named_parameters().values())


def test_autograd_is_never_asked() -> None:
    with torch.inference_mode():
        engine = small_engine("scratch", spec=small_net(dropout=0.5))
        assert engine.train_step(DATA.train.x, DATA.train.y).isfinite()


def test_after_the_first_step_only_the_logits_take_new_memory() -> None:
    """Every layer but the last works in memory that it keeps."""
    engine = small_engine("scratch")
    places = []
    for _ in range(3):
        engine.forward(DATA.train.x)
        places.append([memo["x"].data_ptr() for memo in engine._memos if "x" in memo][1:])
    assert places[0]
    assert places[0] == places[1] == places[2]


def test_after_backward_nothing_of_a_batch_is_kept() -> None:
    engine = small_engine("scratch", spec=small_net(dropout=0.5))
    engine.train_step(DATA.train.x, DATA.train.y)
    assert not any(engine._memos)


def test_a_large_network_without_buffers_takes_the_same_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = small_engine("scratch")
    monkeypatch.setattr(_memory, "LARGE", 0)
    large = small_engine("scratch")
    for _ in range(3):
        assert torch.equal(large.train_step(DATA.train.x, DATA.train.y), usual.train_step(DATA.train.x, DATA.train.y))
    assert torch.equal(large.params.flat, usual.params.flat)


def test_batches_of_changing_size_give_what_fresh_engines_give() -> None:
    worn, fresh = small_engine("scratch"), small_engine("scratch")
    worn.forward(DATA.train.x)
    worn.forward(DATA.train.x[:3])
    expected = fresh.forward(DATA.train.x[:11])
    assert torch.equal(worn.forward(DATA.train.x[:11]), expected)
