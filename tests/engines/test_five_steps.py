"""The five steps mean the same in every engine."""

import inspect
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import fivestep
from fivestep.batches import Batch
from fivestep.check import InputError
from fivestep.engines._base import FiveStepEngine
from fivestep.engines._engine import initial_weights
from fivestep.evaluation import evaluate
from fivestep.layers.linear import Linear
from fivestep.losses._base import Loss
from fivestep.net import MLP
from fivestep.train import train
from tests.samples import (
    FIVE_STEP_ENGINES,
    do_steps,
    moons,
    numbers,
    small_engine,
    small_net,
    small_plan,
    three_classes,
    weights_of,
)
from tests.tolerances import EXACT, FORMULA, PARTS, PRINTED, distance, worst

every_engine = pytest.mark.parametrize("name", FIVE_STEP_ENGINES)
X, Y = three_classes(20).train.x, three_classes(20).train.y


def passes(engine: FiveStepEngine) -> Tensor:
    """Steps 1, 2 and 4: the gradient as it is afterwards, copied."""
    engine.loss(engine.forward(X), Y)
    engine.backward()
    return engine.params.grad.clone()


@every_engine
def test_the_gradient_accumulates_until_it_is_cleared(name: str) -> None:
    engine = small_engine(name)
    once = passes(engine)
    assert distance(passes(engine), 2 * once) < FORMULA
    engine.zero_grad()
    assert (engine.params.grad == 0).all()
    assert torch.equal(passes(engine), once)


@every_engine
def test_step_two_and_three_leave_the_weights_alone_and_step_five_moves_them(name: str) -> None:
    engine = small_engine(name)
    before = weights_of(engine)
    passes(engine)
    assert worst(weights_of(engine), before).distance == EXACT
    engine.update()
    assert worst(weights_of(engine), before).distance > 0


def cleared_before_forward(engine: FiveStepEngine, x: Tensor, y: Tensor) -> None:
    engine.zero_grad()
    engine.loss(engine.forward(x), y)
    engine.backward()
    engine.update()


def cleared_before_backward(engine: FiveStepEngine, x: Tensor, y: Tensor) -> None:
    engine.loss(engine.forward(x), y)
    engine.zero_grad()
    engine.backward()
    engine.update()


def cleared_after_the_update(engine: FiveStepEngine, x: Tensor, y: Tensor) -> None:
    engine.loss(engine.forward(x), y)
    engine.backward()
    engine.update()
    engine.zero_grad()


def cleared_between_backward_and_update(engine: FiveStepEngine, x: Tensor, y: Tensor) -> None:
    engine.loss(engine.forward(x), y)
    engine.backward()
    engine.zero_grad()
    engine.update()


def never_cleared(engine: FiveStepEngine, x: Tensor, y: Tensor) -> None:
    engine.loss(engine.forward(x), y)
    engine.backward()
    engine.update()


Order = Callable[[FiveStepEngine, Tensor, Tensor], None]


def after_twenty_steps(name: str, order: Order) -> FiveStepEngine:
    engine, data, _ = moons(name)
    for _ in range(20):
        order(engine, data.train.x, data.train.y)
    return engine


@every_engine
@pytest.mark.parametrize("order", [cleared_before_forward, cleared_after_the_update])
def test_clearing_before_forward_before_backward_or_after_the_update_gives_the_same_bits(
    name: str, order: Order
) -> None:
    expected = after_twenty_steps(name, cleared_before_backward)
    assert torch.equal(after_twenty_steps(name, order).params.flat, expected.params.flat)


@every_engine
def test_cleared_between_backward_and_update_it_learns_nothing(name: str) -> None:
    """From the small weights of "normal" the loss is log 2 = 0.693, and there it stays; cleared in time, it falls."""
    engine, data, _ = moons(name, init="normal")
    learning, _, _ = moons(name, init="normal")
    before = engine.params.flat.clone()
    for _ in range(20):
        cleared_between_backward_and_update(engine, data.train.x, data.train.y)
        cleared_before_backward(learning, data.train.x, data.train.y)
    assert torch.equal(engine.params.flat, before)
    assert evaluate(engine, data.train).loss == pytest.approx(math.log(2), abs=PRINTED)
    assert evaluate(learning, data.train).loss < 0.5


