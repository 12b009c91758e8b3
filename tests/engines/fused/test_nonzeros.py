"""First layers whose inputs are often 0: the steps of scratch, and products that take only what is not 0."""

from typing import Any

import numpy as np
import pytest
import torch

from fivestep.datasets._base import Dataset, Rows
from fivestep.engines.fused._compiled import one_pass
from fivestep.engines.fused._size import own_tile
from fivestep.engines.fused.body.division import Dense, Nonzeros
from fivestep.engines.fused.body.lanes import BYTES
from fivestep.engines.fused.body.nonzeros import AT_ONCE, PANELS, panels_of
from fivestep.engines.fused.body.panels import BESIDE
from fivestep.engines.fused.body.target import Registers
from fivestep.engines.fused.larger import nonzeros
from fivestep.find import Choice
from fivestep.net import MLP, NetSpec
from fivestep.steps import steps
from tests.engines.fused.test_divided import LARGER, PLANS, as_scratch, division, share
from tests.samples import numbers, small_engine, small_plan
from tests.tolerances import ENGINES_FLOAT32, FLOAT32, FORMULA, distance

pytestmark = pytest.mark.skipif(own_tile() is None, reason="on such a processor torch's products do it")
PANEL = BESIDE * BYTES // 8
"""Units of float64 in a panel."""

NUM_IN = 2 * PANEL + 5
types = pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, FLOAT32), (torch.float64, FORMULA)])


