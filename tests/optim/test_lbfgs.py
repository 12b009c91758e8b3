"""L-BFGS: iterations worked by hand, torch's own, the conditions of its line search, and what it refuses."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn

from fivestep.check import InputError
from fivestep.datasets._load import load_dataset
from fivestep.net import MLP, LinearRegression
from fivestep.optim._strong_wolfe import FLATTER, LOWER, Point, strong_wolfe
from fivestep.optim.lbfgs import LBFGS
from fivestep.plan import TrainPlan
from fivestep.preflight import check_plan
from fivestep.train import train
from tests.contracts.cases import Case
from tests.samples import ENGINES, numbers, small_engine, small_net, small_plan, three_classes, weights_of
from tests.tolerances import FORMULA, QUASI_NEWTON, STATIONARY, distance, worst

if TYPE_CHECKING:
    from tests.contracts.combinations import Combination


def suits(combination: "Combination") -> bool:
    """Not with what the plan refuses, and not where a line search decides by rounding: kinks, rates near zero."""
    plain = (combination.clip, combination.groups, combination.micro_batch_size) == ("none", "one", None)
    is_smooth = combination.loss.name not in ("mae", "huber", "hinge", "quantile")
    return plain and is_smooth and combination.schedule.name == "constant"


CASES = [
    Case({"max_iter": 4}, suits=suits, tolerance=QUASI_NEWTON, pairs=False, float32=False),
    Case({"max_iter": 4, "history": 3, "line_search": "none"}, suits=suits, tolerance=QUASI_NEWTON, pairs=False),
    Case({"max_iter": 4, "weight_decay": 0.1}, suits=suits, tolerance=QUASI_NEWTON, pairs=False, float32=False),
]

DATA = three_classes(20)
Loss = Callable[[Tensor], Tensor]


def bowl(w: Tensor) -> Tensor:
    return w.square().sum() / 2


def banana(w: Tensor) -> Tensor:
    """Rosenbrock's valley, ten variables."""
    return (100 * (w[1:] - w[:-1] ** 2) ** 2 + (1 - w[:-1]) ** 2).sum()


def logistic(w: Tensor) -> Tensor:
    """A classifier's mean loss over fifty rows that cannot be told apart, ten features of different scales."""
    x, y = numbers(50, 10) * torch.logspace(-0.3, 0.3, 10, dtype=torch.float64), numbers(50, seed=1) > 0
    return nn.functional.binary_cross_entropy_with_logits(x @ w, y.double())


def gradient(loss: Loss, w: Tensor) -> Tensor:
    point = w.detach().clone().requires_grad_()
    return torch.autograd.grad(loss(point), point)[0]


def after(rule: LBFGS, loss: Loss, w: Tensor, num_steps: int, lr: float = 1.0) -> Tensor:
    w, state = w.clone(), rule.state(w)
    for step in range(1, num_steps + 1):
        dw = gradient(loss, w)

        def again(dw: Tensor = dw) -> Tensor:
            dw.copy_(gradient(loss, w))
            return loss(w)

        rule.update_(w, dw, state, lr, step, again)
    return w


def after_torch(rule: LBFGS, loss: Loss, w: Tensor, num_steps: int, lr: float = 1.0) -> Tensor:
    parameter = nn.Parameter(w.clone())
    optimizer = torch.optim.LBFGS(
        [parameter],
        lr,
        max_iter=rule.max_iter,
        history_size=rule.history,
        line_search_fn="strong_wolfe" if rule.line_search == "strong_wolfe" else None,
    )

    def closure() -> Tensor:
        parameter.grad = gradient(loss, parameter)
        return loss(parameter.detach())

    for _ in range(num_steps):
        optimizer.step(closure)  # type: ignore[arg-type]
    return parameter.detach()


def test_two_iterations_worked_by_hand() -> None:
    """On w^2 / 2 from w = 2: d = -2, t = min(1, 1 / |dw|) = 1/2, w = 1.

    The loss 1/2 is below 2 - 1e-4 * 1/2 * 4, the slope went from -4 to -2, within nine tenths: done.
    Then s = -1, y = 1 - 2 = -1, so H = s y / y y = 1, d = -1, t = 1, w = 0: the minimum.
    """
    start = torch.tensor([2.0], dtype=torch.float64)
    assert after(LBFGS(max_iter=1), bowl, start, 1).item() == pytest.approx(1, rel=FORMULA)
    assert after(LBFGS(max_iter=3), bowl, start, 1).item() == pytest.approx(0, abs=FORMULA)
    assert after(LBFGS(max_iter=1), bowl, start, 2).item() == pytest.approx(0, abs=FORMULA)