@every_engine
def test_never_cleared_it_is_another_run(name: str) -> None:
    expected = after_twenty_steps(name, cleared_before_backward)
    assert distance(after_twenty_steps(name, never_cleared).params.flat, expected.params.flat) > 0.01


@every_engine
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", [1, 7, 20])
def test_a_batch_in_parts_is_the_same_step(name: str, size: int, weighted: bool) -> None:
    """With dropout: each part takes its rows of the whole batch's mask."""
    spec = small_net(dropout=0.5)
    whole, parts = small_engine(name, spec=spec), small_engine(name, spec=spec)
    weight = torch.linspace(0, 1, 20, dtype=torch.float64) if weighted else None
    batch = Batch(X, Y, None if weight is None else weight / weight.sum())
    loss, loss_of_parts = whole.train_step(*batch), parts.train_step_in_parts(batch.parts(size))
    assert distance(loss_of_parts, loss) < PARTS
    assert distance(parts.params.grad, whole.params.grad) < PARTS
    assert worst(weights_of(parts), weights_of(whole)).distance < PARTS


@every_engine
def test_after_a_step_in_parts_a_whole_step_draws_for_the_whole_batch(name: str) -> None:
    spec = small_net(dropout=0.5)
    mixed, whole = small_engine(name, spec=spec), small_engine(name, spec=spec)
    mixed.train_step_in_parts(Batch(X, Y, None).parts(7))
    mixed.train_step(X, Y)
    whole.train_step(X, Y)
    whole.train_step(X, Y)
    assert worst(weights_of(mixed), weights_of(whole)).distance < PARTS


@every_engine
def test_rows_with_weights_are_rows_repeated(name: str) -> None:
    """A weight of two is a row that comes twice, as in identical rows merged."""
    merged, repeated = small_engine(name), small_engine(name)
    counts = torch.arange(20) % 3 + 1
    merged.train_step(X, Y, counts.double() / counts.sum())
    repeated.train_step(X.repeat_interleave(counts, 0), Y.repeat_interleave(counts, 0))
    assert worst(weights_of(merged), weights_of(repeated)).distance < PARTS


@every_engine
def test_the_loop_written_by_hand_is_train(name: str) -> None:
    engine, data, plan = moons(name)
    by_hand, _, _ = moons(name)
    list(train(engine, data, plan))
    for _ in range(plan.epochs):
        logits = by_hand.forward(data.train.x)
        by_hand.loss(logits, data.train.y)
        by_hand.zero_grad()
        by_hand.backward()
        by_hand.update()
    assert torch.equal(by_hand.params.flat, engine.params.flat)


@every_engine
def test_train_step_returns_the_loss_before_the_update(name: str) -> None:
    engine = small_engine(name)
    expected = engine.loss(engine.forward(X), Y)
    loss = engine.train_step(X, Y)
    assert distance(loss, expected.detach()) == EXACT
    assert not loss.requires_grad
    assert loss.shape == ()


@every_engine
@pytest.mark.parametrize("spec", [MLP(4, 3), small_net(), small_net(dropout=0.5)], ids=["linear", "mlp", "dropout"])
@pytest.mark.parametrize("second", [X, X[:5], torch.cat([X, X])], ids=["same size", "smaller", "larger"])
def test_logits_are_not_overwritten_by_the_next_forward(name: str, spec: fivestep.NetSpec, second: Tensor) -> None:
    engine = small_engine(name, spec=spec)
    logits = engine.forward(X)
    kept = logits.detach().clone()
    engine.forward(second)
    engine.train_step(X, Y)
    engine.predict(second)
    assert torch.equal(logits.detach(), kept)


@every_engine
def test_no_rows_have_no_predictions(name: str) -> None:
    assert small_engine(name).predict(X[:0]).shape == (0, 3)


@every_engine
def test_predictions_are_not_overwritten_by_the_next_ones(name: str) -> None:
    engine = small_engine(name)
    logits = engine.predict(X)
    kept = logits.clone()
    engine.predict(2 * X)
    engine.train_step(X, Y)
    assert torch.equal(logits, kept)
    assert not logits.requires_grad