def sparse(rows: int, columns: int, seed: int = 0, share_left: float = 0.4) -> torch.Tensor:
    """Numbers of which most are 0, and a column and a row in which all are."""
    x = numbers(rows, columns, seed=seed)
    x = x * (torch.rand(x.shape, generator=torch.Generator().manual_seed(seed + 1)) < share_left)
    x[rows // 2], x[:, columns // 3] = 0.0, 0.0
    return x


def rows_of(x: torch.Tensor, scale: float | None = None) -> Dataset:
    return Dataset(Rows(x, torch.arange(len(x)) % 3, scale=scale), num_outputs=3)


@types
@pytest.mark.parametrize("group", [PANELS, 2, 1])
@pytest.mark.parametrize("left", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("begins", [True, False])
def test_two_rows_grow_by_what_is_not_zero(
    begins: bool, left: float, group: int, dtype: torch.dtype, tolerance: float
) -> None:
    """Sums, and numbers of another panel in front, behind and between stay as they are."""
    wide = BESIDE * BYTES // dtype.itemsize
    a, b = sparse(4, wide, share_left=left).to(dtype), numbers(group, wide, wide, seed=1).to(dtype)
    sums = numbers(group + 1, 5, wide, seed=2).to(dtype)
    expected = sums.clone()
    for p in range(group):
        expected[p, 1:3] = a[1:3] @ b[p] + (0 if begins else sums[p, 1:3])
    bits = tuple(np.uint64(sum(1 << k for k in range(wide) if row[k] != 0)) for row in a[1:3])
    into = sums.view(-1).numpy(), tuple(p * 5 * wide + wide for p in range(group)), wide
    right = b.view(-1).numpy(), tuple(p * wide * wide for p in range(group)), wide
    one_pass("add_nonzeros")(into, (a.view(-1).numpy(), wide, wide, 1), right, bits, begins)
    assert distance(sums, expected) < 10 * tolerance


@pytest.mark.parametrize(
    ("registers", "panels"),
    [(Registers(32, 64), 4), (Registers(16, 32), 2), (Registers(32, 16), 2), (Registers(16, 16), 1)],
)
def test_sums_of_two_rows_fill_half_of_the_registers(registers: Registers, panels: int) -> None:
    assert panels_of(registers) == panels


@pytest.mark.parametrize(
    ("count", "options"), [*((3, options) for options in PLANS), (1, "everything"), (2, "everything"), (1, "in parts")]
)
def test_a_run_is_that_of_scratch(count: int, options: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Units in groups of several panels and single ones, on any number of threads; weights that stay, or do not."""
    share(count, monkeypatch)
    spec = MLP(NUM_IN, 7 * PANEL + 3, 3 * PANEL, 3, activation=("relu", "tanh"))
    ours, _ = as_scratch(spec, small_plan(**PLANS[options]), rows_of(sparse(50, NUM_IN)))
    assert len(division(ours)._first.nonzeros) == count


NETS = {
    "two layers": MLP(NUM_IN, 4 * PANEL, 3, activation="relu"),
    "dropout": MLP(NUM_IN, 70, 33, 3, activation=("gelu", "silu"), dropout=(0.3, 0.6)),
    "no bias": NetSpec((Choice("linear", out_features=70, bias=False), Choice("relu"), Choice("linear")), NUM_IN, 3),
    "a norm": MLP(NUM_IN, 70, 3, norm="batch_norm"),
    "a learned activation": NetSpec(
        (Choice("linear", out_features=70), Choice("parametric", activation="mish"), Choice("linear")), NUM_IN, 3
    ),
}


@pytest.mark.parametrize("net", NETS)
def test_other_networks_are_those_of_scratch(net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    share(1, monkeypatch)
    ours, _ = as_scratch(NETS[net], small_plan(**PLANS["everything"]), rows_of(sparse(50, NUM_IN)))
    assert division(ours)._first.nonzeros


@pytest.mark.parametrize("batch_size", [AT_ONCE - 1, AT_ONCE, 2 * AT_ONCE + 1, None])
def test_batches_of_any_size(batch_size: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The marks of a panel are those of some rows at a time; a last batch is shorter."""
    share(2, monkeypatch)
    as_scratch(MLP(NUM_IN, 4 * PANEL, 3), small_plan(batch_size=batch_size), rows_of(sparse(150, NUM_IN)))


@pytest.mark.parametrize("stored", [torch.uint8, torch.float32, torch.float64])
def test_rows_as_they_are_stored(stored: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes become numbers one by one, others are numbers before; all of it in float32, rows with width and height."""
    share(2, monkeypatch)
    x = (sparse(50, 63).abs() * 50).clamp(max=255).reshape(50, 7, 9).to(stored)
    data = rows_of(x, scale=1 / 255 if stored == torch.uint8 else None)
    ends = []
    for name in (LARGER, "scratch"):
        engine = small_engine(name, small_plan(), MLP(63, 130, 3, activation="relu"), dtype="float32")
        list(steps(engine, data, small_plan()))
        ends.append(engine.params.flat)
    assert distance(*ends) < ENGINES_FLOAT32


@pytest.mark.parametrize("options", [{}, {"optimizer": "adam"}, {"schedule": "one_cycle"}], ids=str)
def test_the_bits_are_the_same_wherever_blocks_end(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    share(2, monkeypatch)
    plan, data = small_plan(epochs=5, **options), rows_of(sparse(50, NUM_IN))
    engines = [small_engine(LARGER, plan, NETS["two layers"]) for _ in range(2)]
    for engine, every in zip(engines, (None, 1), strict=True):
        list(steps(engine, data, plan, every=every))
    assert torch.equal(*(engine.params.flat for engine in engines))
    assert torch.equal(*(engine.params.grad for engine in engines))


DENSE = {
    "few zeros": (MLP(NUM_IN, 4 * PANEL, 3), numbers(50, NUM_IN)),
    "one layer": (MLP(NUM_IN, 3), sparse(50, NUM_IN)),
    "a panel for a thread": (MLP(NUM_IN, PANEL, 3), sparse(50, NUM_IN)),
    "standardized inputs": (
        NetSpec((Choice("standardize", mean=0.5, std=2.0), *MLP(NUM_IN, 70, 3).layers), NUM_IN, 3),
        sparse(50, NUM_IN),
    ),
}


@pytest.mark.parametrize("case", DENSE)
def test_other_inputs_are_all_taken(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    share(1, monkeypatch)
    spec, x = DENSE[case]
    ours, _ = as_scratch(spec, small_plan(), rows_of(x))
    assert not division(ours)._first.nonzeros


def test_what_is_not_a_number_is_not_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    share(1, monkeypatch)
    x = sparse(9, NUM_IN)
    engine = small_engine(LARGER, small_plan(), NETS["two layers"])
    assert engine.train_step(x, torch.arange(9) % 3).isfinite()
    x[3, 2] = torch.nan
    assert engine.train_step(x, torch.arange(9) % 3).isnan()
    assert division(engine)._first.nonzeros


def test_large_weights_are_not_kept_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Transposed, they would be once more what the parameters take."""
    share(1, monkeypatch)
    monkeypatch.setattr(nonzeros, "MOST_TRANSPOSED", 1)
    ours, _ = as_scratch(NETS["two layers"], small_plan(), rows_of(sparse(50, NUM_IN)))
    assert not division(ours)._first.nonzeros


@pytest.mark.parametrize(("more", "kind"), [(0.02, Nonzeros), (-0.02, Dense)])
@pytest.mark.parametrize(
    ("least", "width"),
    [(nonzeros.LEAST_ZEROS, nonzeros.MANY_PANELS * PANEL), (nonzeros.LEAST_ZEROS_OF_FEW, 2 * PANEL)],
)
def test_some_of_the_rows_decide(
    least: float, width: int, more: float, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    share(1, monkeypatch)
    x = torch.ones(100, NUM_IN)
    x[: round(100 * (least + more))] = 0.0
    engine = small_engine(LARGER, small_plan(batch_size=None, epochs=1), MLP(NUM_IN, width, 3))
    list(steps(engine, rows_of(x), small_plan(batch_size=None, epochs=1)))
    assert bool(division(engine)._first.nonzeros) == (kind is Nonzeros)
