"""What every test runs under: shapes checked at each call, one thread for each worker, the same global draws."""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import polars
import pytest
import torch
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from tests.browser import launched
from tests.shapes import check_shapes, unchecked

assert "fivestep" not in sys.modules, "the shape checks must be installed before fivestep is imported"
check_shapes("fivestep")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a job in the background of a script
    signal.signal(signal.SIGINT, signal.default_int_handler)
torch.set_num_threads(1)  # as many workers as cores (xdist), each with one thread
with mock.patch.dict(os.environ, {"POLARS_MAX_THREADS": "1"}):
    polars.thread_pool_size()  # here only, and not for processes that tests start
settings.register_profile(  # the same examples in every run, kept nowhere, never timed
    "fivestep", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("fivestep")
providers._get_local_constants = providers.Constants
"""Else hypothesis (6.131 and later) draws from the constants of what has been imported, so by the tests before."""


gc.disable()  # imports make a million objects and no garbage, and twenty thousand tests as many


def pytest_collection_finish() -> None:
    """From here on Python looks for garbage among what tests leave: beside all the rest a search takes a second."""
    gc.freeze()
    gc.enable()


HANDLERS = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """What is drawn without a generator, in a fixture too, does not depend on the tests that came before.

    Nor does what a signal does: Ray leaves a handler of its own, with which SIGTERM ends the process.
    """
    torch.manual_seed(0)
    np.random.seed(0)
    for number, handler in HANDLERS.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Whatever a test did, or said about the threads that there are, the next one begins with one."""
    yield
    torch.set_num_threads(1)


CONTRIBUTING = Path(__file__).parents[1] / "CONTRIBUTING.md"
SNAKE = CONTRIBUTING.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
"""The example that people are told to copy."""


@pytest.fixture
def snake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """One more file in the folder of activations, made of the example in CONTRIBUTING.md; its text."""
    import fivestep.activations
    from fivestep.find import _public_of, names

    (tmp_path / "snake.py").write_text(SNAKE, encoding="utf-8")
    monkeypatch.setattr(fivestep.activations, "__path__", [*fivestep.activations.__path__, str(tmp_path)])
    names.cache_clear()
    yield SNAKE
    sys.modules.pop("fivestep.activations.snake", None)
    for kept in (names, _public_of):
        kept.cache_clear()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser, for as long as the tests of one file: playwright has one at a time in a process."""
    with launched() as there:
        yield there


@pytest.fixture
def without_shape_checks() -> Iterator[None]:
    """For tests of very many steps."""
    with unchecked():
        yield