@every_engine
def test_predict_is_the_evaluation_pass_and_forward_the_training_pass(name: str) -> None:
    engine = small_engine(name, spec=small_net(dropout=0.5))
    assert not torch.equal(engine.forward(X).detach(), engine.predict(X))
    assert torch.equal(engine.predict(X), engine.predict(X))
    assert torch.equal(small_engine(name).forward(X).detach(), small_engine(name).predict(X))


@every_engine
def test_evaluating_between_two_steps_changes_nothing(name: str) -> None:
    spec = small_net(dropout=0.5)
    engine, other = small_engine(name, spec=spec), small_engine(name, spec=spec)
    logits = engine.forward(X)
    engine.predict(2 * X)
    engine.loss(logits, Y)
    engine.predict(3 * X)
    engine.backward()
    engine.update()
    passes(other)
    other.update()
    assert torch.equal(engine.params.flat, other.params.flat)


@every_engine
def test_no_step_changes_the_data(name: str) -> None:
    x, y, weight = X.clone(), Y.clone(), torch.full((20,), 1 / 20, dtype=torch.float64)
    engine = small_engine(name, spec=MLP(4, 6, 3, dropout=0.5))
    engine.train_step(x, y, weight)
    engine.train_step_in_parts(Batch(x, y, weight).parts(6))
    engine.predict(x)
    assert torch.equal(x, X)
    assert torch.equal(y, Y)
    assert (weight == 1 / 20).all()


@every_engine
@pytest.mark.parametrize("shape", [(20, 2, 2), (20, 1, 2, 2), (20, 4, 1, 1)], ids=str)
def test_images_are_flattened(name: str, shape: tuple[int, ...]) -> None:
    flat, images = small_engine(name), small_engine(name)
    flat.train_step(X, Y)
    images.train_step(X.reshape(shape), Y)
    assert torch.equal(images.params.flat, flat.params.flat)
    assert torch.equal(images.predict(X.reshape(shape)), flat.predict(X))


@every_engine
@pytest.mark.parametrize("shape", [(20, 28, 28), (20, 1, 28, 28)], ids=str)
def test_pictures_of_28_by_28_fit_a_network_of_784(name: str, shape: tuple[int, ...]) -> None:
    assert small_engine(name, spec=MLP(784, 5, 10)).predict(numbers(*shape)).shape == (20, 10)


@every_engine
def test_tokens_are_permuted_with_their_outputs(name: str) -> None:
    engine, tokens, order = small_engine(name), numbers(5, 7, 4), torch.randperm(7)
    assert engine.predict(tokens).shape == (5, 7, 3)
    assert distance(engine.predict(tokens[:, order]), engine.predict(tokens)[:, order]) < FORMULA


@every_engine
def test_numbers_of_another_type_are_taken_as_they_are(name: str) -> None:
    engine, x = small_engine(name), torch.tensor([[1, 2, 3, 4]])
    assert torch.equal(engine.predict(x), engine.predict(x.double()))


@every_engine
@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        (torch.zeros(5, 3), r"x must have 4 numbers in each row, got the shape \(5, 3\); one row is \(1, 4\)"),
        (torch.zeros(4), r"x must have 4 numbers in each row, got the shape \(4,\)"),
        (torch.zeros(0, 3), r"x must have 4 numbers in each row, got the shape \(0, 3\)"),
        (torch.zeros(5, 4, dtype=torch.uint8), "x must hold numbers on the scale of the training rows, got bytes"),
        (torch.zeros(5, 4, device="meta"), "x must be on the network's device cpu, got meta; move it with x.to"),
        (torch.zeros(5, 4).numpy(), r"x must be of the type Tensor, got ndarray; pass torch.as_tensor\(x\)"),
        ([[1.0, 2.0, 3.0, 4.0]], "x must be of the type Tensor, got list"),
    ],
    ids=["width", "no rows", "nothing", "bytes", "device", "numpy", "list"],
)
@pytest.mark.usefixtures("without_shape_checks")
def test_rows_that_do_not_fit_are_refused(name: str, x: Tensor, sentence: str) -> None:
    engine = small_engine(name)
    with pytest.raises(InputError, match=sentence):
        engine.forward(x)
    with pytest.raises(InputError, match=sentence):
        engine.predict(x)


