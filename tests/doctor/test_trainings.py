"""A script with several trainings: each is judged by itself, and what is the same in several is said once."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F  # noqa: N812

import fivestep as fs
from fivestep.doctor._events import Differentiated
from fivestep.doctor._split import records_of
from tests.doctor.loops import broken, classify, findings, net, rows, signs

Loop = Callable[[], object]


def body() -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU())


def fit(model: nn.Module, x: Tensor, y: Tensor, lr: float = 0.01, steps: int = 60) -> None:
    """A function that trains whatever it gets."""
    optimizer = optim.Adam(model.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def measured(model: nn.Module, x: Tensor, y: Tensor) -> None:
    model.eval()
    with torch.no_grad():
        F.cross_entropy(model(x), y)


def folds(make: Callable[[], nn.Module], number: int = 5, lr: float = 0.01) -> None:
    x, y = rows(100)
    for fold in range(number):
        model, rest = make(), torch.arange(100) % number != fold
        fit(model, x[rest], y[rest], lr)
        measured(model, x[~rest], y[~rest])


def report(loop: Loop) -> str:
    torch.manual_seed(0)
    with fs.watch() as seen:
        loop()
    return str(seen)


def squashed() -> nn.Module:
    return nn.Sequential(net(), nn.Softmax(1))


def test_the_same_fault_in_all_folds_is_one_finding() -> None:
    (found,) = findings(lambda: folds(squashed))
    assert (found.sign, found.training) == ("softmax twice", "in 5 of 5 trainings")
    assert "1  softmax twice in 5 of 5 trainings: The 3 outputs" in report(lambda: folds(squashed))


def test_of_folds_that_are_right_nothing_is_said() -> None:
    assert signs(lambda: folds(net)) == []
    assert report(lambda: folds(net)).endswith("\n\nNothing was found that keeps it from learning.")


def test_three_losses_are_shown_and_the_range_of_the_others() -> None:
    _, *lines = report(lambda: folds(net)).partition("\n\n")[0].splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "Loss in training 1 of 5", "Loss in training 2 of 5", "Loss in training 3 of 5", "Loss in 2 more",
    ]  # fmt: skip
    assert all(" at the start, " in line and line.endswith(" at the end") for line in lines)


def test_of_a_game_in_each_fold_each_line_has_its_loss() -> None:
    lines = [line.partition(":")[0] for line in report(games).splitlines() if line.startswith("Loss")]
    first, second = lines[0].split()[3], lines[1].split()[3]
    assert lines == [
        *(f"Loss of line {line} in training 1 of 3" for line in (first, second)),
        *(f"Loss of line {line} in 2 more" for line in (first, second)),
    ]


def two(make: Callable[[], tuple[nn.Module, ...]], lr: float = 0.01, second_lr: float = 0.01) -> Loop:
    """One training after another, on the same rows, of two models that are made in the loop: it has the seed."""

    def loop() -> None:
        (x, y), (first, second) = rows(), make()
        fit(first, x, y, lr)
        fit(second, x, y, second_lr)

    return loop


def on_one_body(*last: nn.Module) -> tuple[nn.Module, nn.Module]:
    """Two heads on one body, of which the second has one more layer."""
    shared = body()
    return nn.Sequential(shared, nn.Linear(16, 3)), nn.Sequential(shared, nn.Linear(16, 3), *last)


def reconstructed(*, is_kept: bool = False, is_kept_later: bool = False) -> None:
    """An autoencoder whose encoder then gets a head; either optimizer may not be cleared."""
    (x, y), encoder, decoder, head = rows(), body(), nn.Linear(16, 6), nn.Linear(16, 3)
    optimizer = optim.SGD([*encoder.parameters(), *decoder.parameters()], lr=0.1)
    for _ in range(40):
        if not is_kept:
            optimizer.zero_grad()
        F.mse_loss(decoder(encoder(x)), x).backward()
        optimizer.step()
    optimizer = optim.SGD([*encoder.parameters(), *head.parameters()], lr=0.1)
    optimizer.zero_grad()
    for _ in range(40):
        F.cross_entropy(head(encoder(x)), y).backward()
        optimizer.step()
        if not is_kept_later:
            optimizer.zero_grad()


@pytest.mark.parametrize(
    ("loop", "sign", "number"),
    [
        (two(lambda: on_one_body(nn.Softmax(1))), "softmax twice", 2),
        (two(lambda: on_one_body(nn.Softmax(1))[::-1]), "softmax twice", 1),
        (two(on_one_body, second_lr=3e-8), "size of updates", 2),
        (two(on_one_body, lr=1e-9), "size of updates", 1),
        (two(lambda: (nn.Linear(6, 3), nn.Sequential(nn.Linear(6, 9), nn.Linear(9, 3)))), "linear throughout", 2),
        (lambda: reconstructed(is_kept=True), "gradient kept", 1),
        (lambda: reconstructed(is_kept_later=True), "gradient kept", 2),
    ],
)
def test_one_of_two_trainings_has_a_fault(loop: Loop, sign: str, number: int) -> None:
    (found,) = findings(loop)
    assert (found.sign, found.training) == (sign, f"in training {number} of 2")


@pytest.mark.parametrize("loop", [two(on_one_body), reconstructed, two(lambda: (net(), net()), second_lr=1e-3)])
def test_two_trainings_that_are_right(loop: Loop) -> None:
    assert signs(loop) == []


def members(*models: nn.Module) -> None:
    """An ensemble, whose members are trained side by side."""
    x, y = rows()
    rules = [optim.Adam(model.parameters(), lr=0.01) for model in models]
    for _ in range(60):
        for model, optimizer in zip(models, rules, strict=True):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()


def test_one_member_of_an_ensemble_has_a_fault() -> None:
    (found,) = findings(lambda: members(net(), squashed(), net()))
    assert (found.sign, found.training) == ("softmax twice", "in training 2 of 3")


def test_of_members_that_are_right_each_is_seen_for_long_enough() -> None:
    assert report(lambda: members(net(), net(), net())).endswith("\n\nNothing was found that keeps it from learning.")


def games() -> None:
    """A GAN in each of three folds: one training each, though it has two optimizers."""
    for _ in range(3):
        real, maker, judge = torch.randn(64, 2) + 3, nn.Linear(4, 2), nn.Sequential(nn.Linear(2, 8), nn.ReLU())
        judge.append(nn.Linear(8, 1))
        first, second = optim.Adam(maker.parameters(), lr=1e-3), optim.Adam(judge.parameters(), lr=1e-3)
        for _ in range(40):
            fake = maker(torch.randn(64, 4))
            second.zero_grad()
            (F.softplus(-judge(real)) + F.softplus(judge(fake.detach()))).mean().backward()
            second.step()
            first.zero_grad()
            F.softplus(-judge(fake)).mean().backward()
            first.step()


def actor_and_critic() -> None:
    """Two networks without a common parameter, whose losses depend on each other's numbers."""
    x, wanted = rows()
    actor, critic = net(), net(1)
    first, second = optim.Adam(actor.parameters(), lr=3e-3), optim.Adam(critic.parameters(), lr=0.03)
    for _ in range(60):
        chosen = torch.distributions.Categorical(logits=actor(50 * x))
        action = chosen.sample()
        reward = (action == wanted).float()
        advantage = reward - critic(x).squeeze(1).detach()
        first.zero_grad()
        (-(chosen.log_prob(action) * advantage).mean()).backward()
        first.step()
        second.zero_grad()
        F.mse_loss(critic(x).squeeze(1), reward).backward()
        second.step()


