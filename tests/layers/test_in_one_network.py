"""All layers together, on real rows, in every engine."""

import functools

import pytest
import torch

from fivestep.datasets._base import Dataset, Rows
from fivestep.datasets._load import load_dataset
from fivestep.engines._base import FiveStepEngine
from fivestep.epoch import Epoch
from fivestep.evaluation import evaluate
from fivestep.find import Choice
from fivestep.net import FeedForward, NetSpec
from fivestep.plan import TrainPlan
from fivestep.run import fit
from fivestep.train import train
from tests.samples import ENGINES, numbers, small_engine, stream
from tests.tolerances import ENGINES_FLOAT64, FORMULA, distance

every_engine = pytest.mark.parametrize("name", ENGINES)
other_engines = pytest.mark.parametrize("name", [name for name in ENGINES if name != "nn"])

BLOCK = ("layer_norm", *map(str, FeedForward(32, 64, dropout=0.1).layers))
LAYERS = (
    *(Choice("linear", out_features=32, bias=False), Choice("batch_norm"), Choice("relu"), Choice("dropout", p=0.2)),
    *(Choice("residual", layers=BLOCK), Choice("residual", layers=("batch_norm", "tanh", "linear:out_features=32"))),
    *(Choice("rms_norm"), Choice("gated", out_features=16, activation="silu"), Choice("linear")),
)
PLAN = TrainPlan(optimizer="adam", lr=1e-2, batch_size=64, micro_batch_size=40, epochs=4, seed=2, clip_norm=1.0)


@functools.cache
def digits(name: str) -> tuple[FiveStepEngine, list[Epoch]]:
    """A network of every kind of layer, trained for four epochs on handwritten digits, in float64."""
    engine = small_engine(name, PLAN, NetSpec(LAYERS, 64, 10))
    return engine, list(train(engine, load_dataset("digits"), PLAN))


@pytest.mark.slow
@other_engines
def test_every_engine_trains_it_to_the_same_numbers(name: str) -> None:
    (engine, epochs), (oracle, expected) = digits(name), digits("nn")
    got, weights = engine.params.named_with_buffers(), oracle.params.named_with_buffers()
    assert all(distance(got[key], weights[key].detach()) < ENGINES_FLOAT64 for key in weights)
    assert [epoch.valid_loss for epoch in epochs] == pytest.approx(
        [epoch.valid_loss for epoch in expected], rel=ENGINES_FLOAT64
    )


@pytest.mark.slow
def test_it_learns_the_digits() -> None:
    engine, _ = digits("nn")
    assert evaluate(engine, load_dataset("digits").test).accuracy > 0.9


@every_engine
@pytest.mark.parametrize("options", [{}, {"residual": True}, {"gated": True, "activation": "silu"}], ids=str)
def test_permuting_the_tokens_permutes_the_outputs(name: str, options: dict[str, bool]) -> None:
    engine, x = small_engine(name, PLAN, FeedForward(6, **options)), numbers(3, 5, 6)
    order = torch.randperm(5, generator=stream())
    assert distance(engine.predict(x[:, order]), engine.predict(x)[:, order]) < FORMULA


@every_engine
def test_tokens_are_rows(name: str) -> None:
    engine, x = small_engine(name, PLAN, FeedForward(6, residual=True)), numbers(3, 5, 6)
    assert distance(engine.predict(x).flatten(0, 1), engine.predict(x.flatten(0, 1))) < FORMULA


@every_engine
def test_a_block_learns_from_tokens(name: str, tmp_path: str) -> None:
    x = numbers(20, 5, 6)
    data = Dataset(Rows(x, x.tanh()), num_outputs=6)
    plan = TrainPlan(loss="mse", optimizer="adam", lr=1e-2, batch_size=None, epochs=30)
    run = fit(FeedForward(6), data, plan, name, dtype="float64", device="cpu", out=f"{tmp_path}/run")
    assert run.history[-1].train_loss < 0.3 * run.history[0].train_loss
    assert run.spec.in_features == 6
