"""Everything here runs interpreted."""

from collections.abc import Iterator

import numpy as np
import pytest

from tests import interpreter


@pytest.fixture(autouse=True)
def _interpreted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if interpreter.LACKS is None:
        interpreter.interpret(monkeypatch)
    with np.errstate(over="ignore", invalid="ignore"):  # as a device, which says nothing where a number has no room
        yield
