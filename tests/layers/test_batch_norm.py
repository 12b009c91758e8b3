"""Batch normalization: each feature over the rows of the batch."""

from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fivestep.check import DivergenceError, InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.find import Choice, build
from fivestep.net import MLP, NetSpec
from fivestep.plan import TrainPlan
from fivestep.run import Run
from fivestep.stopping import Best
from fivestep.train import train
from tests.contracts.cases import Case
from tests.contracts.combinations import Combination
from tests.layers.alone import Alone, rows
from tests.samples import ENGINES, FIVE_STEP_ENGINES, do_steps, numbers, small_engine, small_plan, three_classes
from tests.tolerances import FORMULA, PARTS, distance

BATCHES = ((6, 5), (6, 3, 5))
NETWORK = (Choice("linear", out_features=5, bias=False), Choice("batch_norm"), Choice("tanh"), Choice("linear"))
SPEC = NetSpec(NETWORK, 4, 3)
OTHER = {"momentum": None, "affine": False}


def no_part_is_a_single_row(combination: Combination) -> bool:
    return combination.micro_batch_size is None or combination.rows == "tokens"


def with_options(**options: Any) -> tuple[Choice, ...]:
    return (NETWORK[0], Choice("batch_norm", **options), *NETWORK[2:])


CASES = [
    Case(batches=BATCHES, suits=no_part_is_a_single_row, layers=NETWORK),
    Case(OTHER, BATCHES, suits=no_part_is_a_single_row, layers=with_options(**OTHER), pairs=False),
]

every_engine = pytest.mark.parametrize("name", ENGINES)
by_five_steps = pytest.mark.parametrize("name", FIVE_STEP_ENGINES)


def buffers_of(engine: Any) -> Tensor:
    return engine.params.buffers.clone()


def test_a_column_worked_by_hand() -> None:
    # column (1, 3): mean 2, variance (1 + 1) / 2 = 1, y = -+1; unbiased variance (1 + 1) / 1 = 2
    # running mean 0.9 * 0 + 0.1 * 2 = 0.2, running variance 0.9 * 1 + 0.1 * 2 = 1.1
    one = Alone.of("batch_norm:eps=1e-30", 1)
    assert distance(one.train(rows([1], [3])), rows([-1], [1])) < FORMULA
    assert distance(one.w["running_mean"], rows([0.2])[0]) < FORMULA
    assert distance(one.w["running_var"], rows([1.1])[0]) < FORMULA
    assert one.w["num_batches_tracked"] == 1


def test_evaluation_uses_the_running_statistics() -> None:
    # running mean 2, running variance 4: (6 - 2) / sqrt(4) = 2
    one = Alone.of("batch_norm:eps=1e-30", 1)
    one.w["running_mean"].fill_(2)
    one.w["running_var"].fill_(4)
    assert one.evaluate(rows([6])).item() == 2
    assert one.w["num_batches_tracked"] == 0


def test_without_a_momentum_the_running_statistics_are_plain_means() -> None:
    one, batches = Alone.of("batch_norm:momentum=None", 3), [numbers(5, 3, seed=seed) for seed in range(4)]
    [one.train(batch) for batch in batches]
    assert distance(one.w["running_mean"], torch.stack([batch.mean(0) for batch in batches]).mean(0)) < FORMULA
    assert distance(one.w["running_var"], torch.stack([batch.var(0) for batch in batches]).mean(0)) < FORMULA


def test_in_training_a_row_depends_on_the_others_and_in_evaluation_it_does_not() -> None:
    one, x = Alone.of("batch_norm", 5), numbers(4, 5)
    other = torch.cat([x[:1], numbers(3, 5, seed=1)])
    assert not torch.allclose(one.train(x)[0], one.train(other)[0])
    assert torch.equal(one.evaluate(x)[0], one.evaluate(other)[0])


@by_five_steps
def test_a_bias_directly_before_it_has_nothing_but_noise_for_a_gradient(name: str) -> None:
    spec = NetSpec((Choice("linear", out_features=5), *NETWORK[1:]), 4, 3)
    engine = small_engine(name, small_plan(), spec)
    engine.loss(engine.forward(numbers(8, 4)), torch.arange(8) % 3)
    engine.backward()
    gradients = engine.named_gradients()
    assert gradients["0.bias"].abs().max() < PARTS * gradients["0.weight"].abs().max()


@by_five_steps
def test_a_matrix_before_it_has_a_gradient_at_a_right_angle_to_each_row(name: str) -> None:
    """The length of a row does not matter to the result, up to eps: so the derivative along it is 0."""
    engine = small_engine(name, small_plan(), NetSpec(with_options(eps=1e-30), 4, 3))
    engine.loss(engine.forward(numbers(8, 4)), torch.arange(8) % 3)
    engine.backward()
    w, dw = engine.named_parameters()["0.weight"], engine.named_gradients()["0.weight"]
    assert (w * dw).sum(1).abs().max() < PARTS * dw.abs().max()


@by_five_steps
def test_a_training_pass_over_one_row_is_refused(name: str) -> None:
    engine = small_engine(name, small_plan(), SPEC)
    with pytest.raises(InputError, match="at least two rows in every training batch, got one; choose a batch_size"):
        engine.forward(numbers(1, 4))


@by_five_steps
def test_one_row_can_be_predicted_and_the_tokens_of_one_row_can_be_trained_on(name: str) -> None:
    engine = small_engine(name, small_plan(), SPEC)
    assert engine.predict(numbers(1, 4)).shape == (1, 3)
    assert engine.forward(numbers(1, 2, 4)).shape == (1, 2, 3)


