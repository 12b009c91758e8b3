"""Predictions of many rows are made some rows at a time: the same ones, in little memory."""

from pathlib import Path

import pytest
import torch

from fivestep.engines import _parts
from fivestep.engines._make import make_engine
from fivestep.engines._parts import in_parts, rows_at_a_time
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from tests.samples import ENGINES, numbers
from tests.tolerances import FORMULA, distance

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
WIDE = MLP(4, 4000, 1)
EVERY = (*(name for name in ENGINES if name != "fused"), "fused:larger=true", "fused:larger=false")
STATUS = Path("/proc/self/status")


def resident(name: str) -> int:
    """A size of this process in bytes, as Linux says it."""
    return next(
        int(line.split()[1]) * 1024 for line in STATUS.read_text(encoding="utf-8").splitlines() if line.startswith(name)
    )


@pytest.mark.parametrize(("rows", "shape"), [(23, ()), (21, ()), (3, ()), (1, ()), (9, (5,))])
@pytest.mark.parametrize("name", [*EVERY, "fused:recorded=true"])
def test_parts_give_what_all_rows_together_give(
    name: str, rows: int, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven rows at a time, the last ones fewer; of five tokens each, one row at a time."""
    engine, x = make_engine(name, MLP(4, 6, 3), TrainPlan(), dtype="float64", device="cpu"), numbers(rows, *shape, 4)
    at_once = engine.predict(x)
    monkeypatch.setattr(_parts, "MOST_ROWS", 7)
    assert engine.predict(x).shape == (rows, *shape, 3)
    assert distance(engine.predict(x), at_once) < FORMULA


def test_a_pass_takes_as_many_rows_as_its_widest_layer_allows() -> None:
    seen: list[int] = []

    def outputs(x: torch.Tensor) -> torch.Tensor:
        seen.append(len(x))
        return x[..., :1]

    x = numbers(1000, 4)
    assert torch.equal(in_parts(outputs, x, MLP(4, 2048, 1)), x[:, :1])
    assert seen == [256, 256, 256, 232]


def test_a_matrix_is_read_for_many_rows_and_tokens_count_as_such() -> None:
    assert rows_at_a_time(MLP(4, 100_000, 1), CPU) == 128
    assert rows_at_a_time(MLP(4, 1), CPU) == 8192
    assert rows_at_a_time(MLP(4, 1), CPU, tokens=100) == 81
    assert rows_at_a_time(MLP(4, 1), CPU, tokens=10_000) == 1
    assert rows_at_a_time(MLP(4096, 14336, 4096), CUDA) == 2**26 // 14336


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the system says no largest size")
@pytest.mark.parametrize("name", EVERY)
def test_the_memory_of_a_prediction_does_not_grow_with_the_rows(name: str) -> None:
    """All 20,000 rows through 4,000 units would be 320 MB; the parts are of 2 MB, and the engines copy some."""
    engine, x = make_engine(name, WIDE, TrainPlan(), device="cpu"), torch.rand(20_000, 4)
    engine.predict(x[:200])  # compiled, and loaded
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the largest size so far begins anew
    before = resident("VmRSS")
    assert engine.predict(x).shape == (20_000, 1)
    assert resident("VmHWM") - before < 40e6
