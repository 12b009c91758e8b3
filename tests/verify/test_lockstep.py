"""Two right engines agree, closely; both are left as they were; what cannot be compared is refused."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from fivestep.batches import Batch
from fivestep.check import InputError
from fivestep.engines._base import FiveStepEngine
from fivestep.engines._engine import Engine
from fivestep.find import names
from fivestep.net import MLP
from fivestep.typing import Features, Logits, RowWeights, Scalar, Targets, Tensors, Vector
from fivestep.verify import Comparison, verify
from tests.samples import moons, small_engine, small_net
from tests.verify.samples import net, plan_for, rows_for

ROWS = rows_for(plan_for())
pytestmark = pytest.mark.usefixtures("without_shape_checks")


def pair(**options: Any) -> tuple[FiveStepEngine, FiveStepEngine]:
    spec = options.pop("spec", small_net(dropout=0.3))
    return small_engine("scratch", plan_for(**options), spec), small_engine("nn", plan_for(**options), spec)


def comparison(*arguments: Any) -> Comparison:
    found = verify(*arguments)
    assert isinstance(found, Comparison)
    return found


@pytest.mark.parametrize("name", ["scratch", "autograd"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_engines_agree_with_nn_on_moons(name: str, dtype: str) -> None:
    engine, data, _ = moons(name, dtype)
    found = comparison(engine, "nn", data, 200)
    worst = max(relative.relative for _, relative in found.largest.values())
    assert found.agrees
    assert found.first is None
    assert found.num_agreeing == 200
    assert worst < found.tolerance.after(1)  # the whole run within what one step may cost


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "adam", "schedule": "cosine", "clip_norm": 0.1},
        {"momentum": 0.9, "weight_decay": 0.1, "no_decay": ("bias",), "lr_factors": {"bias": 2.0}},
        {"optimizer": "lbfgs:max_iter=4", "batch_size": None, "lr": 0.1},
        {"micro_batch_size": 4},
        {"spec": net("linear:out_features=5,bias=false", "batch_norm", "tanh", "linear")},
        {"ema": 0.9},
    ],
    ids=["adam", "groups", "looks again", "parts", "batch norm", "averaged"],
)
def test_engines_agree_with_everything_a_plan_can_ask_for(options: dict[str, Any]) -> None:
    found = comparison(*pair(**options), ROWS, 12)
    assert found.agrees, str(found)
    assert found.num_agreeing == 12


def test_every_tensor_is_compared_after_each_of_the_five() -> None:
    found = comparison(*pair(spec=net("linear:out_features=5,bias=false", "batch_norm", "linear")), ROWS, 3)
    assert sorted(found.largest) == [1, 2, 3, 4, 5]
    assert {str(key) for key in found.compared} == {
        *("logits", "loss", "0.weight", "1.weight", "1.bias", "2.weight", "2.bias"),
        *("1.running_mean", "1.running_var", "1.num_batches_tracked"),
        *(f"gradient of {name}" for name in ("0.weight", "1.weight", "1.bias", "2.weight", "2.bias")),
    }


def test_a_plan_with_few_epochs_is_continued() -> None:
    assert comparison(*pair(epochs=1), ROWS, 9).num_agreeing == 9


def test_both_engines_are_left_as_they_were() -> None:
    engines = pair(optimizer="adam")
    before = [engine.state() for engine in engines]
    verify(*engines, ROWS, 5)
    for engine, state in zip(engines, before, strict=True):
        after = engine.state()
        assert engine.num_updates == 0
        assert not engine.params.grad.any()
        assert all(torch.equal(after[name], value) for name, value in state.items() if value.any())


@pytest.mark.parametrize("rule", [*names("optim"), "ema"])
def test_both_begin_with_the_weights_of_the_second(rule: str) -> None:
    """With every rule: one that remembers weights begins with those that were loaded."""
    of_rule = {"ema": 0.9} if rule == "ema" else {"optimizer": rule}
    one, other = pair(lr=0.01, batch_size=None, **of_rule)
    other.load_weights({name: w + 0.1 for name, w in other.named_parameters().items()})
    found = comparison(one, other, ROWS, 2)
    assert found.agrees, str(found)


def test_a_gradient_that_neither_clears_is_a_difference_from_zero() -> None:
    engines = pair()
    for engine in engines:
        engine.zero_grad = lambda: None  # type: ignore[method-assign]
    found = comparison(*engines, ROWS, 3)
    assert found.first is not None
    assert (found.first.step, found.first.part) == (2, 3)


def test_a_number_that_is_not_finite_is_a_difference() -> None:
    one, other = pair()
    forward = one.forward
    one.forward = lambda x: forward(x) * math.inf  # type: ignore[method-assign]
    found = comparison(one, other, ROWS, 3)
    assert (found.agrees, found.reason) == (False, "scratch computed a number that is not finite")
    assert "inf" in str(found)


def test_another_shape_is_a_difference() -> None:
    one, other = pair(spec=MLP(4, 3))
    forward = one.forward
    one.forward = lambda x: forward(x)[:5]  # type: ignore[method-assign]
    assert comparison(one, other, ROWS, 3).reason == "the shapes differ: (5, 3), where (10, 3) is due"


def test_a_difference_without_a_known_reason_says_how_many_elements_differ() -> None:
    one, other = pair(spec=MLP(4, 3))
    forward = one.forward
    one.forward = lambda x: forward(x).index_put((torch.tensor(2), torch.tensor(1)), torch.tensor(9.0).double())  # type: ignore[method-assign]
    assert comparison(one, other, ROWS, 3).reason == "none of the known ones fits; 1 of 30 elements differ"


class InOneBody(Engine):
    """An engine that shows nothing but its loss and its parameters: `scratch`, unseen."""

    name = "in_one_body"

    def __init__(self, inside: FiveStepEngine, rate: float = 1.0) -> None:
        super().__init__(inside.spec, inside.plan, inside.dtype, inside.device)
        self.inside, self.rate = inside, rate
        self.params = inside.params

    def train_step(self, x: Features, y: Targets, weight: RowWeights | None = None) -> Scalar:
        self.inside.lr = self.lr * self.rate
        loss = self.inside.train_step(x, y, weight)
        self.draws.step += 1
        return loss

    def train_step_in_parts(self, parts: Sequence[tuple[slice, Batch]]) -> Scalar:
        raise NotImplementedError

    def train_step_with_repeats(self, x: Features, y: Targets, weight: RowWeights | None = None) -> Scalar:
        raise NotImplementedError

    def predict(self, x: Features) -> Logits:
        return self.inside.predict(x)

    def state(self) -> dict[str, Tensor]:
        return self.inside.state()

    def load_state(self, state: Tensors, num_updates: int) -> None:
        self.inside.load_state(state, num_updates)
        self.draws.step = num_updates

    def averaged(self) -> Vector | None:
        return None


def test_an_engine_in_one_body_is_compared_after_each_whole_step() -> None:
    inside, other = pair()
    found = comparison(InOneBody(inside), other, ROWS, 8)
    assert found.agrees
    assert sorted(found.largest) == [0]
    assert {key.kind for key in found.compared} == {"loss", "parameter"}
    assert "Compared after each step as a whole, which is all that one of them shows" in str(found).replace("\n", " ")


def test_a_fault_inside_one_body_is_found_at_its_step() -> None:
    inside, other = pair()
    found = comparison(InOneBody(inside, rate=0.5), other, ROWS, 8)
    assert found.first is not None
    assert (found.first.step, found.first.part, str(found.first.key)) == (1, 0, "0.weight")
    assert found.reason == "the update is 0.5 times what is due"


def test_micro_batches_agree_with_whole_batches() -> None:
    found = comparison(small_engine("nn", plan_for(), small_net(dropout=0.3)), "accumulate", ROWS, 8)
    assert found.names == ("nn in parts of 3", "nn in whole batches of 10")
    assert found.agrees


def test_micro_batches_through_batch_norm_are_said_to_be_another_training() -> None:
    spec = net("linear:out_features=5,bias=false", "batch_norm", "tanh", "linear")
    found = comparison(small_engine("nn", plan_for(micro_batch_size=5), spec), "accumulate", ROWS, 8)
    assert found.first is not None
    assert (found.first.step, found.first.part) == (1, 1)
    assert "layer 1 (batch_norm) takes mean and variance of the rows that come together" in found.reason


@pytest.mark.parametrize(("dtype", "said"), [("float32", 1), ("float64", 0)])
def test_agreement_in_float32_says_that_float64_sees_more(dtype: str, said: int) -> None:
    one, other = (small_engine(name, plan_for(), small_net(), dtype) for name in ("scratch", "nn"))
    assert str(comparison(one, other, ROWS, 2)).count("A fault that is smaller does not show in float32") == said


def test_bfloat16_agrees_within_its_own_tolerance_and_not_within_that_of_float32() -> None:
    engine = small_engine("nn", plan_for(), small_net(), "float32")
    found = comparison(engine, "bfloat16", ROWS)
    worst = max(relative.relative for _, relative in found.largest.values())
    assert found.agrees
    assert found.num_steps == 10
    assert 1e-3 < worst < found.tolerance.after(1)


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ("nm", "other must be one of .*, got 'nm'; did you mean 'nn'?"),
        ("compile", "compile must be compared with engine 'nn', which has it as an option, got 'scratch'"),
        ("bfloat16", "bfloat16 must be compared with engine 'nn'"),
    ],
)
def test_what_cannot_be_compared_is_refused(other: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        verify(pair()[0], other, ROWS, 3)


def test_engines_that_have_trained_are_refused() -> None:
    one, other = pair()
    one.train_step(ROWS.train.x, ROWS.train.y)
    with pytest.raises(
        InputError, match="engines must be new to be compared, got 'scratch' after 1 steps; make another"
    ):
        verify(one, other, ROWS, 3)


def test_the_same_engine_twice_is_refused() -> None:
    one, _ = pair()
    with pytest.raises(InputError, match="engines must be two to be compared, got the same object twice"):
        verify(one, one, ROWS, 3)


def test_two_networks_are_refused() -> None:
    with pytest.raises(InputError, match=r"engines must have the same network .* 0.weight \(6, 4\)"):
        verify(pair()[0], pair(spec=MLP(4, 3))[1], ROWS, 3)


def test_no_steps_are_refused() -> None:
    with pytest.raises(InputError, match="num_steps must be a whole number of at least 1, got 0"):
        verify(*pair(), ROWS, 0)


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("autograd", "autograd and scratch agree"),
        ("accumulate", "scratch in parts of 3 and scratch in whole batches of"),
        ("finite-differences", "scratch and finite differences agree"),
    ],
)
def test_a_name_may_stand_on_the_left(name: str, beginning: str) -> None:
    found = verify(name, pair(spec=small_net())[0], ROWS, 2)
    assert found.agrees
    assert str(found).startswith(beginning)


def test_a_name_instead_of_both_engines_is_refused() -> None:
    one: Any = "scratch"
    with pytest.raises(InputError, match="one must be an engine or a module, got 'scratch'; make one with make_engine"):
        verify(one, "nn", ROWS)