@pytest.mark.parametrize(
    ("num_rows", "sizes"),
    [(9, {"batch_size": 4}), (9, {"batch_size": 1}), (8, {"batch_size": 4, "micro_batch_size": 3}), (1, {})],
    ids=str,
)
def test_batches_that_leave_a_single_row_are_refused_before_the_first_step(
    num_rows: int, sizes: dict[str, int]
) -> None:
    plan = small_plan(**{"batch_size": None, **sizes})
    engine, before = small_engine("scratch", plan, SPEC), initial_buffers()
    with pytest.raises(InputError, match="at least two rows in every training batch, got one"):
        next(train(engine, three_classes(num_rows), plan))
    assert torch.equal(engine.params.buffers, before)


@every_engine
def test_two_of_them_can_stand_in_one_network(name: str) -> None:
    """Torch takes views of one vector for one tensor: the second would change what the first keeps for backward."""
    engine, data = small_engine(name, small_plan(), MLP(4, 5, 5, 3, norm="batch_norm")), three_classes()
    do_steps(engine, data, small_plan(), 1, 3)
    assert [int(engine.params.weights[k]["num_batches_tracked"]) for k in (1, 4)] == [3, 3]


def initial_buffers() -> Tensor:
    return small_engine("scratch", small_plan(), SPEC).params.buffers


@pytest.mark.parametrize(
    ("num_rows", "sizes"),
    [(8, {"batch_size": 4}), (10, {"batch_size": 4}), (9, {"batch_size": 9, "micro_batch_size": 7})],
)
def test_batches_of_two_or_more_rows_are_taken(num_rows: int, sizes: dict[str, int]) -> None:
    plan = small_plan(**sizes)
    assert len(list(train(small_engine("scratch", plan, SPEC), three_classes(num_rows), plan))) == plan.epochs


@every_engine
def test_parts_of_a_batch_have_statistics_of_their_own(name: str) -> None:
    """As in torch, where each forward pass is a batch to the layer."""
    plan = small_plan(batch_size=8, micro_batch_size=4, epochs=1)
    engine, twin = small_engine(name, plan, SPEC), nn.BatchNorm1d(5).double()
    data = three_classes(8)
    hidden = data.train.x @ engine.named_parameters()["0.weight"].detach().T
    [twin(part) for part in hidden.split(4)]
    do_steps(engine, data, plan, 1, 1)
    assert distance(engine.params.weights[1]["running_var"], twin.running_var) < FORMULA
    assert engine.params.weights[1]["num_batches_tracked"] == 2


@every_engine
def test_a_state_holds_the_running_statistics(name: str) -> None:
    plan, data = small_plan(), three_classes()
    engine = small_engine(name, plan, SPEC)
    do_steps(engine, data, plan, 1, 3)
    state, before = engine.state(), buffers_of(engine)
    do_steps(engine, data, plan, 4, 6)
    moved = buffers_of(engine)
    engine.load_state(state, 3)
    assert torch.equal(engine.params.buffers, before)
    do_steps(engine, data, plan, 4, 6)
    assert torch.equal(engine.params.buffers, moved)
    assert not torch.equal(moved, before)


@every_engine
def test_after_a_divergence_the_running_statistics_are_those_from_before_the_step_that_broke(name: str) -> None:
    data = Dataset(Rows(numbers(50, 4), 1e150 * numbers(50, 1, seed=1)))
    plan, spec = TrainPlan(loss="mse", lr=1e3, batch_size=10), NetSpec(NETWORK, 4, 1)
    engine, again = small_engine(name, plan, spec), small_engine(name, plan, spec)
    with pytest.raises(DivergenceError, match="the engine keeps the weights from before that step"):
        list(train(engine, data, plan))
    do_steps(again, data, plan, 1, engine.num_updates)
    assert torch.equal(engine.params.buffers, again.params.buffers)
    assert engine.num_updates > 0


def test_the_best_epoch_comes_back_with_its_running_statistics() -> None:
    plan = small_plan(restore_best=True)
    engine, data, best = small_engine("scratch", plan, SPEC), three_classes(), Best(plan)
    first, *_ = [(best.note(epoch, engine), buffers_of(engine)) for epoch in islice(train(engine, data, plan), 1)]
    do_steps(engine, data, plan, 5, 8)
    best.restore(engine)
    assert torch.equal(engine.params.buffers, first[1])


@every_engine
def test_a_saved_run_predicts_the_same(name: str, tmp_path: Path) -> None:
    plan, data = small_plan(epochs=1), three_classes()
    run = Run.start(small_engine(name, plan, SPEC), data, tmp_path / "run")
    list(run.train(data))
    loaded = Run.load(tmp_path / "run", device="cpu")
    assert torch.equal(loaded.engine.predict(data.train.x), run.engine.predict(data.train.x))


def test_weights_go_to_torch_and_back() -> None:
    plan, data = small_plan(), three_classes()
    engine, other = small_engine("scratch", plan, SPEC), small_engine("nn", plan, SPEC)
    do_steps(engine, data, plan, 1, 3)
    network = nn.Sequential(nn.Linear(4, 5, bias=False), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 3)).double()
    network.load_state_dict(engine.params.named_with_buffers())
    other.load_weights(network.state_dict())
    x = data.train.x
    assert distance(network.eval()(x).detach(), engine.predict(x)) < FORMULA
    assert distance(other.predict(x), engine.predict(x)) < FORMULA


@pytest.mark.parametrize("momentum", [0, -0.1, 1.5])
def test_a_momentum_outside_its_range_is_refused(momentum: float) -> None:
    with pytest.raises(InputError, match=r"momentum must be a number in \(0, 1\], or None, got"):
        build("layers", Choice("batch_norm", momentum=momentum))
