r"""
Optimizers beyond SGD
=====================

**The question.** Gradient descent steps straight downhill. When is that slow, and what do momentum, RMSprop and Adam do about it?

**The idea.** The gradient says how steep the loss is under each parameter, not how far away the minimum is. Where the loss is steep in
one direction and flat in another, one learning rate must serve both: large enough to move along the flat direction, small enough not to
be thrown about in the steep one. There are two remedies. *Momentum* steps along a running sum of gradients: what points to and fro
cancels, what points the same way adds up. *Adam* and its relatives divide each parameter's gradient by its own recent size, so that every
parameter moves at about the same pace. Either way only the fifth step of the loop changes; predict, measure, forget and backward stay.

**The formulas**, with the gradient :math:`g`, the weights :math:`w`, the learning rate :math:`\eta` and the step :math:`t = 1, 2, \dots`

.. math::

    \text{SGD:}\quad & w \leftarrow w - \eta\, g \\
    \text{momentum:}\quad & m \leftarrow \beta m + g, \qquad w \leftarrow w - \eta\, m \\
    \text{Adam:}\quad & m \leftarrow \beta_1 m + (1-\beta_1)\, g, \qquad v \leftarrow \beta_2 v + (1-\beta_2)\, g^2, \\
    & w \leftarrow w - \eta\, \frac{m / (1-\beta_1^t)}{\sqrt{v / (1-\beta_2^t)} + \epsilon}

RMSprop is Adam without :math:`m` and without the two corrections :math:`1-\beta^t`, which make up for memories that begin at zero.
"""

# %%
# A ravine of two parameters
# --------------------------
#
# The loss :math:`(100\, w_1^2 + w_2^2)/2` is a hundred times as curved in one direction as in the other. Its gradient is
# :math:`(100\, w_1, w_2)`, so one step of descent multiplies :math:`w_1` by :math:`1 - 100 \eta` and :math:`w_2` by :math:`1 - \eta`. The
# rate that makes the larger of the two factors smallest is :math:`2/(100 + 1)`, and the factor is then :math:`99/101`: close to one, so
# descent is slow, and no other rate makes it faster.

import math

import numpy as np
import torch

import fivestep as fs

curvature = torch.tensor([100.0, 1.0], dtype=torch.float64)


def path(step, num_steps, start=(1.0, 10.0)):
    """The places that a rule visits: `step` gets the weights, the gradient and its own memory, and returns new weights."""
    w, memory, places = torch.tensor(start, dtype=torch.float64), {}, []
    for _ in range(num_steps):
        places.append(w)
        w = step(w, curvature * w, memory)
    return torch.stack([*places, w])


def descent(w, g, memory, lr=2 / 101):
    return w - lr * g


def momentum(w, g, memory, lr=(2 / 11) ** 2, beta=(9 / 11) ** 2):  # the best pair for these curvatures
    memory["m"] = beta * memory.get("m", 0) + g
    return w - lr * memory["m"]


def adam(w, g, memory, lr=0.3, betas=(0.9, 0.999), eps=1e-8):
    t = memory["t"] = memory.get("t", 0) + 1
    m = memory["m"] = betas[0] * memory.get("m", 0) + (1 - betas[0]) * g
    v = memory["v"] = betas[1] * memory.get("v", 0) + (1 - betas[1]) * g**2
    return w - lr * (m / (1 - betas[0] ** t)) / ((v / (1 - betas[1] ** t)).sqrt() + eps)


def steps_until(step, distance=1e-3):
    """The number of steps after which a rule stays within that distance of the minimum, which lies at zero."""
    away = path(step, 2000).norm(dim=1) > distance
    return int(away.nonzero().max()) + 1


needed = {step.__name__: steps_until(step) for step in (descent, momentum, adam)}
print(needed)

# %%
# Every step of descent shrinks both coordinates by exactly 99/101. The steps that it needs follow from that, and momentum needs a small
# part of them.

ways = path(descent, 50)
torch.testing.assert_close(ways[1:].abs(), ways[:-1].abs() * 99 / 101, rtol=1e-12, atol=0)  # rounding only
assert needed["descent"] == math.ceil(math.log(1e-3 / math.hypot(1, 10)) / math.log(99 / 101))
assert needed["momentum"] < needed["descent"] / 5

# %%
# The first forty steps of each. Descent jumps from wall to wall and hardly moves along the floor; momentum swings, but wins ground along the floor; Adam does not see that one
# direction is steeper, and begins with equal steps in both.

from fivestep.plots.paths import Terrain, paths

across, along = np.linspace(-1.6, 1.6, 81), np.linspace(-6.0, 11.0, 81)
terrain = Terrain(across, along, (100 * across[None] ** 2 + along[:, None] ** 2) / 2 + 0.01)
paths(
    terrain,
    {step.__name__: path(step, 40).numpy() for step in (descent, momentum, adam)},
    ("steep direction", "flat direction"),
    "Three rules in one ravine",
    best=(0.0, 0.0),
)

