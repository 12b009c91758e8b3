"""Each pass beside torch, for sizes around whole lanes; and the larger body as a whole beside `scratch`."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from fivestep import products
from fivestep.check import DivergenceError
from fivestep.datasets._base import Dataset, Rows
from fivestep.engines._make import make_engine
from fivestep.engines.fused._compiled import one_pass
from fivestep.engines.fused._forms import OPERATIONS
from fivestep.engines.fused.body import kinds as kind
from fivestep.engines.fused.larger import products as larger
from fivestep.find import Choice, build
from fivestep.net import MLP, NetSpec
from fivestep.plan import TrainPlan
from fivestep.steps import steps
from fivestep.train import train
from tests.samples import FUSED_PLANS, do_steps, numbers, small_engine, small_net, small_plan, three_classes
from tests.tolerances import ENGINES_FLOAT32, ENGINES_FLOAT64, FLOAT32, FORMULA, distance

LARGER = "fused:larger=true"
SHAPES = [(1, 1), (3, 5), (4, 16), (7, 33), (9, 64), (2, 130), (48, 40)]
shapes = pytest.mark.parametrize("shape", SHAPES)
types = pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, FLOAT32), (torch.float64, FORMULA)])
ACTIVATIONS = [name for name, form in OPERATIONS.items() if form.kind not in (kind.LINEAR, kind.DROPOUT)]


@shapes
@types
@pytest.mark.parametrize("name", ["relu", "tanh", "gelu"])
def test_activations_in_place_are_torchs(
    shape: tuple[int, int], dtype: torch.dtype, tolerance: float, name: str
) -> None:
    z = numbers(*shape).to(dtype)
    a, derivatives, rest = z.clone(), torch.zeros_like(z), np.zeros(128, str(dtype).removeprefix("torch."))
    one_pass("activate")(OPERATIONS[name].kind, 0.0, a.view(-1).numpy(), derivatives.view(-1).numpy(), rest)
    leaf = z.clone().requires_grad_()
    expected = build("activations", Choice(name)).twin()(leaf)
    expected.sum().backward()
    assert distance(a, expected.detach()) < tolerance
    if name != "relu":
        assert distance(derivatives, leaf.grad) < 10 * tolerance  # type: ignore[arg-type]  # there is one


@shapes
@types
@pytest.mark.parametrize("which", [kind.IDENTITY, kind.RELU, kind.TANH])
def test_the_way_back_through_an_activation_and_its_bias(
    shape: tuple[int, int], dtype: torch.dtype, tolerance: float, which: int
) -> None:
    da, derivatives = numbers(*shape).to(dtype), numbers(*shape, seed=1).to(dtype)
    dz, db, turned = da.clone(), torch.full((shape[1],), torch.nan, dtype=dtype), torch.zeros(shape[::-1], dtype=dtype)
    one_pass("back")(which, dz.numpy(), derivatives.numpy(), db.numpy(), turned.numpy())
    expected = da * {kind.IDENTITY: 1, kind.RELU: derivatives > 0, kind.TANH: derivatives}[which]
    assert torch.equal(dz, expected)
    assert torch.equal(turned, expected.T)
    assert distance(db, expected.sum(0)) < 10 * tolerance


@types
@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("sizes", [(4, 16, 1), (7, 48, 16), (130, 64, 3), (256, 256, 10)])
def test_the_products_of_a_narrow_layer_are_torchs(
    sizes: tuple[int, int, int], has_bias: bool, dtype: torch.dtype, tolerance: float
) -> None:
    """Forward, and back with the gradients that it leaves; whatever lay in the results before is overwritten."""
    n, i, o = sizes
    x, w, b, dz = (numbers(*shape, seed=k).to(dtype) for k, shape in enumerate([(n, i), (o, i), (o,), (n, o)]))
    b = b if has_bias else b[:0]
    z, dx, dw, db = (torch.full_like(like, torch.nan) for like in (dz, x, w, b))
    one_pass("narrow_forward")(x.numpy(), w.numpy(), b.numpy(), z.numpy())
    weights, gradients = (w.numpy(), b.numpy()), (dx.numpy(), dw.numpy(), db.numpy())
    one_pass("narrow_back")(dz.numpy(), x.numpy(), weights, gradients, 0.0)
    expected = x @ w.T + (b if has_bias else 0), dz @ w, dz.T @ x, dz.sum(0)[: len(b)]
    assert max(distance(*both) for both in zip((z, dx, dw, db), expected, strict=True) if len(both[0])) < 10 * tolerance


def test_a_narrow_layer_moves_its_weights_by_the_rate_after_its_inputs_have_their_gradient() -> None:
    x, w, b, dz = (numbers(*shape, seed=k) for k, shape in enumerate([(9, 32), (5, 32), (5,), (9, 5)]))
    before, dx, dw, db = (w.clone(), b.clone()), torch.empty_like(x), torch.empty_like(w), torch.empty_like(b)
    gradients = dx.numpy(), dw.numpy(), db.numpy()
    one_pass("narrow_back")(dz.numpy(), x.numpy(), (w.numpy(), b.numpy()), gradients, 0.25)
    assert distance(dx, dz @ before[0]) < FORMULA
    assert distance(w, before[0] - 0.25 * dz.T @ x) < FORMULA
    assert distance(b, before[1] - 0.25 * dz.sum(0)) < FORMULA


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("stored", [torch.uint8, torch.float32, torch.float64])
@pytest.mark.parametrize("num_in", [1, 63, 200])
def test_gathered_rows_are_those_numbers_times_the_scale(stored: torch.dtype, dtype: torch.dtype, num_in: int) -> None:
    rows = (numbers(20, num_in) * 50 + 100).to(stored)
    order, out = torch.tensor([19, 0, 0, 7, 3]), torch.zeros(5, num_in, dtype=dtype)
    scale = np.full(1, 1 / 255, str(dtype).removeprefix("torch."))
    one_pass("gather")(rows.numpy(), order.numpy(), scale, out.numpy())
    assert torch.equal(out, rows[order].to(dtype) * (1 / 255))


PLANS: dict[str, dict[str, Any]] = {
    **FUSED_PLANS,
    "in parts": {"micro_batch_size": 4, "momentum": 0.9, "l2": 0.1},
    "descent with an l2 term": {"l2": 0.1},
    "momentum": {"momentum": 0.9, "nesterov": True},
    "a rule without a scalar form": {"optimizer": "muon"},
}
plans = pytest.mark.parametrize("options", [pytest.param(options, id=name) for name, options in PLANS.items()])
NETS = {
    "one layer": MLP(4, 3),
    "odd widths": MLP(4, 17, 33, 3, activation="gelu"),
    "few outputs from whole lanes": MLP(4, 32, 3, activation="relu"),
    "dropout": small_net(dropout=0.3, activation="relu"),
    "layers without a scalar form": MLP(4, 6, 5, 3, norm="batch_norm", activation="relu"),
}


@pytest.fixture
def undivided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch's products for dense networks as well, as on a processor with fewer registers."""
    monkeypatch.setattr(larger, "can_be_divided", lambda *_: False)