def an_epoch_each() -> None:
    """A new optimizer for each epoch, without a loader: one training, whose last epochs hardly lower the loss."""
    (x, y), model = rows(), net()
    for _ in range(8):
        fit(model, 20 * x, y, steps=25)


def slower_and_slower() -> None:
    """The same weights with three rates, one after another, of which the last one starts near the end."""
    (x, y), model = rows(), net()
    for lr in (0.03, 0.003, 0.0003):
        fit(model, 20 * x, y, lr)


def polished() -> None:
    """Another loop goes on with the same weights, for the same loss, where little is left to be learned."""
    (x, y), model = rows(), net()
    fit(model, 20 * x, y, 0.03)
    classify_scaled(model, 20 * x, y)


def classify_scaled(model: nn.Module, x: Tensor, y: Tensor, lr: float = 1e-6, steps: int = 60) -> None:
    optimizer = optim.SGD(model.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def another_task() -> None:
    """One network learns one answer by heart, and then an answer that has nothing to do with it."""
    x, model = torch.randn(200, 6), net(2)
    for column in (0, 1):
        fit(model, x, (x[:, column] > 0).long(), 0.02, steps=240)


def grown_each_time() -> None:
    """An optimizer for each epoch, of steps too large: the loss jumps, but has not fallen before."""
    (x, y), model = rows(), net()
    for _ in range(4):
        classify_scaled(model, 20 * x, y, lr=30.0, steps=25)


@pytest.mark.parametrize("loop", [games, actor_and_critic, an_epoch_each, slower_and_slower, polished, another_task])
def test_nothing_is_said_of_several_optimizers_that_are_right(loop: Loop) -> None:
    assert signs(loop) == []


@pytest.mark.parametrize(
    ("loop", "number"),
    [
        (games, 3), (actor_and_critic, 2), (an_epoch_each, 1), (slower_and_slower, 3), (another_task, 2),
        (grown_each_time, 1),
    ],
)  # fmt: skip
def test_the_number_of_trainings(loop: Loop, number: int) -> None:
    torch.manual_seed(0)
    with fs.watch() as seen:
        loop()
    assert len(records_of(seen.record)) == number


def test_the_end_is_that_of_the_last_fifth_of_all_updates_seen_or_not() -> None:
    """Of a second optimizer that goes on, the first rounds are seen, and few of the last."""

    def loop() -> None:
        x, y, model = *rows(), net()
        fit(model, x, y, 1e-3, steps=200)
        fit(model, x, y, 1e-3, steps=300)

    torch.manual_seed(0)
    with fs.watch() as seen:
        loop()
    (record,) = records_of(seen.record)
    last = [event.loss for event in record.of(Differentiated) if event.round >= 400]
    assert record.ends == (record.losses[0], sum(last) / 4, 4)


def test_whether_the_losses_of_actor_and_critic_should_fall_is_not_judged() -> None:
    assert report(actor_and_critic).endswith("which need not fall: whether they should is not judged.")


def test_a_loop_that_never_updates_before_one_that_does() -> None:
    def loop() -> None:
        (x, y), model = rows(), net()
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for _ in range(30):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
        classify(net(), steps=40)

    (found,) = findings(loop)
    assert (found.sign, found.training) == ("never updated", "in training 1 of 2")
    assert "SGD, that has them; its step() was not called" in found.seen


def test_a_loop_by_hand_that_goes_uphill_before_one_with_an_optimizer() -> None:
    def by_hand(sign: float) -> None:
        (x, y), w = rows(), torch.zeros(6, 3, requires_grad=True)
        for _ in range(40):
            F.cross_entropy(x @ w, y).backward()
            with torch.no_grad():
                w += sign * w.grad
            w.grad = None
        classify(net(), steps=40)

    (found,) = findings(lambda: by_hand(0.5))
    assert (found.sign, found.training) == ("gradient added", "in training 1 of 2")
    assert signs(lambda: by_hand(-0.5)) == []


def test_an_error_in_a_second_training_is_of_none() -> None:
    def loop() -> None:
        x, y = rows()
        fit(net(), x, y)
        fit(net(), x, y)
        fit(net(), x[:, :5], y)

    (found,) = broken(loop, RuntimeError)
    assert (found.sign, found.training) == ("shapes do not fit", None)


def test_a_loss_that_is_no_number_counts_the_updates_of_its_own_training() -> None:
    def loop() -> None:
        for scale in (1.0, float("nan")):
            fit(net(), scale * rows()[0], rows()[1])

    (found,) = findings(loop)
    assert (found.sign, found.training) == ("no number", "in training 2 of 2")
    assert found.seen.startswith("The loss is nan after 0 updates: ")


def test_a_new_head_on_a_trained_body_is_judged_by_its_own_first_loss() -> None:
    def loop() -> None:
        first, second = on_one_body()
        with torch.no_grad():
            first[1].bias += torch.tensor([5.0, 0.0, -5.0])  # so the first training begins far above the second
        two(lambda: (first, second), second_lr=3e-8)()

    (found,) = findings(loop)
    assert (found.sign, found.training) == ("size of updates", "in training 2 of 2")


def test_units_alike_in_a_new_head_are_of_its_training_alone() -> None:
    def loop() -> None:
        shared, head = body(), nn.Sequential(nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 3))
        for p in head.parameters():
            nn.init.constant_(p, 0.1)
        two(lambda: (nn.Sequential(shared, nn.Linear(16, 3)), nn.Sequential(shared, head)))()

    found = findings(loop)
    assert ("units alike", "in training 2 of 2") in [(one.sign, one.training) for one in found]
    assert {one.training for one in found} == {"in training 2 of 2"}


def test_faults_of_opposite_kinds_on_one_line_are_two() -> None:
    def loop() -> None:
        for lr in (1e-7, 20.0):
            torch.manual_seed(0)
            classify(net(), steps=60, lr=lr)

    found = [(one.training, one.advice[:39]) for one in findings(loop) if one.sign == "size of updates"]
    assert found == [
        ("in training 1 of 2", "Try learning rates that are larger, by "),
        ("in training 2 of 2", "Try learning rates that are smaller, by"),
    ]


def test_beside_a_finding_a_training_whose_loss_does_not_fall_is_named() -> None:
    def loop() -> None:
        (x, y), model = rows(), net()
        fit(squashed(), x, y)
        optimizer = optim.SGD(model.parameters(), lr=0.01)
        for _ in range(60):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y[torch.randperm(64)]).backward()
            optimizer.step()

    assert "\nThe loss hardly falls in training 2 of 2, from " in report(loop)


def test_a_script_that_only_evaluates_has_nothing_to_learn() -> None:
    text = report(lambda: measured(net(), *rows()))
    assert text.startswith("Sequential with 163 parameters\n\nThe model was called, but backward was not, and ")
    assert "learning." in text
    assert "keeps it from learning" not in text
