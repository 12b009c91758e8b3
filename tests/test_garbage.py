"""Python's search for garbage, put off: it is as it was afterwards, whatever happens inside."""

import gc

import pytest

from fivestep.garbage import uncollected


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
