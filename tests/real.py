"""Data that have to be fetched once: without a network, and without the files, their tests are skipped."""

import pytest

from fivestep.check import InputError
from fivestep.datasets._base import Dataset
from fivestep.datasets._load import load_dataset


def load_or_skip(name: str) -> Dataset:
    """The data of a task with files, or a skipped test that says what is missing."""
    try:
        return load_dataset(name)
    except InputError as error:
        pytest.skip(str(error))