@every_engine
@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (Y[:5], r"y must have the shape \(20,\) .* got \(5,\); .* never broadcasts"),
        (Y.float(), "y must hold whole-number class labels"),
        (Y.to("meta"), "y must be on the predictions' device cpu, got meta"),
        (Y.numpy(), "y must be of the type Tensor, got ndarray"),
    ],
    ids=["shape", "float labels", "device", "numpy"],
)
@pytest.mark.usefixtures("without_shape_checks")
def test_targets_that_do_not_fit_are_refused(name: str, y: Tensor, sentence: str) -> None:
    engine = small_engine(name)
    with pytest.raises(InputError, match=sentence):
        engine.loss(engine.forward(X), y)


@pytest.mark.parametrize("name", ["autograd", "nn"])
@pytest.mark.parametrize("off", [torch.no_grad, torch.inference_mode])
def test_training_where_torch_records_nothing_says_so(name: str, off: type[torch.no_grad]) -> None:
    engine = small_engine(name)
    with off():
        engine.loss(engine.forward(X), Y)
        with pytest.raises(InputError, match=r"a forward that torch records, got one inside torch.no_grad\(\)"):
            engine.backward()


@every_engine
def test_backward_before_loss_is_refused(name: str) -> None:
    engine = small_engine(name)
    with pytest.raises(
        InputError, match=r"backward must come after forward and loss, got it before them; call loss\(forward\(x\)"
    ):
        engine.backward()
    engine.forward(X)
    with pytest.raises(InputError, match="backward must come after forward and loss"):
        engine.backward()


@every_engine
def test_backward_before_forward_is_refused(name: str) -> None:
    """The logits of `predict` are no training pass: nothing was kept for a gradient."""
    engine = small_engine(name)
    engine.loss(engine.predict(X), Y)
    with pytest.raises(InputError, match=r"backward must come after forward.*, got it .*; call .*forward\(x\)"):
        engine.backward()


WEIGHT = torch.full((20,), 1 / 20, dtype=torch.float64)


@every_engine
@pytest.mark.parametrize(
    ("weight", "got"),
    [
        (WEIGHT[:5], r"torch.float64 of shape \(5,\)"),
        (WEIGHT[:, None], r"torch.float64 of shape \(20, 1\)"),
        (WEIGHT.sum(), r"torch.float64 of shape \(\)"),
        (WEIGHT.float(), r"torch.float32 of shape \(20,\)"),
        (WEIGHT.tolist(), "list"),
    ],
    ids=["shorter", "a column", "one number", "float32", "list"],
)
@pytest.mark.usefixtures("without_shape_checks")
def test_row_weights_that_do_not_fit_are_refused(name: str, weight: Tensor, got: str) -> None:
    engine = small_engine(name)
    sentence = rf"weight must be a torch.float64 tensor of shape \(20,\), got {got}; give each row"
    with pytest.raises(InputError, match=sentence):
        engine.train_step(X, Y, weight)
    with pytest.raises(InputError, match=sentence):
        engine.loss(engine.forward(X), Y, weight)


@every_engine
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["mean", "weighted"])
@pytest.mark.parametrize("label", [5, -1, -100])
def test_a_class_that_there_is_not_is_refused(name: str, label: int, weight: Tensor | None) -> None:
    """In `nn` as elsewhere, where torch would take -100 for a row that does not count."""
    engine, y = small_engine(name), Y.clone()
    y[3] = label
    with pytest.raises(InputError, match=f"y must hold classes 0 to 2 for a network of 3 outputs, got .*{label}"):
        engine.train_step(X, y, weight)


