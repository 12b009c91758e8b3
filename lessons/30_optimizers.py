"""
Optimizers beyond SGD
=====================

**The question:** What else can be done with a gradient?

Plain descent steps straight downhill, at one rate for all parameters. Momentum, RMSprop, Adam and their relatives make
other steps from the same gradient. Only the fifth step of the loop changes.
"""

import math

import numpy as np
import torch

import fivestep as fs
from fivestep.plots.paths import Terrain, paths

# %%
# The idea
# --------
# The gradient says how steep the loss is under each parameter, not how far away the minimum is. Where the loss is steep
# in one direction and flat in another, one learning rate has to serve both: large enough to get on along the flat
# direction, small enough not to oscillate in the steep one. There are two remedies.
#
# *Momentum* steps along a running sum of gradients: parts that change sign cancel, parts that keep it add up.
# *Adam* divides each parameter's gradient by its own recent size, so that all parameters move at about the same pace.

# %%
# The formula
# -----------
# With the gradient :math:`g`, the weights :math:`w`, the learning rate :math:`\eta` and the step
# :math:`t = 1, 2, \dots`
#
# .. math::
#   \text{SGD:} \quad & w \leftarrow w - \eta\, g \\
#   \text{momentum:} \quad & m \leftarrow \beta m + g, \qquad w \leftarrow w - \eta\, m \\
#   \text{Adam:} \quad & m \leftarrow \beta_1 m + (1-\beta_1)\, g, \qquad v \leftarrow \beta_2 v + (1-\beta_2)\, g^2 \\
#   & w \leftarrow w - \eta\, \frac{m / (1-\beta_1^t)}{\sqrt{v / (1-\beta_2^t)} + \epsilon}
#
# The divisors :math:`1-\beta^t` correct the bias of two means that begin at zero. RMSprop is Adam without :math:`m` and
# without these divisors.


def descent(w, g, _memory, lr):
    """One step of SGD, which remembers nothing."""
    return w - lr * g


def momentum(w, g, memory, lr, beta=0.9):
    """One step along the running sum."""
    memory["m"] = beta * memory.get("m", 0) + g
    return w - lr * memory["m"]


def adam(w, g, memory, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """One step along the mean gradient, over the root of the mean square."""
    t = memory["t"] = memory.get("t", 0) + 1
    m = memory["m"] = beta1 * memory.get("m", 0) + (1 - beta1) * g
    v = memory["v"] = beta2 * memory.get("v", 0) + (1 - beta2) * g**2
    return w - lr * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + eps)


# %%
# Raw and professional
# --------------------
# Adam three times: the function above in a loop of raw tensors, ``torch.optim.Adam``, and this program's engine. The
# same network on two half moons, from the same weights, for a hundred steps.

data = fs.load_dataset("moons")
spec = fs.MLP(2, 8, 1, activation="tanh")
plan = fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.05, batch_size=None, epochs=100)
engine = fs.make_engine("scratch", spec, plan, dtype="float64")
start = {name: w.clone() for name, w in engine.named_parameters().items()}
x, y = data.train.x.double(), data.train.y.double()
binary_cross_entropy = torch.nn.functional.binary_cross_entropy_with_logits


def by_hand():
    """The parameters after the training, from raw tensors."""
    w = {name: value.clone().requires_grad_() for name, value in start.items()}
    memories = {name: {} for name in w}
    for _ in range(100):
        hidden = torch.tanh(x @ w["0.weight"].T + w["0.bias"])
        logits = hidden @ w["2.weight"].T + w["2.bias"]  # 1  predict
        loss = binary_cross_entropy(logits[:, 0], y)  # 2  measure
        for one in w.values():
            one.grad = None  # 3  forget the last gradient
        loss.backward()  # 4  find the new one
        with torch.no_grad():
            for name, one in w.items():
                one.copy_(adam(one, one.grad, memories[name], lr=0.05))  # 5  step downhill
    return w


