"""What a layer remembers between forward and backward, and the memory it works in."""

import pytest
import torch

from fivestep.draws import Draws
from fivestep.layer import Memo
from tests.samples import numbers


def test_with_reuse_a_buffer_is_the_same_memory_at_every_step() -> None:
    memo, like = Memo(training=True, reuse=True), numbers(4, 3)
    first, second = memo.buffer("z", (4, 3), like), memo.buffer("z", (4, 3), like)
    assert first is not None
    assert second is not None
    assert first.data_ptr() == second.data_ptr()


def test_without_reuse_there_is_no_buffer() -> None:
    assert Memo(training=True).buffer("z", (4, 3), numbers(4, 3)) is None


def test_two_names_are_two_buffers() -> None:
    memo, like = Memo(training=True, reuse=True), numbers(4, 3)
    assert memo.buffer("z", (4, 3), like).data_ptr() != memo.buffer("dz", (4, 3), like).data_ptr()  # type: ignore[union-attr]


def test_a_smaller_batch_gets_the_first_rows_of_the_buffer() -> None:
    memo, like = Memo(training=True, reuse=True), numbers(4, 3)
    large, small = memo.buffer("z", (4, 3), like), memo.buffer("z", (2, 3), like)
    assert small.shape == (2, 3)  # type: ignore[union-attr]
    assert small.is_contiguous()  # type: ignore[union-attr]
    assert small.data_ptr() == large.data_ptr()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("shape", "like"),
    [((6, 3), numbers(1)), ((4, 5), numbers(1)), ((4, 3), numbers(1, dtype=torch.float32)), ((4, 2, 3), numbers(1))],
)
def test_a_buffer_that_does_not_suit_is_replaced(shape: tuple[int, ...], like: torch.Tensor) -> None:
    memo = Memo(training=True, reuse=True)
    memo.buffer("z", (4, 3), numbers(1))
    replaced = memo.buffer("z", shape, like)
    assert replaced.shape == shape  # type: ignore[union-attr]
    assert replaced.dtype == like.dtype  # type: ignore[union-attr]


def test_bits_are_those_of_the_layer() -> None:
    draws, like = Draws(3), numbers(4, 3)
    assert torch.equal(Memo(training=True, draws=draws, layer=2).bits(like), draws.bits(2, like))


def test_an_evaluation_pass_draws_nothing() -> None:
    with pytest.raises(AssertionError, match="only a training pass draws"):
        Memo(training=False).bits(numbers(2, 2))


def test_a_layer_inside_a_layer_draws_what_no_other_layer_draws() -> None:
    draws, like = Draws(3), numbers(4, 3)
    outer = [Memo(training=True, draws=draws, layer=k) for k in range(4)]
    inner = [memo.child(k) for memo in outer for k in range(4)]
    innermost = [memo.child(k) for memo in inner for k in range(4)]
    drawn = [tuple(memo.bits(like).flatten().tolist()) for memo in [*outer, *inner, *innermost]]
    assert len(set(drawn)) == len(drawn)


def test_a_layer_inside_a_layer_keeps_its_memo() -> None:
    memo = Memo(training=True, reuse=True)
    assert memo.child(1) is memo.child(1)
    assert memo.child(1) is not memo.child(2)


def test_what_was_kept_is_forgotten_inside_too_and_buffers_and_constants_stay() -> None:
    memo, like = Memo(training=True, reuse=True), numbers(4, 3)
    memo["x"] = memo.child(0)["x"] = like
    buffer, constant = memo.buffer("z", (4, 3), like), memo.constants("levels", [0.5], like)
    memo.forget()
    assert not memo
    assert not memo.child(0)
    assert memo.buffer("z", (4, 3), like) is buffer
    assert memo.constants("levels", [0.5], like) is constant