@every_engine
def test_a_state_that_is_not_copied_is_the_same_and_follows_the_engine(name: str) -> None:
    plan, data = small_plan(optimizer="adam"), three_classes()
    engine = small_engine(name, plan)
    do_steps(engine, data, plan, 1, 2)
    copy, own = engine.state(), engine.state(copied=False)
    assert copy.keys() == own.keys()
    assert all(torch.equal(copy[key], own[key]) for key in copy)
    assert own["flat"].data_ptr() == engine.params.flat.data_ptr()
    do_steps(engine, data, plan, 3, 3)
    assert torch.equal(own["flat"], engine.params.flat)
    assert not torch.equal(copy["flat"], engine.params.flat)


@every_engine
def test_names_and_shapes_are_those_of_torchs_state_dict(name: str) -> None:
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Dropout(0.5), nn.Linear(6, 3))
    engine = small_engine(name, spec=small_net(dropout=0.5))
    expected = {key: value.shape for key, value in model.state_dict().items()}
    assert {key: value.shape for key, value in engine.named_parameters().items()} == expected
    assert {key: value.shape for key, value in engine.named_gradients().items()} == expected


@every_engine
def test_weights_load_into_a_plain_torch_model_and_give_the_same_outputs(name: str) -> None:
    engine = small_engine(name)
    do_steps(engine, three_classes(), small_plan(), 1, 5)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()
    model.load_state_dict(weights_of(engine))
    assert distance(engine.predict(X), model(X).detach()) < FORMULA


@every_engine
def test_weights_of_a_plain_torch_model_load_and_give_the_same_outputs(name: str) -> None:
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()
    engine = small_engine(name)
    engine.load_weights(model.state_dict())
    assert distance(engine.predict(X), model(X).detach()) < FORMULA


@every_engine
def test_training_goes_on_from_loaded_weights(name: str) -> None:
    one, other = small_engine(name, small_plan(seed=1)), small_engine(name, small_plan(seed=2))
    other.load_weights(one.named_parameters())
    one.train_step(X, Y)
    other.train_step(X, Y)
    assert torch.equal(one.params.flat, other.params.flat)


@every_engine
def test_weights_under_wrong_names_are_refused(name: str) -> None:
    engine = small_engine(name)
    before, wrong = weights_of(engine), {key.replace("2.", "1."): value for key, value in weights_of(engine).items()}
    with pytest.raises(InputError, match=r"got '1.weight'; did you mean '0.weight'\?|did you mean '2.weight'"):
        engine.load_weights(wrong)
    assert worst(weights_of(engine), before).distance == EXACT


@every_engine
def test_every_engine_starts_from_the_same_weights(name: str) -> None:
    plan, spec = small_plan(seed=5), small_net(init="kaiming")
    expected = {key: value.double() for key, value in initial_weights(spec, 5).items()}
    assert worst(weights_of(small_engine(name, plan, spec)), expected).distance == EXACT


@every_engine
def test_the_update_is_not_part_of_the_graph(name: str) -> None:
    engine = small_engine(name)
    engine.train_step(X, Y)
    assert engine.params.flat.grad_fn is None
    assert all(value.grad_fn is None for value in engine.named_parameters().values())


OURS = Path(fivestep.__file__).parent


def frames_of_ours() -> Iterator[str]:
    """The functions of fivestep on the stack, from the caller of this one outwards."""
    frame = inspect.currentframe()
    while frame is not None:
        if OURS in Path(frame.f_code.co_filename).parents:
            yield frame.f_code.co_qualname
        frame = frame.f_back


@every_engine
def test_at_most_four_frames_of_ours_lie_between_train_and_the_gradient(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gradient is torch's `backward`, or in `scratch` the backward of a layer and of the loss."""
    seen: list[list[str]] = []

    def spy(original: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def spied(*arguments: object, **options: object) -> Tensor:
            seen.append(list(frames_of_ours()))
            return original(*arguments, **options)

        return spied

    monkeypatch.setattr(Tensor, "backward", spy(Tensor.backward))
    monkeypatch.setattr(Linear, "backward", spy(Linear.backward))
    monkeypatch.setattr(Loss, "logits_gradient", spy(Loss.logits_gradient))
    next(train(small_engine(name), three_classes(), small_plan()))
    between = [stack[: stack.index("train")] for stack in seen]
    assert len(between) >= 4
    assert max(len(stack) for stack in between) <= 4