# %%
# Adam's first step
# -----------------
#
# At the first step both memories hold one gradient, and the corrections undo their small weights exactly: :math:`g / (|g| + \epsilon)` is
# the sign of the gradient. Adam's first step is the learning rate in every parameter, however large the gradient is.

first = path(adam, 1)[1] - path(adam, 1)[0]
print("first step of Adam:", first.tolist(), "   of descent:", (-(2 / 101) * curvature * path(adam, 0)[0]).tolist())
assert torch.allclose(first, -0.3 * torch.ones(2, dtype=torch.float64), rtol=1e-8)  # eps over a gradient of at least 10

# %%
# The raw form and the professional one
# -------------------------------------
#
# By hand, with ``torch.optim``, and as this program's engine: the same network of 33 parameters on two half moons, from the same weights,
# for a hundred steps of Adam, in float64.

data = fs.load_dataset("moons")
spec = fs.MLP(2, 8, 1, activation="tanh")
plan = fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.05, batch_size=None, epochs=100)
engine = fs.make_engine("scratch", spec, plan, dtype="float64")

x, y = data.train.x.double(), data.train.y.double()
names = list(engine.named_parameters())
start = {name: w.clone() for name, w in engine.named_parameters().items()}


def by_hand():
    w = {name: value.clone().requires_grad_() for name, value in start.items()}
    memories = {name: {} for name in names}
    for _ in range(100):
        logits = torch.tanh(x @ w["0.weight"].T + w["0.bias"]) @ w["2.weight"].T + w["2.bias"]  # 1  predict
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits[:, 0], y)  # 2  measure
        for one in w.values():
            one.grad = None  # 3  forget the last gradient
        loss.backward()  # 4  find the new one
        with torch.no_grad():
            for name, one in w.items():
                one.copy_(adam(one, one.grad, memories[name], lr=0.05))  # 5  step downhill
    return w


