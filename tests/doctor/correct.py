"""Loops that are right, as people write them. Each returns numbers that depend on all that it did."""

import copy
import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader, TensorDataset

Numbers = list[float]


def rows(num_rows: int = 96, num_columns: int = 6, num_classes: int = 3) -> tuple[Tensor, Tensor]:
    x = torch.randn(num_rows, num_columns)
    return x, (x @ torch.randn(num_columns, num_classes)).argmax(1)


def dense(num_columns: int = 6, num_outputs: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Linear(num_columns, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, num_outputs))


def numbers_of(*modules: nn.Module) -> Numbers:
    return [float(p.detach().double().sum()) for module in modules for p in module.parameters()]


def classification() -> Numbers:
    """The tutorial's: epochs over a shuffled loader, evaluation without gradient."""
    x, y = rows()
    train, valid = (
        DataLoader(TensorDataset(x[:64], y[:64]), 8, shuffle=True),
        DataLoader(TensorDataset(x[64:], y[64:]), 8),
    )
    model, loss_fn = dense(), nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    right = 0.0
    for _ in range(4):
        model.train()
        for xb, yb in train:
            loss = loss_fn(model(xb), yb)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        model.eval()
        with torch.no_grad():
            for xb, yb in valid:
                right += (model(xb).argmax(1) == yb).sum().item() + loss_fn(model(xb), yb).item()
    return [right, *numbers_of(model)]


def regression() -> Numbers:
    """Two numbers by full-batch descent, as everyone's first loop."""
    x = torch.randn(50, 1)
    y = 2 * x + 1 + 0.1 * torch.randn(50, 1)
    model = nn.Linear(1, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(60):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
    return numbers_of(model)


def regression_to_the_end() -> Numbers:
    """Hundreds of steps after it has learned all: the updates are nothing by then."""
    x = torch.randn(40, 2)
    y = x @ torch.tensor([[1.0], [-2.0]])
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.3)
    for _ in range(400):
        optimizer.zero_grad()
        ((model(x) - y) ** 2).mean().backward()
        optimizer.step()
    return numbers_of(model)


def adversaries() -> Numbers:
    """A GAN: two optimizers, and each backward leaves gradients in the other's parameters."""
    real = torch.randn(64, 2) + 3
    makes, judges = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)), dense(2, 1)
    opt_g = optim.Adam(makes.parameters(), lr=2e-3, betas=(0.5, 0.999))
    opt_d = optim.Adam(judges.parameters(), lr=2e-3, betas=(0.5, 0.999))
    loss_fn = nn.BCEWithLogitsLoss()
    for step in range(40):
        batch = real[step % 4 * 16 : step % 4 * 16 + 16]
        judges.zero_grad()
        loss_fn(judges(batch).view(-1), torch.ones(16)).backward()
        fake = makes(torch.randn(16, 4))
        loss_fn(judges(fake.detach()).view(-1), torch.zeros(16)).backward()
        opt_d.step()
        makes.zero_grad()
        loss_fn(judges(fake).view(-1), torch.ones(16)).backward()
        opt_g.step()
    return numbers_of(makes, judges)


def adversaries_without_gradient() -> Numbers:
    """Another GAN: the maker is called in training mode without gradient, its own gradients are cleared late."""
    real = torch.randn(64, 2) + 3
    makes, judges = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2)), dense(2, 1)
    opt_g, opt_d = optim.RMSprop(makes.parameters(), lr=1e-3), optim.RMSprop(judges.parameters(), lr=1e-3)
    for step in range(45):
        with torch.no_grad():
            fake = makes(torch.randn(16, 4))
        opt_d.zero_grad()
        (judges(fake).mean() - judges(real[step % 4 * 16 :][:16]).mean()).backward()
        nn.utils.clip_grad_value_(judges.parameters(), 0.5)
        opt_d.step()
        if step % 3 == 2:
            opt_g.zero_grad()
            (-judges(makes(torch.randn(16, 4))).mean()).backward()
            opt_g.step()
    return numbers_of(makes, judges)


