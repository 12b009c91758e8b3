"""The next letter of a text that the program writes."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, final

import torch
from torch import Tensor

from .. import draws
from ._base import Dataset, Rows, Task

LETTERS = "abcdefghijklmnop"
CONTEXT = 4
"""Letters that a row shows; the source itself looks at the last two of them."""

BITS = (1, 2, 3, 3)
"""-log2 of the probabilities with which the four possible successors follow: 1/2, 1/4, 1/8, 1/8."""


@final
class NextToken(Task):
    """Four letters of a text, as ids 0 to 15; the class is the letter that comes next: 20,000 rows train.

    The source is drawn from the seed: after each of the 256 pairs of letters four of the 16 may follow, with the
    probabilities 1/2, 1/4, 1/8 and 1/8. Each part is a text of its own, cut at every letter; 2000 rows validate, 5000
    test. Whatever the pair, the entropy of the next letter is 1/2 + 2/4 + 3/8 + 3/8 = 1.75 bits: 1.2130 nats, and
    nobody's cross-entropy is lower in the mean. Knowing how frequent each letter is, and nothing else, gives the
    unigram's, measured on the test part (`known_losses` has both).

    The network has the parts of a transformer but attention: embedding, flatten, a linear layer, one residual block of
    layer_norm and feed-forward, a linear layer to the 16 logits. It must find out that the last two letters decide,
    and what they decide together, as neither does alone. "mlp" has a hidden layer in place of the block.

    Over seeds 0 to 4 the network reaches a test loss of 1.376 (1.362 to 1.387), half the unigram's 2.762 (2.757 to
    2.765), and "mlp" 1.636 (1.621 to 1.651). Nobody guesses more than half of the letters; the network 0.475 (0.467 to
    0.491).
    """

    description = "the next letter of a text, from the last four"
    models: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "feed-forward": {"hidden": (64,)},
        "mlp": {"hidden": (64,), "activation": "gelu"},
    }
    settings: ClassVar[Mapping[str, Any]] = {
        "num_embeddings": len(LETTERS),
        "embedding_dim": 16,
        "loss": "cross_entropy",
        "optimizer": "adam",
        "lr": 0.01,
        "schedule": "cosine",
        "batch_size": 256,
        "epochs": 5,
    }
    is_drawn: ClassVar[bool] = True

    def load(self, *, seed: int, data_dir: Path | None) -> Dataset:
        train, valid, test = (_rows(num_rows, seed, part) for part, num_rows in enumerate((20_000, 2000, 5000)))
        return Dataset(
            train,
            valid,
            test,
            num_outputs=len(LETTERS),
            name="next-token",
            class_names=tuple(LETTERS),
            known_losses={"unigram": _unigram_loss(train.y, test.y), "entropy": 1.75 * math.log(2)},
        )


def _rows(num_rows: int, seed: int, part: int) -> Rows:
    text = torch.tensor(_text(num_rows + CONTEXT, seed, part))
    windows = text.unfold(0, CONTEXT + 1, 1)  # (N, CONTEXT + 1)
    return Rows(windows[:, :CONTEXT].float(), windows[:, CONTEXT])


def _text(length: int, seed: int, part: int) -> list[int]:
    """A text of the source, as ids. It begins with two random letters."""
    successors, stream = _successors(seed), draws.generator(seed, -1, part)
    text = torch.randint(0, len(LETTERS), (2,), generator=stream).tolist()
    eighths = [place for place, bits in enumerate(BITS) for _ in range(8 >> bits)]  # 0 0 0 0 1 1 2 3
    for chance in torch.randint(0, 8, (length - 2,), generator=stream).tolist():
        text.append(successors[text[-2]][text[-1]][eighths[chance]])
    return text


def _successors(seed: int) -> list[list[list[int]]]:
    """The four letters that may follow each pair, the most probable first: (16, 16, 4)."""
    stream = draws.generator(seed, -1, 3)  # the parts are 0 to 2
    num_letters = len(LETTERS)
    order = torch.rand(num_letters, num_letters, num_letters, generator=stream).argsort(-1)
    found: list[list[list[int]]] = order[..., : len(BITS)].tolist()
    return found


def _unigram_loss(train: Tensor, test: Tensor) -> float:
    """The cross-entropy on the test rows of the letters' frequencies in the training rows, in nats."""
    share = torch.bincount(train, minlength=len(LETTERS)).double() / len(train)
    return -share.log()[test].mean().item()
