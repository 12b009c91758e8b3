"""The compiled body: blocks of steps are the same steps, what it cannot do is said, what diverges is found."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from fivestep.check import DivergenceError, InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.engines._engine import BlockEngine
from fivestep.engines._make import make_engine
from fivestep.engines.fused import _compiled
from fivestep.find import Choice
from fivestep.net import MLP, NetSpec
from fivestep.plan import TrainPlan
from fivestep.steps import steps
from fivestep.train import train
from tests.samples import FUSED_PLANS, do_steps, moons, numbers, small_engine, small_net, small_plan, three_classes
from tests.tolerances import ENGINES_FLOAT32, ENGINES_FLOAT64, distance

plans = pytest.mark.parametrize("options", [pytest.param(options, id=name) for name, options in FUSED_PLANS.items()])


@plans
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
def test_a_block_of_steps_is_the_steps_one_by_one(options: dict[str, Any], weighted: bool) -> None:
    """To the bit, with dropout, in the middle of epochs, whatever the length of the blocks."""
    plan, spec, data = small_plan(**options), small_net(dropout=0.3), three_classes(weighted=weighted)
    whole, single = small_engine("fused", plan, spec), small_engine("fused", plan, spec)
    blocks = list(steps(whole, data, plan))
    losses = [step.loss for step in do_steps(single, data, plan, 1, plan.num_steps(50))]
    assert len(blocks) < len(losses) / 4
    assert torch.equal(whole.params.flat, single.params.flat)
    got, expected = whole.state(), single.state()
    assert all(torch.equal(got[name], value) for name, value in expected.items())


def test_the_step_of_a_block_has_the_mean_loss_of_its_rows() -> None:
    plan, data = small_plan(), three_classes()
    block = next(iter(steps(small_engine("fused", plan), data, plan, every=2)))
    single = do_steps(small_engine("fused", plan), data, plan, 1, 8)
    mean = sum(step.loss * step.num_rows for step in single) / 100
    assert (block.number, block.epoch, block.num_rows) == (8, 2, 100)
    assert distance(block.loss, torch.as_tensor(mean)) < ENGINES_FLOAT64


@pytest.mark.parametrize("every", [1, 2, 3])
def test_no_block_runs_past_an_epoch_that_is_shown(every: int) -> None:
    plan, data = small_plan(epochs=7), three_classes()
    engine = small_engine("fused", plan)
    ends = [engine.num_updates for _ in steps(engine, data, plan, every=every)]
    assert ends == [4 * epoch for epoch in range(1, 8) if epoch % every == 0 or epoch == 7]


def test_a_thousand_epochs_are_a_few_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, data, plan = moons("fused", epochs=1000)
    assert isinstance(engine, BlockEngine)
    calls, train_block = [], engine.train_block
    monkeypatch.setattr(engine, "train_block", lambda block: calls.append(block) or train_block(block))
    (epoch,) = train(engine, data, plan, every=1000)
    assert epoch.step == 1000
    assert len(calls) <= 4


def test_a_thousand_steps_on_moons_are_those_of_scratch() -> None:
    fused, scratch = moons("fused", "float64", epochs=1000), moons("scratch", "float64", epochs=1000)
    (got,), (expected,) = train(*fused, every=1000), train(*scratch, every=1000)
    assert math.isclose(got.train_loss, expected.train_loss, rel_tol=ENGINES_FLOAT64)
    assert math.isclose(got.running_loss, expected.running_loss, rel_tol=ENGINES_FLOAT64)


@pytest.mark.parametrize("num_rows", [1, 15, 16, 17, 63, 511, 512, 513, 1500])
def test_batches_of_any_size_have_the_loss_and_the_gradient_of_scratch(num_rows: int) -> None:
    """Whole lanes and rests, one tile and several."""
    x, y = numbers(num_rows, 4), numbers(num_rows, 3, seed=1)
    engines = [small_engine(name, small_plan(loss="mse")) for name in ("fused", "scratch")]
    losses = [engine.train_step(x, y) for engine in engines]
    assert distance(*losses) < ENGINES_FLOAT64
    assert distance(*(engine.params.grad for engine in engines)) < ENGINES_FLOAT64
    assert distance(*(engine.predict(x) for engine in engines)) < ENGINES_FLOAT64


@pytest.mark.parametrize("sizes", [(1, 1), (3, 5, 4, 7, 2), (30, 64, 33, 10)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_networks_of_any_depth_and_width_train_as_in_scratch(sizes: tuple[int, ...], dtype: str) -> None:
    plan = small_plan(loss="mse", optimizer="adam", lr=0.01)
    data = Dataset(Rows(numbers(50, sizes[0]), numbers(50, sizes[-1], seed=1)), num_outputs=sizes[-1])
    engines = [small_engine(name, plan, MLP(*sizes, activation="tanh"), dtype) for name in ("fused", "scratch")]
    for engine in engines:
        list(steps(engine, data, plan))
    tolerance = ENGINES_FLOAT64 if dtype == "float64" else ENGINES_FLOAT32
    assert distance(*(engine.params.flat for engine in engines)) < tolerance


def test_rows_stored_as_bytes_are_those_numbers() -> None:
    stored, y = torch.randint(0, 256, (50, 4), dtype=torch.uint8), three_classes().train.y
    plan = small_plan()
    ends = []
    for rows in (Rows(stored, y, scale=1 / 255), Rows(stored.double() * (1 / 255), y)):
        engine = small_engine("fused", plan)
        list(steps(engine, Dataset(rows, num_outputs=3), plan))
        ends.append(engine.params.flat.clone())
    assert torch.equal(*ends)


def test_weights_that_are_loaded_are_trained() -> None:
    """The body works on a copy: it must notice what was done to the weights in between."""
    plan, data = small_plan(), three_classes()
    engine, other = small_engine("fused", plan), small_engine("fused", replace(plan))
    do_steps(engine, data, plan, 1, 3)
    engine.load_weights({name: value * 0 + 0.1 for name, value in engine.named_parameters().items()})
    other.load_weights(engine.named_parameters())
    assert torch.equal(engine.predict(data.train.x), other.predict(data.train.x))
    do_steps(engine, data, plan, 4, 5)
    do_steps(other, data, plan, 4, 5)
    assert torch.equal(engine.params.flat, other.params.flat)


@pytest.mark.parametrize("batch_size", [None, 16])
def test_a_divergence_in_the_middle_of_a_block_is_found_at_its_step(batch_size: int | None) -> None:
    """As in `scratch`, and with the weights from before that step."""
    data = Dataset(Rows(numbers(50, 4), numbers(50, 3, seed=1)), num_outputs=3)
    plan = TrainPlan(loss="mse", lr=4.0, batch_size=batch_size, epochs=4000)
    found = {}
    for name in ("fused", "scratch"):
        engine = small_engine(name, plan, MLP(4, 6, 3, activation="relu"))
        with pytest.raises(DivergenceError) as error:
            list(train(engine, data, plan, every=1000))
        found[name] = str(error.value), engine.num_updates
        assert engine.params.flat.isfinite().all()
    assert found["fused"] == found["scratch"]


def test_not_a_number_in_a_weight_reaches_the_loss() -> None:
    engine = small_engine("fused", spec=small_net(activation="relu"))
    engine.params.flat[0] = torch.nan
    assert engine.train_step(numbers(5, 4), torch.tensor([0, 1, 2, 0, 1])).isnan()


@pytest.mark.parametrize(
    ("spec", "options", "sentence"),
    [
        (MLP(4, 6, 3, activation="softmax"), {}, "layer 'softmax' has no scalar form"),
        (
            NetSpec((Choice("residual", layers=("softmax",)), Choice("linear")), 4, 3),
            {},
            "layer 'softmax' has no scalar form",
        ),
        (MLP(4, 6, 3), {"optimizer": "muon:ns_dtype=bfloat16"}, "optimizer 'muon' computes in bfloat16"),
    ],
)
def test_it_hands_over_to_scratch_and_says_why(spec: Any, options: dict[str, Any], sentence: str) -> None:
    with pytest.warns(UserWarning, match=f"engine 'fused' falls back to 'scratch': {sentence}"):
        engine = make_engine("fused", spec, small_plan(**options), device="cpu")
    assert (engine.name, engine.reason) == ("scratch", sentence)


X, Y = three_classes(20).train.x, three_classes(20).train.y
WEIGHT = torch.full((20,), 1 / 20, dtype=torch.float64)


@pytest.mark.parametrize(
    ("y", "weight", "sentence"),
    [
        (Y, WEIGHT[:5], r"weight must be a torch.float64 tensor of shape \(20,\), got torch.float64 of shape \(5,\)"),
        (Y, WEIGHT[:, None], r"got torch.float64 of shape \(20, 1\)"),
        (Y, WEIGHT.float(), r"got torch.float32 of shape \(20,\)"),
        (Y, WEIGHT.tolist(), "got list"),
        (Y + 3, None, "y must hold classes 0 to 2 for a network of 3 outputs, got 3 to 5"),
        (Y - 1, WEIGHT, "y must hold classes 0 to 2 for a network of 3 outputs, got -1 to 1"),
        (Y[:5], None, r"y must have the shape \(20,\)"),
    ],
    ids=["shorter", "a column", "float32", "list", "classes too high", "classes too low", "too few"],
)
@pytest.mark.usefixtures("without_shape_checks")
def test_what_does_not_fit_is_refused_by_hand_before_the_compiled_body_sees_it(
    y: torch.Tensor, weight: torch.Tensor | None, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        small_engine("fused").train_step(X, y, weight)


def test_threads_may_predict_with_one_engine_at_the_same_time() -> None:
    """Compiled code holds no lock: each thread has buffers of its own."""
    engine = small_engine("fused", spec=MLP(4, 64, 64, 3, activation="tanh"))
    parts = [numbers(2000, 4, seed=seed) for seed in range(4)]
    expected = [engine.predict(part) for part in parts]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(10):
            got = list(pool.map(engine.predict, parts))
            assert all(torch.equal(one, other) for one, other in zip(got, expected, strict=True))


def test_what_is_compiled_is_announced_once_however_many_threads_ask(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FIVESTEP_CACHE", str(tmp_path))
    with ThreadPoolExecutor(4) as pool:
        notes = list(pool.map(lambda _: _compiled._announced("train", "a type for this test"), range(4)))
    assert len(set(notes)) == 1
    assert capsys.readouterr().err.count("Compiling") == 1