@pytest.mark.parametrize("loss", [banana, logistic])
@pytest.mark.parametrize("num_steps", [1, 3, 10])
@pytest.mark.parametrize("options", [{}, {"history": 3}, {"max_iter": 5}, {"history": 100}], ids=str)
def test_steps_equal_those_of_torch(options: dict[str, Any], num_steps: int, loss: Loss) -> None:
    rule, start = LBFGS(**options), numbers(10, seed=4)
    assert distance(after(rule, loss, start, num_steps), after_torch(rule, loss, start, num_steps)) < QUASI_NEWTON


@pytest.mark.parametrize("num_steps", [1, 3, 10])
def test_steps_without_a_line_search_equal_those_of_torch(num_steps: int) -> None:
    rule, start = LBFGS(line_search="none"), numbers(10, seed=4)
    ours, torchs = after(rule, logistic, start, num_steps, 0.5), after_torch(rule, logistic, start, num_steps, 0.5)
    assert distance(ours, torchs) < QUASI_NEWTON


def test_it_finds_the_end_of_the_banana() -> None:
    ones = torch.ones(10, dtype=torch.float64)
    assert distance(after(LBFGS(tolerance_change=0.0), banana, 0 * ones, 10), ones) < STATIONARY


def test_weight_decay_is_the_penalty_of_ridge_regression() -> None:
    """mean (x w - y)^2 + c |w|^2 / 2 has its minimum where (2 x^T x / N + c) w = 2 x^T y / N; the bias is a column."""
    data, plan = (
        load_dataset("diabetes"),
        TrainPlan(
            loss="mse", optimizer="lbfgs:weight_decay=0.3,tolerance_change=0", lr=1.0, batch_size=None, epochs=20
        ),
    )
    x = torch.cat([data.train.x.double(), torch.ones(len(data.train), 1, dtype=torch.float64)], 1)
    y = data.train.y.double().reshape(-1, 1)
    share = 2 / len(x)
    w = torch.linalg.solve(share * x.T @ x + 0.3 * torch.eye(x.shape[1], dtype=torch.float64), share * x.T @ y)
    engine = small_engine("scratch", plan, LinearRegression(x.shape[1] - 1))
    list(train(engine, replace(data, valid=None, test=None), plan, every=20))
    found = torch.cat([value.flatten() for value in weights_of(engine).values()])
    assert distance(found, w.flatten()) < STATIONARY


CURVES: dict[str, Callable[[float], tuple[float, float]]] = {
    "parabola": lambda t: ((t - 3) ** 2, 2 * (t - 3)),
    "far away": lambda t: ((t - 300) ** 2, 2 * (t - 300)),
    "close by": lambda t: ((t - 0.003) ** 2, 2 * (t - 0.003)),
    "quartic": lambda t: ((t - 1) ** 4 - t / 10, 4 * (t - 1) ** 3 - 0.1),
    "flat, then steep": lambda t: (t**6 - t, 6 * t**5 - 1),
}
"""Losses along a line, with their slopes; all fall at 0."""


@pytest.mark.parametrize("first", [1e-3, 1.0, 50.0])
@pytest.mark.parametrize("name", CURVES)
def test_the_point_found_is_lower_and_flatter(name: str, first: float) -> None:
    asked = []

    def look(t: float) -> Point:
        asked.append(t)
        return Point(t, *CURVES[name](t), torch.empty(0))

    start = Point(0.0, *CURVES[name](0.0), torch.empty(0))
    point, num_looks = strong_wolfe(look, start, first, 25, 1.0)
    assert point.loss <= start.loss + LOWER * point.t * start.slope
    assert abs(point.slope) <= FLATTER * abs(start.slope)
    assert num_looks == len(asked)


@pytest.mark.parametrize("broken", [float("inf"), float("nan")])
def test_it_comes_back_from_where_the_loss_is_not_finite(broken: float) -> None:
    def look(t: float) -> Point:
        return Point(t, (t - 1) ** 2 if t < 2 else broken, 2 * (t - 1), torch.empty(0))

    point, _ = strong_wolfe(look, look(0.0), 10.0, 25, 1.0)
    assert point.loss < 1