@pytest.mark.usefixtures("undivided")
@plans
@pytest.mark.parametrize("spec", NETS.values(), ids=NETS)
def test_a_run_is_that_of_scratch(options: dict[str, Any], spec: NetSpec) -> None:
    """Weights, memory of the rule, losses, gradient of the last step; plain descent merged into the products too."""
    plan, data = small_plan(**options), three_classes(weighted=True)
    if options.get("batch_size") == 1 and "batch_norm" in str(spec.layers):
        pytest.skip("batch normalization refuses a batch of one row")
    ours, scratch = small_engine(LARGER, plan, spec), small_engine("scratch", plan, spec)
    means, losses = [step.loss for step in steps(ours, data, plan, every=1)], []
    losses = [step.loss for step in steps(scratch, data, plan)]
    got, expected = ours.state(), scratch.state()
    assert len(means) <= len(losses)
    assert max(distance(got[name], value) for name, value in expected.items()) < ENGINES_FLOAT64
    assert distance(ours.params.grad, scratch.params.grad) < ENGINES_FLOAT64


@pytest.mark.usefixtures("undivided")
@pytest.mark.parametrize("options", [{}, {"optimizer": "adam", "lr": 0.01}], ids=["plain descent", "adam"])
def test_where_blocks_end_matters_by_rounding_at_most(options: dict[str, Any]) -> None:
    """A step at the end of a block keeps its gradient, the others of plain descent do not."""
    plan, data = small_plan(**options), three_classes()
    whole, single = small_engine(LARGER, plan), small_engine(LARGER, plan)
    list(steps(whole, data, plan))
    do_steps(single, data, plan, 1, plan.num_steps(50))
    assert distance(whole.params.flat, single.params.flat) < ENGINES_FLOAT64


