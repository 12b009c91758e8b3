"""Images moved and mirrored: what arrives is the same image, and no draw is favored."""

import math

import pytest
import torch
from torch import Tensor

from fivestep.check import InputError
from fivestep.draws import BITS, Draws
from fivestep.find import Choice, build
from fivestep.layer import Memo
from fivestep.layers.shift_and_flip import ShiftAndFlip
from tests.contracts.cases import Case
from tests.tolerances import STATISTICS

IMAGES = ((6, 12), (1, 12), (7, 12))
LAYERS = (
    Choice("shift_and_flip", shift=1, height=2, width=3),
    Choice("linear", out_features=7),
    Choice("tanh"),
    Choice("linear"),
)
CASES = [
    Case({"shift": 1, "height": 3, "width": 4}, batches=IMAGES, layers=LAYERS, pairs=False),
    Case({"shift": 0, "flip": 0.9, "height": 4}, batches=IMAGES, layers=LAYERS, pairs=False),
]


def moved(image: Tensor, down: int, right: int, mirrored: bool, shift: int = 2) -> Tensor:
    """One image through the layer, with these draws in place of random ones."""
    height, width = image.shape
    layer = ShiftAndFlip(shift, height=height, width=width).sized((height * width,))
    draws = torch.tensor([down]), torch.tensor([right]), torch.tensor([mirrored])
    padded = layer._padded(image.view(1, -1))
    return torch.gather(padded, 1, layer._source(*draws)).view(height, width)


def many(layer: ShiftAndFlip) -> tuple[Tensor, Tensor, Tensor]:
    return layer.moves(torch.arange(2**BITS, dtype=torch.int16)[:, None].expand(-1, 3))


IMAGE = torch.arange(1.0, 13).view(3, 4)


def test_an_image_moved_by_hand() -> None:
    assert moved(IMAGE, 1, 2, mirrored=False).tolist() == [[7, 8, 0, 0], [11, 12, 0, 0], [0, 0, 0, 0]]
    assert moved(IMAGE, -2, 0, mirrored=False).tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [1, 2, 3, 4]]


def test_an_image_mirrored_by_hand() -> None:
    assert torch.equal(moved(IMAGE, 0, 0, mirrored=True), IMAGE.flip(1))
    assert moved(IMAGE, 0, 1, mirrored=True).tolist() == [[3, 2, 1, 0], [7, 6, 5, 0], [11, 10, 9, 0]]


def test_each_shift_is_equally_likely_and_a_flip_as_likely_as_asked() -> None:
    """Over all possible draws: each of the five shifts for a fifth of them, up to the one that does not divide."""
    down, right, mirrored = many(ShiftAndFlip(2, 0.25))
    counts = torch.bincount(down + 2)
    assert torch.equal(down, right)
    assert counts.max() - counts.min() <= 1
    assert len(counts) == 5
    assert float(mirrored.double().mean()) == 0.25


def test_images_of_a_batch_are_moved_by_draws_of_their_own() -> None:
    layer = ShiftAndFlip(1, 0.5).sized((9,))
    x = torch.arange(1.0, 10).expand(1800, 9)
    y = layer.forward({}, x, Memo(training=True, draws=Draws(0)))
    seen, counts = y.unique(dim=0, return_counts=True)
    expected = 1800 / 18
    assert len(seen) == 18
    assert (counts - expected).abs().max() < STATISTICS * math.sqrt(expected)


def test_evaluation_is_the_identity() -> None:
    x = torch.rand(5, 9)
    assert torch.equal(ShiftAndFlip().sized((9,)).forward({}, x, Memo(training=False)), x)


@pytest.mark.parametrize("text", ["shift_and_flip", "shift_and_flip:height=5", "shift_and_flip:height=3,width=5"])
def test_rows_that_are_no_image_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"shift_and_flip must have rows of height x width pixels, got rows of shape"):
        build("layers", text).sized((12,))


@pytest.mark.parametrize("options", [{"shift": -1}, {"shift": 1.5}, {"flip": 1.5}, {"flip": "often"}])
def test_moves_that_are_none_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match=r"(shift|flip) must be"):
        ShiftAndFlip(**options)
