"""Python's search for garbage, put off: it is as it was afterwards, whatever happens inside."""

import gc
from concurrent.futures import ThreadPoolExecutor

import pytest

from fivestep.machine.garbage import uncollected


def fails() -> None:
    with uncollected(), uncollected():
        assert not gc.isenabled()
        raise KeyError


@pytest.mark.parametrize("searches", [True, False])
def test_it_is_as_before_afterwards_even_after_an_error(searches: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if searches else gc.disable)()
        with pytest.raises(KeyError):
            fails()
        assert gc.isenabled() == searches
    finally:
        (gc.enable if before else gc.disable)()


def test_who_leaves_first_does_not_begin_the_search_for_those_that_stay() -> None:
    before = gc.isenabled()
    try:
        gc.enable()
        inside = []
        with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
            threads, blocks = (one, other), (uncollected(), uncollected())
            for thread, block in zip(threads, blocks, strict=True):
                thread.submit(block.__enter__).result()
            for thread, block in zip(threads, blocks, strict=True):
                inside.append(not gc.isenabled())
                thread.submit(block.__exit__, None, None, None).result()
        assert inside == [True, True]
        assert gc.isenabled()
    finally:
        (gc.enable if before else gc.disable)()
