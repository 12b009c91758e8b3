"""What is learned of the training rows says nothing of others."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F  # noqa: N812

from fivestep.doctor import _look
from tests.doctor.loops import broken, findings, net, signs

Change = Callable[[Tensor], Tensor]


def loop(
    change: Change = lambda y: y,
    num_rows: int = 600,
    lr: float = 0.01,
    *,
    numbers: bool = False,
    every: int = 1,
    size: int = 100,
) -> None:
    """Forty epochs on 600 rows, evaluated on as many others; `change` is made to the training targets."""
    x = torch.randn(2 * num_rows, 6)
    y = x[:, :1] - x[:, 1:2] if numbers else x[:, :3].argmax(1)
    loss_fn = nn.MSELoss() if numbers else nn.CrossEntropyLoss()
    model = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 1 if numbers else 3))
    optimizer = optim.Adam(model.parameters(), lr=lr)
    x_train, y_train = x[:num_rows], change(y[:num_rows])
    for epoch in range(40):
        for part in torch.randperm(num_rows).split(60):
            optimizer.zero_grad()
            loss_fn(model(x_train[part]), y_train[part]).backward()
            optimizer.step()
        with torch.no_grad():
            for part in torch.arange(num_rows, 2 * num_rows).split(size) if epoch % every == 0 else ():
                loss_fn(model(x[part]), y[part])


def shuffled(y: Tensor) -> Tensor:
    return y[torch.randperm(len(y))]


@pytest.mark.parametrize("change", [shuffled, lambda y: y.roll(1, 0)])
@pytest.mark.parametrize("numbers", [False, True])
def test_targets_that_have_left_their_rows(change: Change, numbers: bool) -> None:
    (found,) = findings(lambda: loop(change, lr=0.03, numbers=numbers))
    assert found.sign == "nothing for other rows"
    assert "evaluations seen, of 600 rows, the answers fit the targets no better than shuffled ones" in found.seen


@pytest.mark.parametrize("numbers", [False, True])
def test_targets_that_belong_to_their_rows(numbers: bool) -> None:
    assert signs(lambda: loop(numbers=numbers)) == []


def test_a_little_truth_that_is_overfitted() -> None:
    """Three rows in four have another's label, and the training rows are learned by heart."""

    def mostly_shuffled(y: Tensor) -> Tensor:
        return torch.where(torch.rand(len(y)) < 0.75, shuffled(y), y)

    assert signs(lambda: loop(mostly_shuffled, lr=0.03)) == []


def test_too_few_rows_to_tell() -> None:
    assert signs(lambda: loop(shuffled, num_rows=150, lr=0.03)) == []


def test_more_batches_than_calls_that_are_examined() -> None:
    assert signs(lambda: loop(shuffled, lr=0.03, every=20, size=4)) == []  # two evaluations
    (found,) = findings(lambda: loop(shuffled, lr=0.03, every=10, size=4))
    assert found.seen.startswith("The training loss falls, but in 4 evaluations seen, of 600 rows")


def questions(
    num_each: int, size: int, *, ends_in: int | None = None, missing: bool = False, wrong: bool = False
) -> None:
    """Yes or no of 600 rows, evaluated on others that are sorted: first all that are no. It may end in a batch."""
    x = torch.randn(4_000, 6)
    y = (x[:, :1] + x[:, 1:2] > 0).float()
    rows = torch.cat([(y[600:, 0] == kind).nonzero()[:num_each, 0] + 600 for kind in (0, 1)])
    y[:600] = shuffled(y[:600]) if wrong else y[:600]
    if missing:
        x[rows, 0] = torch.nan
    if ends_in is not None:
        rows = shuffled(rows)
    model = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = optim.Adam(model.parameters(), lr=0.03 if wrong else 0.01)
    loss_fn = nn.BCEWithLogitsLoss()
    for epoch in range(30):
        for part in torch.randperm(600).split(60):
            optimizer.zero_grad()
            loss_fn(model(x[part]), y[part]).backward()
            optimizer.step()
        with torch.no_grad():
            for number, part in enumerate(rows.split(size)):
                loss_fn(model(x[part]), y[part])
                if epoch == 29 and number == ends_in:
                    raise RuntimeError


@pytest.mark.parametrize(("num_each", "size"), [(300, 100), (310, 20)], ids=["one class at a time", "sorted"])
def test_rows_in_the_order_of_their_classes(num_each: int, size: int) -> None:
    assert signs(lambda: questions(num_each, size)) == []


def test_answers_that_are_no_numbers() -> None:
    assert signs(lambda: questions(300, 100, missing=True)) == []


def test_an_evaluation_that_was_cut_off() -> None:
    (found,) = broken(lambda: questions(300, 100, ends_in=0, wrong=True), RuntimeError)
    assert found.seen.startswith("The training loss falls, but in 29 evaluations seen, of 600 rows")


def test_an_evaluation_by_one_number() -> None:
    """A loss of tensors without any rows, in a loop that has learned."""

    def loop() -> None:
        x = torch.randn(64, 6)
        y, model = x[:, :3].argmax(1), net()
        optimizer = optim.Adam(model.parameters(), lr=0.03)
        for _ in range(220):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            with torch.no_grad():
                F.mse_loss(model(x)[0, 0], x[0, 0])

    assert signs(loop) == []


ROWS = torch.arange(4.0)
ALIKE = torch.full((4,), 0.1)


@pytest.mark.parametrize(
    ("given", "target", "relation"),
    [
        (ROWS, ROWS, (4.0, 16 / 3)),
        (ROWS, ALIKE, (0.0, 0.0)),
        (ALIKE, ROWS, (0.0, 16 / 3)),
        (ROWS / 0, ROWS, None),
        (ROWS, ROWS / 0, None),
    ],
    ids=["the same", "alike targets", "alike answers", "no answers", "no targets"],
)
def test_the_relation_of_numbers(given: Tensor, target: Tensor, relation: tuple[float, float] | None) -> None:
    assert _look.relation(given, target) == (relation and pytest.approx(relation))


def test_the_relation_of_labels() -> None:
    logits, labels = torch.eye(3)[[0, 1, 2, 0]], torch.tensor([0, 1, 2, 0])
    assert _look.relation_of_labels(logits, torch.zeros(4, dtype=torch.long)) == pytest.approx((0.0, 0.0))
    assert _look.relation_of_labels(logits / 0, labels) is None