def with_torch():
    module = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).double()
    module.load_state_dict(start)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
    for _ in range(100):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(module(x)[:, 0], y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return module.state_dict()


*_, last = fs.train(engine, data, plan, every=100)
print(last)
ours = engine.named_parameters()
gaps = {
    other.__name__: max((other()[name].detach() - ours[name]).abs().max().item() for name in names)
    for other in (by_hand, with_torch)
}
print("largest difference of a parameter from the engine's:", gaps)
assert max(gaps.values()) < 1e-10  # float64 rounding, carried through a hundred steps

# %%
# Which rule is best?
# -------------------
#
# Five rules, eleven learning rates, five seeds: 275 networks of the same shape for 200 steps. ``fs.fit_many`` trains them all; the table
# shows the median loss over the seeds.

rules = ["sgd", "sgd:momentum=0.9", "rmsprop", "adam", "lion"]
rates = [10 ** (k / 2) for k in range(-8, 3)]
plans = [
    fs.TrainPlan(loss="binary_cross_entropy", optimizer=rule, lr=lr, batch_size=None, epochs=200, seed=seed)
    for rule in rules
    for lr in rates
    for seed in range(5)
]
members = fs.fit_many(spec, data, plans)
final = [math.inf if member.diverged else member.history[-1].train_loss for member in members]
losses = np.median(np.reshape(final, (len(rules), len(rates), 5)), axis=2)

print("rate             ", *(f"{lr:8.2g}" for lr in rates))
for rule, row in zip(rules, losses, strict=True):
    print(f"{rule:17}", *(f"{loss:8.4f}" for loss in row))

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
for rule, row, marker in zip(rules, losses, "os^Dv", strict=True):
    axes.loglog(rates, row, marker=marker, label=rule)
axes.set(xlabel="learning rate (per step)", ylabel="training loss (nats)", title="Every rule has a rate of its own")
axes.grid(alpha=0.3)
axes.legend()
figure  # noqa: B018  (shown)

# %%
# Each rule has a valley of its own, and the valleys lie at different rates. At the best rate of each, every rule gets well below the best
# loss that a straight line can have on these points; that one is found with L-BFGS, which takes the curvature into account.

by_curvature = fs.TrainPlan(loss="binary_cross_entropy", optimizer="lbfgs", lr=1.0, batch_size=None, epochs=20)
(one_layer,) = fs.fit_many(fs.LinearRegression(2), data, by_curvature, dtype="float64")
straight_line = one_layer.history[-1].train_loss
print(f"the best straight line: {straight_line:.4f}")
assert round(straight_line, 4) == 0.3113

best = dict(zip(rules, losses.min(axis=1), strict=True))
best_rate = {rule: rates[k] for rule, k in zip(rules, losses.argmin(axis=1), strict=True)}
print({rule: f"loss {best[rule]:.4f} at {best_rate[rule]:.2g}" for rule in rules})
assert max(best.values()) < straight_line / 3
assert best_rate["sgd"] > 3 * best_rate["adam"]  # by the grid: at least two places of half a decade apart
assert best["sgd"] > max(best["adam"], best["sgd:momentum=0.9"])

# %%
# The classic mistake: two rules at one rate
# ------------------------------------------
#
# At the rate that is best for Adam, two hundred steps of SGD end above the best straight line, as if it could not bend its boundary; at the
# rate that is best for SGD, so does Adam. Neither is true: a comparison at one rate says which rule the rate was made for. Give each rule its own search, and say
# in the result that you did.

sgd, adam_row = (dict(zip(rates, losses[rules.index(rule)], strict=True)) for rule in ("sgd", "adam"))
print(f"at Adam's rate {best_rate['adam']:.2g}: SGD {sgd[best_rate['adam']]:.3f}, Adam {best['adam']:.3f}")
print(f"at SGD's rate {best_rate['sgd']:.2g}:  SGD {best['sgd']:.3f}, Adam {adam_row[best_rate['sgd']]:.3f}")
assert sgd[best_rate["adam"]] > straight_line and adam_row[best_rate["sgd"]] > straight_line

# %%
# A rate that is far too high does not end in a bad result but in none. The program says so, names the step, and keeps the weights from
# before it.

line = fs.load_dataset("line")
too_high = fs.TrainPlan(loss="mse", optimizer="sgd", lr=3.0, batch_size=None, epochs=1000)
try:
    for epoch in fs.train(fs.make_engine("scratch", fs.LinearRegression(1), too_high), line, too_high, every=1000):
        print(epoch)
    raise AssertionError("it should have diverged")
except fs.DivergenceError as error:
    print(error)
    assert "lower the learning rate" in str(error)

# %%
# Exercises
# ---------
#
# **1. Multiply the loss by a thousand.** Which rules still work at the rates they had?
#
# *Solution.* Adam's numerator and denominator both grow a thousandfold, so its path stays as it was, apart from :math:`\epsilon`. The
# step of descent grows a thousandfold: it leaves the ravine.


def scaled(step):
    return lambda w, g, memory: step(w, 1000 * g, memory)


gap = (path(scaled(adam), 100) - path(adam, 100)).abs().max().item()
print(f"Adam moves by {gap:.1e}; descent ends {path(scaled(descent), 10)[-1].norm().item():.1e} away from the minimum")
assert gap < 1e-5  # eps = 1e-8 against gradients that shrink on the way
assert path(scaled(descent), 10)[-1].norm() > 1e6

# %%
# **2. Write Lion** (the sign of a mean gradient, Chen et al. 2023) and hold it against ``optimizer="lion"``.
#
# *Solution.* Three lines. Every element moves by the learning rate exactly, so nothing is rounded differently: the weights are equal to
# the last bit.


def lion(w, g, memory, lr=0.01, betas=(0.9, 0.99)):
    m = memory.get("m", torch.zeros_like(g))
    memory["m"] = torch.lerp(m, g, 1 - betas[1])
    return w - lr * torch.lerp(m, g, 1 - betas[0]).sign()


plan = fs.TrainPlan(loss="binary_cross_entropy", optimizer="lion", lr=0.01, batch_size=None, epochs=50)
engine = fs.make_engine("scratch", spec, plan, dtype="float64")
w, memory = engine.params.flat.clone(), {}
for _ in fs.steps(engine, data, plan):
    w = lion(w, engine.params.grad, memory)
assert torch.equal(w, engine.params.flat)
print("fifty steps of Lion, by hand and by the engine: equal")

# %%
# **3. Use the curvature.** L-BFGS remembers how the gradient changed along its way and estimates the curvature from that. How often must
# the gradient be computed until the straight line on the moons is within 0.001 of its best loss, and how often with descent?
#
# *Solution.* The loss of one layer is convex, so both end at the same one. One step of ``optimizer="lbfgs"`` computes the gradient up
# to 25 times, which is why the closure of ``torch.optim.LBFGS`` is counted here.


def gradients_until(goal, make):
    model, losses = torch.nn.Linear(2, 1, dtype=torch.float64), []
    model.load_state_dict({"weight": torch.zeros(1, 2), "bias": torch.zeros(1)})
    optimizer = make(model.parameters())

    def closure():
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(x)[:, 0], y)
        loss.backward()
        losses.append(loss.item())
        return loss

    while min(losses, default=math.inf) > goal:
        optimizer.step(closure)
    return next(k for k, loss in enumerate(losses, start=1) if loss <= goal)


goal = straight_line + 0.001
needed = {
    "descent": gradients_until(goal, lambda parameters: torch.optim.SGD(parameters, lr=0.1)),
    "L-BFGS": gradients_until(goal, lambda parameters: torch.optim.LBFGS(parameters)),
}
print(needed)
assert needed["L-BFGS"] * 20 < needed["descent"]

# %%
# What you learned
# ----------------
#
# - One rate for all directions makes descent slow in a ravine; momentum and Adam are two ways out, and both change step 5 only.
# - Adam's first step is the learning rate in every parameter; a loss that is scaled changes nothing for it.
# - Rules have rates of their own: tune each before you compare.
#
# Next: :ref:`sphx_glr_lessons_31_schedules.py`, where the rate itself moves.
