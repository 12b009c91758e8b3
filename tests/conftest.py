"""What every test runs under: shapes checked at each call, one thread for each worker, no global seed."""

import sys
from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings

from tests.shapes import check_shapes, unchecked

assert "fivestep" not in sys.modules, "the shape checks must be installed before fivestep is imported"
check_shapes("fivestep")
torch.set_num_threads(1)  # as many workers as cores (xdist), each with one thread
settings.register_profile("fivestep", derandomize=True, deadline=None)  # the same examples in every run, never timed
settings.load_profile("fivestep")


@pytest.fixture
def without_shape_checks() -> Iterator[None]:
    """For tests of very many steps."""
    with unchecked():
        yield
