"""The model is evaluated in training mode."""

import pytest
import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F  # noqa: N812

from tests.doctor.loops import classify, net, rows, signs, train


def loop(evaluates: bool, calls: int, with_loss: bool, dropout: float = 0.1) -> None:
    model = nn.Sequential(nn.Dropout(dropout), net())
    classify(model)
    x, y = rows()
    if evaluates:
        model.eval()
    with torch.no_grad():
        for number in range(calls):
            answer = model(x + number)
            if with_loss:
                F.cross_entropy(answer, y)


@pytest.mark.parametrize(("calls", "with_loss"), [(1, True), (4, False)])
def test_an_evaluation_in_training_mode(calls: int, with_loss: bool) -> None:
    assert signs(lambda: loop(False, calls, with_loss)) == ["training mode in evaluation"]


@pytest.mark.parametrize(
    ("evaluates", "calls", "dropout"),
    [(True, 4, 0.1), (False, 4, 0.0), (False, 1, 0.1)],
    ids=["eval", "no dropout", "one call"],
)
def test_one_that_is_none_or_is_right(evaluates: bool, calls: int, dropout: float) -> None:
    assert signs(lambda: loop(evaluates, calls, calls > 1, dropout)) == []


class Dropping(nn.Module):
    """Drops by a function, that knows of the mode only what it is told."""

    def __init__(self, is_told: bool) -> None:
        super().__init__()
        self.layers, self.is_told = net(), is_told

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(F.dropout(x, 0.5, training=self.training or not self.is_told))


@pytest.mark.parametrize(
    ("is_told", "calls", "said"),
    [(False, 1, ["training mode in evaluation"]), (True, 1, []), (False, 2, [])],
    ids=["not told", "told", "Monte Carlo"],
)
def test_a_function_that_drops_in_evaluation_mode(is_told: bool, calls: int, said: list[str]) -> None:
    def loop() -> None:
        model, (x, _) = Dropping(is_told), rows()
        for _ in range(2):
            classify(model.train(), steps=5)
            with torch.no_grad():
                torch.stack([model.eval()(x) for _ in range(calls)])

    assert signs(loop) == said


@pytest.mark.parametrize("with_loss", [False, True])
def test_many_answers_to_the_same_rows_are_monte_carlo_dropout(with_loss: bool) -> None:
    def sampled() -> None:
        model = nn.Sequential(nn.Dropout(0.1), net())
        classify(model)
        x, y = rows()
        with torch.no_grad():
            mean = torch.stack([model(x) for _ in range(6)]).mean(0)
            if with_loss:
                F.cross_entropy(mean, y)

    assert signs(sampled) == []


def accuracies(every: int, calls: int = 1, *, evaluates: bool = False, judged: bool = False) -> None:
    """Right answers among the same other rows after every so many updates, and no loss of them."""
    (x, y), (other, _) = rows(), rows()
    model, judge = nn.Sequential(nn.Dropout(0.1), net()), net(1)
    optimizer, second = optim.SGD(model.parameters(), lr=0.1), optim.SGD(judge.parameters(), lr=0.1)
    for step in range(30):
        model.train()
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        if judged:
            second.zero_grad()
            judge(x).square().mean().backward()
            second.step()
        if step % every == 0:
            model.train(not evaluates)
            with torch.no_grad():
                sum(model(other).argmax(1) for _ in range(calls))


def test_an_accuracy_after_each_epoch() -> None:
    assert signs(lambda: accuracies(5)) == ["training mode in evaluation"]


def test_one_in_evaluation_mode_and_calls_that_are_no_evaluation() -> None:
    assert signs(lambda: accuracies(5, evaluates=True)) == []
    assert signs(lambda: accuracies(5, calls=2)) == []  # Monte Carlo dropout
    assert signs(lambda: accuracies(1)) == []  # targets that each step makes
    assert signs(lambda: accuracies(5, judged=True)) == []  # what a generator makes of the same noise


def recalibrated(num_calls: int, *, is_used: bool) -> None:
    """Batch norm sees all rows after each epoch, in training mode, and the answers are discarded, or are not."""
    x, y = rows()
    model = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3))
    optimizer, answers = optim.SGD(model.parameters(), lr=0.1), []
    for _ in range(5):
        for part in torch.arange(64).split(16):
            optimizer.zero_grad()
            F.cross_entropy(model(x[part]), y[part]).backward()
            optimizer.step()
        with torch.no_grad():
            for part in torch.arange(64).split(64 // num_calls):
                if is_used:
                    answers.append(model(x[part]))
                else:
                    model(x[part])


@pytest.mark.parametrize("num_calls", [1, 4])
def test_a_batch_norm_that_is_measured_anew(num_calls: int) -> None:
    assert signs(lambda: recalibrated(num_calls, is_used=False)) == []
    assert signs(lambda: recalibrated(num_calls, is_used=True)) == ["training mode in evaluation"]


def test_a_batch_norm_that_torch_measures_anew() -> None:
    def loop() -> None:
        x, y = rows()
        model = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3))
        for _ in range(3):
            train(model, lambda: F.cross_entropy(model(x), y), steps=10)
            optim.swa_utils.update_bn(x.split(16), model)

    assert "training mode in evaluation" not in signs(loop)
