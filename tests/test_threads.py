"""One thread for work that is too small to share."""

from collections.abc import Iterator

import pytest
import torch

from fivestep.net import MLP, NetSpec
from fivestep.threads import threads_for
from tests.samples import small_engine


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def threads_inside(spec: NetSpec, num_rows: int) -> int:
    with threads_for(small_engine("scratch", spec=spec), num_rows):
        return torch.get_num_threads()


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    ("spec", "num_rows", "threads"),
    [(MLP(2, 8, 1), 200, 1), (MLP(784, 256, 10), 256, 2), (MLP(784, 256, 10), 1, 1), (MLP(2, 8, 1), 100_000, 2)],
    ids=str,
)
def test_small_work_runs_on_one_thread_and_large_work_on_all(spec: NetSpec, num_rows: int, threads: int) -> None:
    assert threads_inside(spec, num_rows) == threads
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_the_threads_are_put_back_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), threads_for(small_engine("scratch"), 1):
        _ = 1 / 0
    assert torch.get_num_threads() == 2