def with_torch():
    """The same with a module and an optimizer."""
    module = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).double()
    module.load_state_dict(start)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
    for _ in range(100):
        logits = module(x)  # 1
        loss = binary_cross_entropy(logits[:, 0], y)  # 2
        optimizer.zero_grad()  # 3
        loss.backward()  # 4
        optimizer.step()  # 5
    return module.state_dict()


*_, last = fs.train(engine, data, plan, every=100)
print(f"training loss {last.train_loss:.4f}")
for other in (by_hand, with_torch):
    weights = other()
    gap = max(
        (weights[name].detach() - w).abs().max().item() for name, w in engine.named_parameters().items()
    )
    print(f"{other.__name__:10} largest difference of a parameter from the engine's: {gap:.1e}")
    assert gap < 1e-10  # rounding of float64, carried through a hundred steps

# %%
# What came out
# -------------
# First a loss with nothing but a ravine: :math:`(100\, w_1^2 + w_2^2) / 2` is a hundred times as curved along
# :math:`w_1` as along :math:`w_2`. One step of descent multiplies :math:`w_1` by :math:`1 - 100 \eta` and :math:`w_2`
# by :math:`1 - \eta`. The rate :math:`2/101` makes the larger of the two factors as small as it can be, and that is
# :math:`99/101`: descent is slow here at any rate. Momentum with its best pair of settings for these curvatures needs a
# small part of the steps.

curvature = torch.tensor([100.0, 1.0], dtype=torch.float64)


def path(rule, num_steps, scale=1.0, **settings):
    """The places that a rule visits from (1, 10), with the loss multiplied by `scale`: (num_steps + 1, 2)."""
    w, memory, places = torch.tensor([1.0, 10.0], dtype=torch.float64), {}, []
    for _ in range(num_steps):
        places.append(w)
        w = rule(w, scale * curvature * w, memory, **settings)
    return torch.stack([*places, w])


settings = {
    descent: {"lr": 2 / 101},
    momentum: {
        "lr": (2 / 11) ** 2,
        "beta": (9 / 11) ** 2,
    },  # (2 / (10 + 1))^2 and ((10 - 1) / (10 + 1))^2
    adam: {"lr": 0.3},
}
needed = {}
for rule, chosen in settings.items():
    far = path(rule, 2000, **chosen).norm(dim=1) > 1e-3
    needed[rule] = int(far.nonzero().max()) + 1
    print(f"{rule.__name__:8} stays within 0.001 of the minimum from step {needed[rule]} on")

steps = path(descent, 50, **settings[descent]).abs()
torch.testing.assert_close(steps[1:], steps[:-1] * 99 / 101, rtol=1e-12, atol=0)  # rounding only
assert needed[descent] == math.ceil(math.log(1e-3 / math.hypot(1, 10)) / math.log(99 / 101))
assert needed[momentum] < needed[descent] / 5

# %%
# At Adam's first step both memories hold one gradient, and the divisors undo their small weights exactly: what is left
# is :math:`g / (|g| + \epsilon)`, the sign of the gradient. The first step has the length of the learning rate in every
# parameter, however large the gradient is.

first = path(adam, 1, lr=0.3)
print("first step of Adam:", [round(change, 6) for change in (first[1] - first[0]).tolist()])
assert torch.allclose(
    first[1] - first[0], torch.full((2,), -0.3, dtype=torch.float64), rtol=1e-8
)  # eps over |g| >= 10

# %%
# Now the moons again. Five rules, eleven learning rates, five seeds: 275 networks, 200 steps each. ``fs.fit_many``
# trains them all; the table has the median of the final losses over the seeds.

rules = ["sgd", "sgd:momentum=0.9", "rmsprop", "adam", "lion"]
rates = [10 ** (k / 2) for k in range(-7, 4)]
plans = [
    fs.TrainPlan(loss="binary_cross_entropy", optimizer=name, lr=lr, batch_size=None, epochs=200, seed=seed)
    for name in rules
    for lr in rates
    for seed in range(5)
]
members = fs.fit_many(spec, data, plans)
assert len(members) == 275
final = [math.inf if member.diverged else member.history[-1].train_loss for member in members]
losses = np.median(np.reshape(final, (len(rules), len(rates), 5)), axis=2)