def accumulation() -> Numbers:
    """Four small batches for one update."""
    x, y = rows(128)
    model = dense()
    optimizer = optim.AdamW(model.parameters(), lr=0.01)
    for step in range(160):
        part = slice(step % 16 * 8, step % 16 * 8 + 8)
        (F.cross_entropy(model(x[part]), y[part]) / 4).backward()
        if step % 4 == 3:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=False)
    return numbers_of(model)


def closure() -> Numbers:
    """L-BFGS, which asks for the loss itself."""
    x, y = rows()
    model = nn.Linear(6, 3)
    optimizer = optim.LBFGS(model.parameters(), max_iter=4, line_search_fn="strong_wolfe")

    def again() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y) + 1e-3 * sum((p**2).sum() for p in model.parameters())
        loss.backward()
        return loss

    losses = [optimizer.step(again).item() for _ in range(8)]
    return [*losses, *numbers_of(model)]


class Pictures(nn.Module):
    """A small convolutional network with a head."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(4))
        self.head = nn.Linear(64, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).flatten(1))


def pictures() -> Numbers:
    """A CNN with a schedule, evaluated after each epoch in inference mode."""
    x, (_, y) = torch.randn(64, 1, 8, 8), rows(64)
    x[torch.arange(64), 0, y, y] += 6
    model = Pictures()
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=5)
    out = []
    for _ in range(5):
        model.train()
        for part in torch.randperm(64).split(8):
            optimizer.zero_grad()
            F.cross_entropy(model(x[part]), y[part], label_smoothing=0.1).backward()
            optimizer.step()
        schedule.step()
        model.eval()
        with torch.inference_mode():
            out += [float(F.cross_entropy(model(x[part]), y[part])) for part in torch.arange(64).split(16)]
    return [*out, *numbers_of(model)]


def fine_tuning() -> Numbers:
    """A frozen body, its batch norm in evaluation mode, a new head."""
    x, (_, y) = torch.randn(64, 1, 8, 8), rows(64)
    model = Pictures()
    for p in model.parameters():
        p.requires_grad = False
    model.head = nn.Linear(64, 3)
    optimizer = optim.Adam(model.head.parameters(), lr=1e-2)
    for step in range(40):
        model.train()
        model.body.eval()
        part = slice(step % 8 * 8, step % 8 * 8 + 8)
        optimizer.zero_grad()
        F.cross_entropy(model(x[part]), y[part]).backward()
        optimizer.step()
    return numbers_of(model)


class Words(nn.Module):
    """A recurrent network whose embedding is its last matrix too."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 8, padding_idx=0)
        self.body = nn.GRU(8, 8, batch_first=True)
        self.head = nn.Linear(8, 11)
        self.head.weight = self.embed.weight

    def forward(self, words: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        out, state = self.body(self.embed(words), state)
        return self.head(out), state


def recurrent() -> Numbers:
    """Tied weights, the state carried along and cut from its past, the gradient's norm limited."""
    text = torch.arange(1, 401) % 10 + 1
    model, state = Words(), None
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    for step in range(45):
        words = text[step * 8 : step * 8 + 9].unsqueeze(0)
        logits, state = model(words[:, :-1], state)
        state = state.detach()
        loss = F.cross_entropy(logits.flatten(0, 1), words[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        optimizer.step()
    return numbers_of(model)


def averaged() -> Numbers:
    """A moving average of the weights that is evaluated, and whose batch norm is measured anew."""
    x, (_, y) = torch.randn(64, 1, 8, 8), rows(64)
    model = Pictures()
    mean = optim.swa_utils.AveragedModel(model)
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    for step in range(40):
        part = slice(step % 8 * 8, step % 8 * 8 + 8)
        optimizer.zero_grad()
        F.cross_entropy(model(x[part]), y[part]).backward()
        optimizer.step()
        mean.update_parameters(model)
    optim.swa_utils.update_bn(x.split(8), mean)
    mean.eval()
    with torch.no_grad():
        return [float(F.cross_entropy(mean(x), y)), *numbers_of(model, mean)]


def fewer_digits() -> Numbers:
    """Autocast to bfloat16 with a scaler, as on a GPU."""
    x, y = rows()
    model = dense()
    optimizer = optim.AdamW(model.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler("cpu")
    for step in range(40):
        part = slice(step % 12 * 8, step % 12 * 8 + 8)
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = F.cross_entropy(model(x[part]), y[part])
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
    return numbers_of(model)


def by_hand() -> Numbers:
    """No module and no optimizer: tensors, and an update in place."""
    x, y = rows()
    w = (0.1 * torch.randn(6, 3)).requires_grad_()
    b = torch.zeros(3, requires_grad=True)
    for _ in range(40):
        loss = F.nll_loss(F.log_softmax(x @ w + b, 1), y)
        loss.backward()
        with torch.no_grad():
            for p in (w, b):
                p -= 0.5 * p.grad
                p.grad.zero_()
    return [w.sum().item(), b.sum().item(), loss.item()]


def by_hand_on_a_module() -> Numbers:
    """A module's parameters, moved in place, their gradients set to None."""
    x, y = rows()
    model = dense()
    for _ in range(40):
        model.zero_grad()
        F.cross_entropy(model(x), y).backward()
        with torch.no_grad():
            for p in model.parameters():
                p -= 0.1 * p.grad
    return numbers_of(model)


def differentiated() -> Numbers:
    """`torch.autograd.grad`, which leaves nothing in `.grad`."""
    x, y = rows()
    w = torch.zeros(6, 3, requires_grad=True)
    for _ in range(40):
        (gradient,) = torch.autograd.grad(F.cross_entropy(x @ w, y), w)
        w = (w - 0.5 * gradient).detach().requires_grad_()
    return [w.sum().item()]


def functional() -> Numbers:
    """torch.func: the gradient of a function of parameters, and one for each row by vmap."""
    x, y = rows()
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
    weights = {name: p.detach() for name, p in model.named_parameters()}

    def loss(weights: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(torch.func.functional_call(model, weights, (x,)), y)

    def row(weights: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return loss(weights, x.unsqueeze(0), y.unsqueeze(0))

    for _ in range(20):
        gradient = torch.func.grad(loss)(weights, x, y)
        weights = {name: p - 0.1 * gradient[name] for name, p in weights.items()}
    each = torch.func.vmap(torch.func.grad(row), in_dims=(None, 0, 0))(weights, x, y)
    return [float(p.sum()) for p in [*weights.values(), *each.values()]]


def two_losses() -> Numbers:
    """Actor and critic on one body: two losses, two optimizers, the second backward after the first update."""
    x, y = rows()
    body, heads = nn.Linear(6, 8), nn.ModuleList([nn.Linear(8, 3), nn.Linear(8, 1)])
    first, second = (
        optim.Adam(heads[0].parameters(), lr=0.01),
        optim.Adam([*body.parameters(), *heads[1].parameters()], lr=0.01),
    )
    for _ in range(40):
        seen = torch.tanh(body(x))
        actor, critic = F.cross_entropy(heads[0](seen.detach()), y), F.mse_loss(heads[1](seen).squeeze(1), y.float())
        first.zero_grad()
        actor.backward()
        first.step()
        second.zero_grad()
        critic.backward()
        second.step()
    return numbers_of(body, heads)


def sharpness_aware() -> Numbers:
    """Two gradients for each update, the weights moved away and back in between."""
    x, y = rows()
    model = dense()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(35):
        F.cross_entropy(model(x), y).backward()
        moves = [0.05 * p.grad / (p.grad.norm() + 1e-12) for p in model.parameters()]
        with torch.no_grad():
            for p, move in zip(model.parameters(), moves, strict=True):
                p.add_(move)
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        with torch.no_grad():
            for p, move in zip(model.parameters(), moves, strict=True):
                p.sub_(move)
        optimizer.step()
        optimizer.zero_grad()
    return numbers_of(model)


def teacher() -> Numbers:
    """A student of a teacher that moves slowly behind it, called without gradient in training mode."""
    x, y = rows()
    student = dense()
    teaches = copy.deepcopy(student)
    optimizer = optim.Adam(student.parameters(), lr=0.01)
    for step in range(40):
        part = slice(step % 12 * 8, step % 12 * 8 + 8)
        with torch.no_grad():
            target = F.softmax(teaches(x[part]), dim=1)
        loss = F.cross_entropy(student(x[part]), target) + F.cross_entropy(student(x[part]), y[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for slow, fast in zip(teaches.parameters(), student.parameters(), strict=True):
                slow.lerp_(fast, 0.05)
    return numbers_of(student, teaches)


def attacked() -> Numbers:
    """The gradient of the input of a trained network: nothing is to be updated."""
    x, y = rows()
    model = dense().eval()
    x.requires_grad_()
    out = []
    for _ in range(6):
        model.zero_grad()
        F.cross_entropy(model(x), y).backward()
        out.append(float(x.grad.abs().sum()))
        x = (x + 0.01 * x.grad.sign()).detach().requires_grad_()
    return out


def translated() -> Numbers:
    """A transformer's encoder with a warm-up, compared with its inputs."""
    x = torch.randn(32, 5, 8)
    model = nn.Sequential(
        nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1), nn.Linear(8, 8)
    )
    optimizer = optim.AdamW(model.parameters(), lr=0.01)
    schedule = optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / 10))
    for step in range(40):
        part = x[step % 4 * 8 : step % 4 * 8 + 8]
        optimizer.zero_grad()
        F.smooth_l1_loss(model(part), part.flip(1)).backward()
        optimizer.step()
        schedule.step()
    return numbers_of(model)


def several_labels() -> Numbers:
    """Several labels for each row, weighted; the running loss as a number."""
    x, _ = rows()
    y = (x @ torch.randn(6, 4) > 0).float()
    model, total = dense(6, 4), 0.0
    loss_fn = nn.BCEWithLogitsLoss(pos_weight=torch.ones(4) * 2)
    optimizer = optim.Adagrad(model.parameters(), lr=0.1)
    for xb, yb in itertools.islice(itertools.cycle(zip(x.split(8), y.split(8), strict=True)), 40):
        optimizer.zero_grad(set_to_none=True)
        loss = loss_fn(model(xb), yb)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return [total, *numbers_of(model)]


def recomputed() -> Numbers:
    """Activations computed once more within backward, and updates within it as soon as a gradient is there."""
    x, y = rows()
    model = dense()
    rules = {p: optim.SGD([p], lr=0.1) for p in model.parameters()}

    def move(p: Tensor) -> None:
        rules[p].step()
        rules[p].zero_grad()

    for p in model.parameters():
        p.register_post_accumulate_grad_hook(move)
    for _ in range(20):
        hidden = torch.utils.checkpoint.checkpoint(model[:3], x, use_reentrant=False)
        F.cross_entropy(model[3](hidden), y).backward()
    return numbers_of(model)


def search_of_a_rate() -> Numbers:
    """A rate that grows with each step until the loss does, then the training with one of them."""
    x, y = rows()
    model = dense()
    weights, losses = copy.deepcopy(model.state_dict()), Numbers()
    optimizer: optim.Optimizer = optim.SGD(model.parameters(), lr=1e-6)
    schedule: optim.lr_scheduler.LRScheduler = optim.lr_scheduler.ExponentialLR(optimizer, 1.2)
    for _ in range(90):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if losses[-1] > 4 * min(losses):
            break
    model.load_state_dict(weights)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, 0.3, epochs=4, steps_per_epoch=12)
    for step in range(48):
        part = slice(step % 12 * 8, step % 12 * 8 + 8)
        optimizer.zero_grad()
        F.cross_entropy(model(x[part]), y[part]).backward()
        optimizer.step()
        schedule.step()
    return [*losses, *numbers_of(model)]


def thawed() -> Numbers:
    """First the head alone, then all of it, with an optimizer each."""
    x, y = rows()
    model = dense()
    model[0].requires_grad_(False)
    for lr in (0.01, 0.001):
        optimizer = optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=lr)
        for _ in range(25):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        model.requires_grad_(True)
    return numbers_of(model)


LOOPS: dict[str, Callable[[], Numbers]] = {
    name: value
    for name, value in dict[str, Any](globals()).items()
    if callable(value) and getattr(value, "__module__", "") == __name__ and name not in ("rows", "dense", "numbers_of")
    and not name.startswith("_") and not isinstance(value, type)
}  # fmt: skip
"""All of them by name."""
