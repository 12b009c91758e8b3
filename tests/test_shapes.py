"""The shape checks that all other tests run under do catch a wrong shape."""

from typing import Any

import pytest
import torch
from beartype.roar import BeartypeCallHintViolation
from jaxtyping import Float
from torch import Tensor

from fivestep.layer import Memo
from fivestep.losses.mse import MSE
from fivestep.optim.sgd import SGD
from tests.design.source import FILES, ROOT
from tests.shapes import COMPILED, carries_shape, unchecked


def test_an_argument_of_the_wrong_rank_is_caught() -> None:
    row_weights = torch.full((3, 1), 1 / 3)  # beside (3,) losses this would broadcast to (3, 3)
    with pytest.raises(BeartypeCallHintViolation, match="weight"):
        MSE().value(torch.zeros(3, 1), torch.zeros(3, 1), row_weights, Memo(training=True))


def test_the_same_letter_with_two_sizes_is_caught() -> None:
    with pytest.raises(BeartypeCallHintViolation, match="dw"):
        SGD().update_(torch.zeros(3), torch.zeros(1), {}, 0.1, 1)


def test_the_facts_run_without_the_checks_and_then_they_are_back() -> None:
    w = torch.zeros(3)
    with unchecked():
        SGD().update_(w, torch.ones(1), {}, 1.0, 1)  # one gradient for three weights
    assert w.tolist() == [-1, -1, -1]
    test_the_same_letter_with_two_sizes_is_caught()


def test_a_number_of_the_wrong_kind_is_caught() -> None:
    with pytest.raises(BeartypeCallHintViolation, match="logits"):
        MSE().rows(torch.zeros(3, 1, dtype=torch.int64), torch.zeros(3, 1), Memo(training=True))


@pytest.mark.parametrize(
    ("hint", "carries"),
    [
        (Float[Tensor, "N I"], True),
        (Float[Tensor, "N"] | None, True),
        (dict[str, Float[Tensor, "P"]], True),
        (Tensor, False),
        (int | None, False),
        ("Batch", False),
    ],
    ids=str,
)
def test_only_annotations_with_a_shape_are_checked(hint: Any, carries: bool) -> None:
    assert carries_shape(hint) is carries


def test_what_triton_compiles_is_left_as_it_is_written() -> None:
    """A wrapped function has the names of another module, where Triton would look for `tl`."""
    kernels = [path for path in FILES if "@triton.jit" in path.read_text(encoding="utf-8")]
    names = [".".join(("fivestep", *path.relative_to(ROOT).with_suffix("").parts)) for path in kernels]
    assert len(names) >= 4
    assert [name for name in names if not name.startswith(COMPILED)] == []