print("rate             ", *(f"{lr:7.2g}" for lr in rates))
for name, row in zip(rules, losses, strict=True):
    print(f"{name:17}", *(f"{loss:7.4f}" for loss in row))

# %%
# Each rule has a valley of its own, and the valleys lie at different rates. At its best rate every rule gets well below
# the best straight line, whose loss is found with L-BFGS, a rule that suits small convex problems.

by_curvature = fs.TrainPlan(
    loss="binary_cross_entropy", optimizer="lbfgs", lr=1.0, batch_size=None, epochs=20
)
(member,) = fs.fit_many(fs.LinearRegression(2), data, by_curvature, dtype="float64")
straight_line = member.history[-1].train_loss
best_rate = {name: rates[row.argmin()] for name, row in zip(rules, losses, strict=True)}
best = {name: row.min() for name, row in zip(rules, losses, strict=True)}

print(f"the best straight line: {straight_line:.4f}")
for name in rules:
    print(f"{name:17} {best[name]:.4f} at {best_rate[name]:.2g}")
assert round(straight_line, 4) == 0.3113
assert max(best.values()) < straight_line / 3
assert best_rate["sgd"] > 3 * best_rate["adam"]  # at least two places of the grid
assert best["sgd"] > max(best["adam"], best["sgd:momentum=0.9"])

# %%
# A picture
# ---------
# The ravine from above, and the first forty steps of each rule. Descent jumps from wall to wall and hardly moves along
# the floor. Momentum swings, but wins ground along the floor. Adam does not see that one direction is steeper, and
# begins with equal steps in both.

across, along = np.linspace(-3.2, 3.2, 81), np.linspace(-6.0, 11.0, 81)
terrain = Terrain(across, along, (100 * across[None] ** 2 + along[:, None] ** 2) / 2 + 0.01)
ways = {rule.__name__: path(rule, 40, **chosen).numpy() for rule, chosen in settings.items()}
paths(
    terrain,
    ways,
    ("steep direction", "flat direction"),
    "Three rules in one ravine",
    best=(0.0, 0.0),
)

# %%
# And the table of the 275 networks:

canvas = fs.Canvas("Every rule has a rate of its own: 2-8-1 on moons, 200 steps", height=4.0)
axes = canvas.axes(x="learning rate (per step)", y="training loss (nats)")
for k, (name, row) in enumerate(zip(rules, losses, strict=True)):
    axes.loglog(rates, row, marker="os^Dv"[k], color=canvas.color(k), label=name)
axes.axhline(straight_line, color=canvas.theme.ink, ls="--", lw=1, label="best straight line")
canvas.legend(axes)
canvas.figure

# %%
# The classic mistake
# -------------------
# Two rules at one rate. At the rate that is best for Adam, 200 steps of SGD end above the best straight line, as if the
# network could not bend its boundary; at the rate that is best for SGD, Adam does. A comparison at one rate says which
# rule the rate was made for. Give each rule its own search, and say in the result that you did.

of = {name: dict(zip(rates, row, strict=True)) for name, row in zip(rules, losses, strict=True)}
for name in ("adam", "sgd"):
    rate = best_rate[name]
    print(f"at {rate:.2g}, best for {name}: sgd {of['sgd'][rate]:.3f}, adam {of['adam'][rate]:.3f}")
assert of["sgd"][best_rate["adam"]] > straight_line
assert of["adam"][best_rate["sgd"]] > straight_line

# %%
# A rate that is far too high ends in no result at all. The program names the step at which the loss broke, and keeps
# the weights from before it.

line = fs.load_dataset("line")
too_high = fs.TrainPlan(loss="mse", optimizer="sgd", lr=3.0, batch_size=None, epochs=1000)
try:
    list(fs.train(fs.make_engine("scratch", fs.LinearRegression(1), too_high), line, too_high, every=1000))
