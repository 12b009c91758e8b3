"""The facts are thousands of steps: they run without the shape checks, which the other tests make."""

from collections.abc import Iterator

import pytest

from tests.shapes import unchecked


@pytest.fixture(autouse=True)
def without_shape_checks() -> Iterator[None]:
    with unchecked():
        yield
