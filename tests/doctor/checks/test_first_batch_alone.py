"""`next(iter(loader))` for each step."""

import itertools
from collections.abc import Iterator

import pytest
from torch import Tensor, optim
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader, TensorDataset

from tests.doctor.loops import findings, net, rows, signs

Batches = Iterator[tuple[Tensor, Tensor]]


def loop(batches: Batches) -> None:
    model = net()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for x, y in itertools.islice(batches, 16):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def loader(size: int, *, shuffle: bool = False) -> DataLoader[tuple[Tensor, ...]]:
    return DataLoader(TensorDataset(*rows()), size, shuffle=shuffle)


def first_of(data: DataLoader[tuple[Tensor, ...]]) -> Batches:
    while True:
        yield next(iter(data))


def test_it_is_said_how_many_there_are() -> None:
    (found,) = findings(lambda: loop(first_of(loader(8))))
    assert found.sign == "first batch alone"
    assert "A DataLoader of 8 batches was begun 16 times, once for each update" in found.seen


@pytest.mark.parametrize(("size", "shuffle"), [(8, True), (64, False)], ids=["shuffled", "one batch"])
def test_the_first_of_a_loader_that_may_be_begun_anew(size: int, shuffle: bool) -> None:
    assert signs(lambda: loop(first_of(loader(size, shuffle=shuffle)))) == []


def test_a_batch_that_is_learned_by_heart_and_all_of_them() -> None:
    assert signs(lambda: loop(itertools.repeat(next(iter(loader(8)))))) == []
    assert signs(lambda: loop(itertools.chain(loader(8), loader(8)))) == []