@pytest.mark.parametrize("name", [name for name in ENGINES if name != "nn"])
@pytest.mark.parametrize("options", [{}, {"activation": "sigmoid"}, {"activation": "gelu", "dropout": 0.2}], ids=str)
@pytest.mark.parametrize("rule", ["lbfgs", "lbfgs:weight_decay=0.01,history=4"])
def test_engine_equals_nn_with_the_defaults(name: str, options: dict[str, Any], rule: str) -> None:
    plan = small_plan(optimizer=rule, lr=1.0, batch_size=None, epochs=2, ema=0.5)
    engine, oracle = small_engine(name, plan, small_net(**options)), small_engine("nn", plan, small_net(**options))
    list(train(engine, DATA, plan))
    list(train(oracle, DATA, plan))
    assert worst(weights_of(engine), weights_of(oracle)).distance < QUASI_NEWTON
    assert distance(engine.state()["flat"], oracle.state()["flat"]) < QUASI_NEWTON


@pytest.mark.parametrize("name", ENGINES)
def test_a_few_steps_do_what_gradient_descent_takes_hundreds_for(name: str) -> None:
    plan = small_plan(optimizer="lbfgs", lr=1.0, batch_size=None, epochs=10)
    assert list(train(small_engine(name, plan), DATA, plan))[-1].train_loss < 1e-3


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"micro_batch_size": 5}, "micro_batch_size must be left out with optimizer 'lbfgs', which moves all weights"),
        ({"clip_norm": 1.0}, "clip_norm must be left out with optimizer 'lbfgs', .*, got 1.0; leave it out"),
        ({"clip_value": 1.0}, "clip_value must be left out with optimizer 'lbfgs'"),
        ({"lr_factors": {"bias": 2.0}}, "lr_factors must be left out with optimizer 'lbfgs'"),
        ({"no_decay": ("bias",)}, "no_decay must be left out with optimizer 'lbfgs'"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_part_of_the_rows_the_gradient_or_the_weights_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        small_plan(optimizer="lbfgs", batch_size=None, **options)


@pytest.mark.parametrize("name", ENGINES)
def test_mini_batches_are_refused_before_the_first_step(name: str) -> None:
    plan = small_plan(optimizer="lbfgs", batch_size=5)
    engine = small_engine(name, plan)
    before = weights_of(engine)
    sentence = "batch_size must be the full batch with optimizer 'lbfgs', which compares losses at .* weights, got 5"
    with pytest.raises(InputError, match=sentence):
        next(train(engine, DATA, plan))
    with pytest.raises(InputError, match=sentence):
        check_plan(plan, DATA)
    assert worst(weights_of(engine), before).distance == 0


def test_a_batch_of_all_rows_is_the_full_batch() -> None:
    check_plan(small_plan(optimizer="lbfgs", batch_size=20), DATA)


def test_rows_that_are_drawn_anew_are_refused() -> None:
    plan, data = TrainPlan(loss="mse", optimizer="lbfgs", batch_size=None), load_dataset("sum")
    with pytest.raises(InputError, match=r"the task must be the full batch .* got 'sum'; it draws new rows"):
        next(train(small_engine("scratch", plan, MLP(10, 4, 1)), data, plan))


def test_a_rate_of_zero_is_refused() -> None:
    plan = small_plan(optimizer="lbfgs", batch_size=None, schedule="coslog4")
    with pytest.raises(InputError, match=r"schedule must be above 0 at every step with optimizer 'lbfgs'"):
        check_plan(plan, DATA)


@pytest.mark.parametrize(
    "options",
    [{"max_iter": 0}, {"history": 0}, {"tolerance_grad": -1.0}, {"tolerance_change": -1.0}, {"line_search": "wolfe"}],
)
def test_options_outside_their_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(options))} must be "):
        LBFGS(**options)


def test_a_search_along_a_straight_line_goes_on_and_finds_the_kink() -> None:
    """Between two kinks a hinge falls with one slope, so no cubic through two places has a minimum."""
    gradient = torch.zeros(1, dtype=torch.float64)

    def look(t: float) -> Point:
        return Point(t, max(3.0 - t, t - 3.0), -1.0 if t < 3.0 else 1.0, gradient)

    found, _ = strong_wolfe(look, look(0.0), 1.0, 25, 1.0)
    assert found.loss < 3.0 - LOWER * found.t