except fs.DivergenceError as error:
    message = str(error)
print(message)
assert "lower the learning rate" in message

# %%
# Exercises
# ---------
# 1. Multiply the loss of the ravine by a thousand. Which rules still work at the rates they had?
# 2. Write Lion, which steps by the sign of a mean gradient, and compare it with ``optimizer="lion"``. Its formula is in
#    ``fivestep items lion``.
# 3. L-BFGS estimates the curvature from how the gradient changed on its way. How many gradients does it need until the
#    straight line on the moons is within 0.001 of its best loss, and how many does descent need?

# %%
# Solution 1
# ~~~~~~~~~~
# Adam's numerator and denominator both grow a thousandfold, so its path stays as it was, apart from :math:`\epsilon`.
# The steps of descent and of momentum grow a thousandfold, and both leave the ravine.

gap = (path(adam, 100, lr=0.3, scale=1000.0) - path(adam, 100, lr=0.3)).abs().max().item()
print(f"Adam's places move by {gap:.1e}")
for rule in (descent, momentum):
    end = path(rule, 10, scale=1000.0, **settings[rule])[-1].norm().item()
    print(f"{rule.__name__} ends {end:.1e} away from the minimum")
    assert end > 1e6
assert gap < 1e-5  # eps = 1e-8 against gradients that shrink on the way

# %%
# Solution 2
# ~~~~~~~~~~
# Three lines. Here the engine takes the steps, and the same rule is done by hand with the gradients that it found. The
# operations are the same, so the weights are equal to the last bit.


def lion(w, g, memory, lr=0.01, beta1=0.9, beta2=0.99):
    """One step of the same length in every parameter."""
    m = memory.get("m", torch.zeros_like(g))
    memory["m"] = torch.lerp(m, g, 1 - beta2)
    return w - lr * torch.lerp(m, g, 1 - beta1).sign()


plan = fs.TrainPlan(loss="binary_cross_entropy", optimizer="lion", lr=0.01, batch_size=None, epochs=50)
engine = fs.make_engine("scratch", spec, plan, dtype="float64")
w, memory = engine.params.flat.clone(), {}
for _ in fs.steps(engine, data, plan):
    w = lion(w, engine.params.grad, memory)
assert torch.equal(w, engine.params.flat)
print("fifty steps of Lion by hand and by the engine: equal")

# %%
# Solution 3
# ~~~~~~~~~~
# One *step* of ``torch.optim.LBFGS`` finds many gradients, each by a call of its closure, so the calls are counted.


def gradients_until(goal, make_optimizer):
    """How often the gradient is found until the loss of a straight line, begun at zero, is that low."""
    model, seen = torch.nn.Linear(2, 1, dtype=torch.float64), []
    model.load_state_dict({"weight": torch.zeros(1, 2), "bias": torch.zeros(1)})
    optimizer = make_optimizer(model.parameters())

    def closure():
        optimizer.zero_grad()
        loss = binary_cross_entropy(model(x)[:, 0], y)
        loss.backward()
        seen.append(loss.item())
        return loss

    while min(seen, default=math.inf) > goal:
        optimizer.step(closure)
    return next(k for k, loss in enumerate(seen, start=1) if loss <= goal)


by_descent = gradients_until(straight_line + 0.001, lambda parameters: torch.optim.SGD(parameters, lr=0.1))
by_curvature = gradients_until(straight_line + 0.001, torch.optim.LBFGS)
print(f"gradients needed: descent {by_descent}, L-BFGS {by_curvature}")
assert by_curvature * 20 < by_descent

# %%
# What you learned
# ----------------
# - One rate for all directions makes descent slow in a ravine; momentum and Adam are two ways out.
# - Adam's first step has the length of the learning rate in every parameter; scaling the loss changes nothing for it.
# - Rules have rates of their own: search each rule's before you compare.
#
# The next page: *Learning-rate schedules*.
