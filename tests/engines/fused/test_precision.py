"""Products of fewer digits: asked for by name, near the numbers of float32, and refused where they cannot be had."""

import re
import threading

import pytest
import torch

from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.engines._make import make_engine
from fivestep.engines.fused.recorded.precision import multiplying_in
from fivestep.evaluation import evaluate
from fivestep.net import MLP, FeedForward, NetSpec
from fivestep.plan import TrainPlan
from fivestep.steps import steps
from fivestep.train import train
from tests.samples import numbers, small_net, small_plan, three_classes
from tests.tolerances import BFLOAT16

BFLOAT = "fused:precision=bfloat16"
NETS: dict[str, NetSpec] = {
    "mlp": MLP(4, 16, 16, 3, activation=("gelu", "relu"), dropout=0.1),
    "norms": MLP(4, 16, 16, 3, norm=("layer_norm", "rms_norm")),
    "feed-forward": NetSpec((*FeedForward(4, 16).layers, *MLP(4, 3).layers), 4, 3),
}


@pytest.mark.parametrize("spec", [pytest.param(spec, id=name) for name, spec in NETS.items()])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_losses_in_bfloat16_are_near_those_in_float32(spec: NetSpec, optimizer: str) -> None:
    plan, data = small_plan(optimizer=optimizer, lr=0.01), three_classes()
    losses = []
    for name in ("scratch", BFLOAT):
        engine = make_engine(name, spec, plan, device="cpu")
        losses.append([epoch.running_loss for epoch in train(engine, data, plan)])
    assert losses[0] != losses[1]
    assert all(abs(got / expected - 1) < BFLOAT16 for got, expected in zip(losses[1], losses[0], strict=True))


def test_weights_and_memory_stay_float32_and_keep_small_steps() -> None:
    """Three hundred steps, each far smaller than bfloat16 can say of a weight, still move it as in float32."""
    plan = TrainPlan(loss="mse", optimizer="adamw:weight_decay=0.0", lr=1e-5, batch_size=None, epochs=300)
    data = Dataset(Rows(numbers(32, 4), 1000 + numbers(32, 1, seed=1)), num_outputs=1)
    engine = make_engine(BFLOAT, MLP(4, 1), plan, device="cpu")
    before = engine.params.flat.clone()
    for _ in steps(engine, data, plan):
        pass
    assert {value.dtype for value in engine.state().values()} == {torch.float32}
    moved = (engine.params.flat - before)[-1].item()  # the bias goes up by the rate in each step
    assert moved == pytest.approx(300 * 1e-5, rel=0.01)


def test_threads_take_turns_with_tf32_and_leave_the_precision_as_it_was() -> None:
    before, has_entered = torch.get_float32_matmul_precision(), threading.Event()

    def enter() -> None:
        with multiplying_in("tf32"):
            has_entered.set()

    other = threading.Thread(target=enter)
    with multiplying_in("tf32"):
        other.start()
        assert not has_entered.wait(0.1)
    other.join()
    assert has_entered.is_set()
    assert torch.get_float32_matmul_precision() == before


def test_the_choice_comes_back_from_its_text() -> None:
    engine = make_engine("auto:precision=bfloat16", small_net(), TrainPlan(), device="cpu")
    assert (engine.name, str(engine.choice)) == ("fused", BFLOAT)
    assert engine.reason == "a precision was asked for, its products are in bfloat16 and its weights in float32"
    assert make_engine(str(engine.choice), small_net(), TrainPlan(), device="cpu").options == engine.options


def test_prediction_is_in_the_same_digits() -> None:
    engine, exact = (make_engine(n, small_net(), TrainPlan(), device="cpu") for n in (BFLOAT, "scratch"))
    x = numbers(8, 4, dtype=torch.float32)
    got, expected = engine.predict(x), exact.predict(x)
    assert got.dtype == torch.float32
    assert not torch.equal(got, expected)
    assert torch.equal(got, got.bfloat16().float())
    rows = Rows(x, torch.arange(8) % 3)
    assert evaluate(engine, rows).loss == pytest.approx(evaluate(exact, rows).loss, rel=BFLOAT16)


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("fused:precision=tf32", {}, "precision must be one that cpu has, got 'tf32'; 'bfloat16' works there"),
        ("fused:precision=half", {}, "precision must be one of tf32, bfloat16, got 'half'"),
        (BFLOAT, {"dtype": "float64"}, "precision must be used with dtype float32, got 'bfloat16'"),
        ("scratch:precision=bfloat16", {}, "engine 'scratch' must be used without options, got 'precision'"),
    ],
)
def test_impossible_precisions_are_refused(name: str, options: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        make_engine(name, small_net(), TrainPlan(), device="cpu", **options)  # type: ignore[arg-type]  # one of them


def test_what_cannot_be_recorded_has_no_precision() -> None:
    with pytest.raises(InputError, match="got 'bfloat16', while optimizer 'lbfgs' looks at numbers"):
        make_engine(BFLOAT, small_net(), TrainPlan(optimizer="lbfgs"), device="cpu")


def test_layers_that_need_more_digits_are_refused() -> None:
    with pytest.raises(InputError, match="'batch_norm', which needs more digits than bfloat16 has"):
        make_engine(BFLOAT, small_net(norm="batch_norm"), TrainPlan(), device="cpu")