@pytest.mark.usefixtures("undivided")
def test_bytes_are_turned_into_numbers_in_the_batch() -> None:
    plan, y = small_plan(), three_classes().train.y
    rows = Rows(torch.randint(0, 256, (50, 2, 2), dtype=torch.uint8), y, scale=1 / 255)
    ends = []
    for name in (LARGER, "scratch"):
        engine = small_engine(name, plan, dtype="float32")
        list(steps(engine, Dataset(rows, num_outputs=3), plan))
        ends.append(engine.params.flat)
    assert distance(*ends) < ENGINES_FLOAT32


@pytest.mark.usefixtures("undivided")
@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch is built without oneDNN")
def test_products_large_enough_for_the_other_library_are_merged_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "onednn_is_faster", lambda: True)
    plan = TrainPlan(batch_size=256, epochs=2, lr=0.1)
    data = Dataset(Rows(numbers(600, 784).float(), torch.arange(600) % 10), num_outputs=10)
    engines = [make_engine(name, MLP(784, 256, 10), plan, device="cpu") for name in ("auto", "scratch")]
    assert str(engines[0].choice) == "fused"
    for engine in engines:
        list(steps(engine, data, plan))
    assert distance(*(engine.params.flat for engine in engines)) < ENGINES_FLOAT32


@pytest.mark.usefixtures("undivided")
def test_a_divergence_is_found_at_its_step() -> None:
    data = Dataset(Rows(numbers(50, 4), numbers(50, 3, seed=1)), num_outputs=3)
    plan = TrainPlan(loss="mse", lr=4.0, batch_size=16, epochs=4000)
    found = []
    for name in (LARGER, "scratch"):
        engine = small_engine(name, plan, MLP(4, 6, 3, activation="relu"))
        with pytest.raises(DivergenceError) as error:
            list(train(engine, data, plan, every=1000))
        found.append((str(error.value), engine.num_updates))
    assert found[0] == found[1]


@pytest.mark.usefixtures("undivided")
def test_weights_that_are_loaded_are_trained() -> None:
    plan, data = small_plan(optimizer="adam"), three_classes()
    engine, other = small_engine(LARGER, plan), small_engine("scratch", replace(plan))
    do_steps(engine, data, plan, 1, 3)
    other.load_state(engine.state(), 3)
    for one in (engine, other):
        do_steps(one, data, plan, 4, 9)
    assert distance(engine.params.flat, other.params.flat) < ENGINES_FLOAT64


@pytest.mark.usefixtures("undivided")
def test_not_a_number_in_a_weight_reaches_the_loss() -> None:
    engine = small_engine(LARGER, spec=small_net(activation="relu"))
    engine.params.flat[0] = torch.nan
    assert engine.train_step(numbers(5, 4), torch.tensor([0, 1, 2, 0, 1])).isnan()


def test_what_it_cannot_do_is_handed_over_with_the_reason() -> None:
    with pytest.warns(UserWarning, match="engine 'fused' falls back to 'scratch': optimizer 'lbfgs' looks at"):
        engine = make_engine(LARGER, small_net(), small_plan(optimizer="lbfgs", batch_size=None), device="cpu")
    assert engine.name == "scratch"
