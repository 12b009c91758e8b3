"""What a report says of the loss, and where nothing was found."""

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn, optim
from torch.nn import functional as F  # noqa: N812

import fivestep as fs
from fivestep.doctor._script import watch_script
from tests.doctor.loops import classify, net, rows, train


def report(loop: Callable[[], object]) -> str:
    torch.manual_seed(0)
    with fs.watch() as seen:
        loop()
    return str(seen)


def test_the_second_line_has_the_loss_at_the_start_and_at_the_end() -> None:
    torch.manual_seed(0)
    with fs.watch() as seen:
        classify(net(), steps=60)
    losses = seen.record.losses
    last = sum(losses[-6:]) / 6
    said = f"Loss: {losses[0]:.4g} at the start, {last:.4g} at the end (mean of the last 6 seen)"
    assert str(seen).splitlines()[1:] == [said, "", "Nothing was found that keeps it from learning."]


def test_of_several_losses_each_has_its_line() -> None:
    (x, y), model = rows(), net()

    def loop() -> None:
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for _ in range(30):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            model(x).square().mean().backward()
            optimizer.step()

    text = report(loop)
    assert text.count("\nLoss of line ") == 2
    assert text.endswith("It has several losses or optimizers, which need not fall: whether they should is not judged.")


def shuffled() -> None:
    (x, y), model = rows(), net()
    train(model, lambda: F.cross_entropy(model(x), y[torch.randperm(64)]), steps=60, lr=0.01)


def upwards() -> None:
    (x, y), model = rows(), net()
    optimizer = optim.SGD(model.parameters(), lr=0.1, maximize=True)
    for _ in range(60):
        optimizer.zero_grad()
        (-F.log_softmax(model(x), 1)[range(64), y].mean()).backward()  # no loss of torch, so nobody knows its sign
        optimizer.step()


def falling_to_the_shares() -> None:
    (x, _), model = rows(), net()
    model[2].weight.data *= 8
    train(model, lambda: F.cross_entropy(model(x), torch.randint(3, (64,))), steps=210, lr=0.01)


@pytest.mark.parametrize(
    ("loop", "said"),
    [
        (falling_to_the_shares, "keeps it from learning. But it has not learned from the rows yet: the last losses "),
        (shuffled, "and no reason was found. What cannot be seen: labels that do not belong to their rows,"),
        (upwards, "and no reason was found. Look at its sign (maximize=True,"),
        (lambda: classify(net(), steps=3), "It was seen for too few steps to say whether the loss falls."),
    ],
)
def test_the_last_sentence_is_true(loop: Callable[[], None], said: str) -> None:
    assert said in report(loop).splitlines()[-1]


def test_a_loss_that_explodes_is_said_to() -> None:
    assert report(upwards).splitlines()[-1].startswith("The loss explodes, from ")


def test_an_error_before_the_loop_stands_alone() -> None:
    seen = fs.watch()
    with pytest.raises(ZeroDivisionError), seen:
        _ = 1 / 0
    assert str(seen) == ""


def test_an_error_in_the_first_step_counts_no_backward_pass() -> None:
    seen = fs.watch()
    with pytest.raises(RuntimeError), seen:
        net()(torch.zeros(2, 5))
    assert seen.title == "Sequential with 163 parameters"


def test_in_a_notebook_it_is_shown_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    with fs.watch() as seen:
        classify(nn.Sequential(net(), nn.Softmax(dim=1)), steps=5)
    assert " ".join(repr(seen).split()) == " ".join(str(seen).split())
    assert max(map(len, repr(seen).splitlines())) <= 60
    assert "no loop to watch" in " ".join(repr(fs.watch()).split())


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import argparse; argparse.ArgumentParser().parse_args(['--help'])", False),
        ("import argparse; argparse.ArgumentParser().parse_args(['--nope'])", False),
        ("import sys; sys.exit(1)", False),
        ("import sys; sys.exit(0)", True),
    ],
    ids=["help", "a wrong word", "a code", "done"],
)
def test_of_a_script_that_refuses_its_arguments_nothing_is_said(
    code: str, says: bool, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.py").write_text(code, encoding="utf-8")
    seen, _ = watch_script(str(tmp_path / "train.py"))
    capfd.readouterr()
    assert ("no loop to watch" in str(seen)) == says


def test_a_warning_from_cpp_names_the_line_of_the_script(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "train.py"
    script.write_text("import torch\nx = torch.ones(2, 3, 4)\ny = x.T\n", encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        watch_script(str(script))
    assert f"{script}:3: UserWarning: The use of `x.T` on tensors of dimension" in capfd.readouterr().err


def test_a_loss_without_a_lower_bound_is_said_to_fall_without_end() -> None:
    def endless() -> None:
        model = net()
        train(model, lambda: 1 - torch.stack([p.abs().sum() for p in model.parameters()]).sum(), lr=100.0)

    text = report(endless)
    assert "The loss falls without end, from " in text
    assert text.endswith("look at the sign of each of its terms.")


def test_one_update_is_not_several() -> None:
    (x, y), model = rows(), net()
    batches = iter([x, x * float("nan"), x])
    text = report(lambda: train(model, lambda: F.cross_entropy(model(next(batches)), y), steps=3))
    assert "The loss is nan after 1 update: what goes into" in text
