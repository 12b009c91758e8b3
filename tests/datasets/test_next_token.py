"""The task `next-token`."""

import math

import numpy as np
import pytest
import torch
from sklearn.dummy import DummyClassifier
from sklearn.metrics import log_loss

from fivestep.datasets._base import Dataset, Rows
from fivestep.datasets._load import load_dataset
from tests.tolerances import FORMULA, STATISTICS


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset("next-token")


def counts(rows: Rows) -> np.ndarray:
    """How often each letter comes after each pair: (256, 16)."""
    found, x = np.zeros((256, 16)), rows.x.long().numpy()
    np.add.at(found, (16 * x[:, -2] + x[:, -1], rows.y.numpy()), 1)
    return found


@pytest.mark.parametrize(("part", "num_rows"), [("train", 20_000), ("valid", 2000), ("test", 5000)])
def test_next_token_rows_are_a_text_cut_at_every_letter(data: Dataset, part: str, num_rows: int):
    rows = getattr(data, part)
    assert rows.x.shape == (num_rows, 4)
    assert torch.equal(rows.x[1:, :3], rows.x[:-1, 1:])
    assert torch.equal(rows.x[1:, 3].long(), rows.y[:-1])
    assert data.class_names == tuple("abcdefghijklmnop")


def test_next_token_pairs_are_followed_by_four_letters_which_are_those_of_all_parts(data: Dataset):
    train, test = counts(data.train) > 0, counts(data.test) > 0
    assert train.sum(1).max() == 4
    seen = train.sum(1) == 4  # a rare pair may not have shown all of its letters
    assert not (test[seen] & ~train[seen]).any()


def test_next_token_entropy_is_that_of_the_text(data: Dataset):
    assert data.known_losses["entropy"] == pytest.approx((1 / 2 + 2 / 4 + 3 / 8 + 3 / 8) * math.log(2), rel=FORMULA)
    seen = counts(data.train)
    share = seen / seen.sum(1, keepdims=True).clip(1)
    of_counts = -(seen * np.log(np.where(seen, share, 1))).sum() / seen.sum()
    too_low_by = 256 * 3 / (2 * 20_000)  # Miller 1955: counts fit their own text, by 1 / 2N for each free share
    surprise = np.array([1, 2, 3, 3]) * math.log(2)
    deviation = (np.array([1 / 2, 1 / 4, 1 / 8, 1 / 8]) @ surprise**2 - data.known_losses["entropy"] ** 2) ** 0.5
    error = STATISTICS * deviation / 20_000**0.5
    assert of_counts + too_low_by == pytest.approx(data.known_losses["entropy"], abs=error)


def test_next_token_unigram_is_that_of_scikit_learn(data: Dataset):
    prior = DummyClassifier(strategy="prior").fit(data.train.x, data.train.y)
    assert data.known_losses["unigram"] == pytest.approx(
        log_loss(data.test.y, prior.predict_proba(data.test.x)), rel=FORMULA
    )
