"""A diagnosis is many trainings: they run without the shape checks, which the other tests make."""

import pytest


@pytest.fixture(autouse=True)
def fast(without_shape_checks: None) -> None:
    """Every test of this folder."""
