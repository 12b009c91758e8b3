"""Kernels of our own, where Triton is there: the steps of `scratch` to within float32."""

import pytest
import torch

from fivestep.datasets._base import Dataset, Rows
from fivestep.engines._make import make_engine
from fivestep.engines.fused.recorded.own_kernels import has_triton
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from fivestep.steps import steps
from tests.kernels import BETWEEN, TILED, Case, X, assert_the_same_steps, both, who_steps
from tests.tolerances import BFLOAT16, distance

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available() or not has_triton(torch.device("cuda")), reason="no CUDA device, or no Triton for it"
)

BFLOAT = "fused:precision=bfloat16"


@pytest.mark.parametrize("case", TILED, ids=str)
def test_tiles_take_the_steps_of_scratch(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = who_steps(monkeypatch)
    assert_the_same_steps(case, *both(case, "fused", "cuda"))
    assert set(taken) == {"Tiles"}  # how many depends on how they are recorded: interpreted, they are counted


def test_tokens_are_no_rows_of_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    case, taken = Case("mse", "tanh", rows="tokens"), who_steps(monkeypatch)
    assert_the_same_steps(case, *both(case, "fused", "cuda"))
    assert set(taken) == {"Wide"}


@pytest.mark.parametrize("case", BETWEEN, ids=str)
def test_passes_between_products_take_the_steps_of_scratch(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = who_steps(monkeypatch)
    assert_the_same_steps(case, *both(case, "fused", "cuda"))
    assert set(taken) == {"Wide"}


def test_passes_in_bfloat16_are_near_the_layers_in_bfloat16() -> None:
    data = Dataset(Rows(X, X[:, :24].sin()), num_outputs=24)
    plan = TrainPlan(loss="mse", optimizer="adamw", lr=1e-3, batch_size=32, epochs=10)
    engines = [make_engine(BFLOAT, MLP(50, 256, 24, activation="gelu"), plan, device=d) for d in ("cpu", "cuda")]
    losses = [torch.cat([step.losses for step in steps(e, data, plan) if step.losses is not None]) for e in engines]
    assert distance(losses[1].cpu(), losses[0]) < BFLOAT16
    assert {value.dtype for value in engines[1].state().values()} == {torch.float32}
