"""
Monitoring and debugging
========================

**The question:** Why does it not learn?

A broken training loop rarely stops with an error. It goes on and returns numbers. This page is the order in which to
look, and a collection of broken loops with what each of them looks like.
"""

import math
from dataclasses import replace
from itertools import pairwise

import torch
from torch import nn

import fivestep as fs

# %%
# The idea
# --------
# Look in the order in which it costs least:
#
# - *Before the first step.* Is the first loss that of a guess? With :math:`C` classes that is :math:`\log C`.
# - *On a handful of rows.* Can it memorize twenty rows? If not, the loop is broken, and more data will not fix
#   it.
# - *In the gradients.* Does one arrive in every layer?
# - *In the updates.* How large is each, measured by the weights it moves?
# - *In two curves.* Does the validation loss follow the training loss, or has it turned?
# - *Against something that is right.* Step by step, with the same numbers.

# %%
# The formula
# -----------
# The size of an update, for one layer with the weights :math:`w`:
#
# .. math::
#   \frac{\lVert w_{t+1} - w_t \rVert}{\lVert w_t \rVert}
#
# About a thousandth is usual, and at the start of a run up to ten times as much. Far more throws the weights about; far
# less hardly moves them.

# %%
# Raw and professional
# --------------------
# By hand, the two sizes are two lines in the loop.

data = fs.load_dataset("digits")
spec = fs.MLP(64, 64, 10, init="kaiming")
plan = fs.TrainPlan(optimizer="adam", lr=0.002, batch_size=32, epochs=10)
start = fs.make_engine("scratch", spec, plan).named_parameters()

model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
model.load_state_dict(start)
optimizer = torch.optim.Adam(model.parameters(), lr=0.002)
x, y = data.train.x[:32], data.train.y[:32]
loss = nn.functional.cross_entropy(model(x), y)
optimizer.zero_grad()
loss.backward()
before = model[0].weight.detach().clone()
optimizer.step()
gradient = sum(w.grad.square().sum() for w in model.parameters()).sqrt().item()
ratio = ((model[0].weight - before).norm() / before.norm()).item()
print(f"gradient {gradient:.4f}, update over weights in the first layer {ratio:.4f}")

# %%
# With this program, the numbers are in the engine, the curves in the history, and the pictures are made afterwards: a
# training is repeated with a look at chosen steps, so that nobody has to decide beforehand what to write down.

engine = fs.make_engine("scratch", spec, plan)
engine.train_step(x, y)
assert math.isclose(
    engine.params.grad.norm().item(), gradient, rel_tol=1e-4
)  # float32, another order of sums

(member,) = fs.fit_many(spec, data, [plan], every=1)
for epoch in member.history[::3]:
    print(epoch)
assert all(later.train_loss < earlier.train_loss for earlier, later in pairwise(member.history[::3]))

# %%
# What came out
# -------------
# **The first loss.** Twenty seeds of networks that know nothing:

first = [
    fs.evaluate(fs.make_engine("scratch", fs.MLP(64, 64, 10), fs.TrainPlan(seed=seed)), data.train).loss
    for seed in range(20)
]
print(f"first loss {min(first):.3f} to {max(first):.3f}, log 10 = {math.log(10):.3f}")
assert all(abs(loss - math.log(10)) < 0.1 for loss in first)  # small weights: nearly equal probabilities

# %%
# **Twenty rows, memorized.** A network with far more parameters than there are rows can get them all right.

few = fs.Dataset(data.train.take(slice(20)), num_outputs=10, name="twenty digits")
by_heart = fs.TrainPlan(optimizer="adam", lr=0.01, batch_size=None, epochs=200)
(found,) = fs.fit_many(spec, few, [by_heart])
print(f"loss on the twenty rows after 200 steps: {found.history[-1].train_loss:.5f}")
assert found.history[-1].train_loss < 0.01

# %%
# **Two curves, and a third.** With dropout there are three losses, and two of them are called "training loss". While it
# trains, a network with dropout works with half of its units, so the mean loss of its steps (*running loss*) is larger
# than the loss of the same rows in evaluation mode. Compared with the running loss, the validation loss then looks
# better than training. Only losses of the same mode and the same weights can be compared.

dropped = fs.MLP(64, 64, 10, dropout=0.5)
(noisy,) = fs.fit_many(dropped, data, [plan], every=1)
last = noisy.history[-1]
print(f"running {last.running_loss:.3f}   training {last.train_loss:.3f}   validation {last.valid_loss:.3f}")
assert last.train_loss < last.valid_loss < last.running_loss

# %%
# **Against something that is right.** Here is a layer normalization that somebody wrote from memory. It runs, it
# trains, and it is wrong. ``fs.verify`` trains it beside the textbook and says where they part.


class OwnNorm(nn.Module):
    """Normalizes each row."""

    def __init__(self, width):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x):
        """(N, width) to (N, width)."""
        return (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-5) * self.weight + self.bias


moons = fs.load_dataset("moons")
bce = fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.05, batch_size=None, epochs=300)
textbook = fs.make_engine(
    "scratch", fs.MLP(2, 8, 1, activation="tanh", norm="layer_norm"), bce, dtype="float64"
)
own = nn.Sequential(nn.Linear(2, 8), OwnNorm(8), nn.Tanh(), nn.Linear(8, 1))
report = fs.verify(own, textbook, moons)
print(report)
assert not report.agrees

# %%
# ``std`` divides by one less than there are numbers. For (1, 2, 3) that is a deviation of one, and the textbook's is
# smaller:

print(nn.functional.layer_norm(torch.tensor([1.0, 2.0, 3.0]), (3,)))

# %%
# A picture
# ---------
# The curves of the run. The epoch with the lowest validation loss is marked. Here it is the last one: this run was too
# short, not too long.

assert min(epoch.valid_loss for epoch in member.history) == member.history[-1].valid_loss
fs.plot(member, "curves")

# %%
# The update over the weights, layer by layer. It is the first picture to look at when a learning rate is in doubt.

fs.plot(member, "update_ratios:count=40")

# %%
# The classic mistake
# -------------------
# There are many, so here is a collection. One loop on the moons, in eight versions, three of them right; all run to the
# end.

x, y = moons.train.x, moons.train.y
start = fs.make_engine("scratch", fs.MLP(2, 8, 1, activation="tanh"), bce).named_parameters()
NUM_STEPS = 300


def trained(fault):
    """The losses of a training with that fault."""
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    model.load_state_dict(start)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    losses = []
    for _ in range(NUM_STEPS):
        if fault == "cleared before forward":
            optimizer.zero_grad()
        logits = model(x)[:, 0]  # 1
        if fault == "sigmoid twice":
            logits = logits.sigmoid()
        loss = nn.functional.binary_cross_entropy_with_logits(logits, y)  # 2
        if fault in ("none", "sigmoid twice", "no step", "uphill"):
            optimizer.zero_grad()  # 3
        loss.backward()  # 4
        if fault == "cleared before the step":
            optimizer.zero_grad()
        if fault == "uphill":
            for w in model.parameters():
                w.grad.neg_()
        if fault != "no step":
            optimizer.step()  # 5
        if fault == "cleared after the step":
            optimizer.zero_grad()
        losses.append(loss.item())
    return losses


faults = ["none", "cleared before forward", "cleared after the step", "never cleared"]
faults += ["cleared before the step", "no step", "sigmoid twice", "uphill"]
curves = {fault: trained(fault) for fault in faults}
for fault, losses in curves.items():
    print(f"{fault:24} first {losses[0]:.4f}  last {losses[-1]:.4f}")

# %%
# The gradient may be cleared anywhere outside of steps 4 and 5: the numbers are the same to the last bit. Cleared
# *between* them, every step is a step by zero. Never cleared, every step repeats all the gradients so far, which is
# momentum that nothing slows down; here this even gets further than the right loop in the same number of steps, and
# that is why nobody notices. A second sigmoid leaves the loss a floor. Uphill it rises.

right = curves["none"]
assert curves["cleared before forward"] == curves["cleared after the step"] == right
assert len(set(curves["cleared before the step"])) == 1  # it never moves
assert curves["no step"] == curves["cleared before the step"]
assert curves["never cleared"][-1] < right[-1]
assert curves["sigmoid twice"][-1] > right[-1] + 0.1
assert curves["uphill"][-1] > curves["uphill"][0]
assert math.isclose(curves["no step"][-1], math.log(2), abs_tol=0.1)  # what a guess has

# %%
# **Watched.** ``fs.watch`` looks at anybody's loop while it runs: when gradients are cleared, found and used, and what
# goes into the losses. It is told of no model and no optimizer, and changes no number. For a script it is ``fivestep
# diagnose train.py``, which also names the line.

said = {}
for fault in ("none", "never cleared", "cleared before the step", "no step", "sigmoid twice", "uphill"):
    with fs.watch() as seen:
        losses = trained(fault)
    said[fault] = [finding.sign for finding in seen.findings]
    print(f"{fault:24} {', '.join(said[fault]) or 'nothing'}")
    assert losses == curves[fault]  # watched or not: to the last bit
assert said["none"] == []
assert said["uphill"] == ["best constant not beaten"]
assert "gradient kept" in said["never cleared"]
assert "gradient cleared too late" in said["cleared before the step"]
assert "never updated" in said["no step"]
assert "sigmoid twice" in said["sigmoid twice"]

# %%
# Uphill no mistake is found: each of the five steps does what it should, with a sign that only its author can want.
# There it is the loss that tells, which one and the same answer for every row would beat.

# %%
# **Shapes and types.** What a prediction of shape :math:`(N, 1)` makes of targets of shape :math:`(N,)` is told on the
# page *Linear regression*. Labels are whole numbers, parameters are floating point:

engine = fs.make_engine("scratch", spec, plan)
try:
    engine.loss(engine.forward(data.train.x), data.train.y.float())
except fs.InputError as error:
    message = str(error)
print(message)
assert "whole-number class labels" in message

# %%
# **Modes.** Evaluation mode switches dropout off and makes batch normalization use what it remembers. ``no_grad`` stops
# autograd from writing down what it would need. They are two different things, and a forgotten ``eval()`` makes answers
# depend on chance.

model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 10))
model.load_state_dict({name.replace("2.", "3."): w for name, w in member.engine.named_parameters().items()})
rows = data.valid.x


def right(answers):
    """The share of right answers."""
    return (answers.argmax(1) == data.valid.y).float().mean().item()


with torch.random.fork_rng(devices=[]), torch.no_grad():
    torch.manual_seed(0)
    forgotten = [right(model(rows)) for _ in range(3)]
model.eval()
print("training mode, without a gradient:", [f"{share:.3f}" for share in forgotten])
print(
    f"evaluation mode: {right(model(rows)):.3f}, its output asks for a gradient: {model(rows).requires_grad}"
)
assert len(set(forgotten)) > 1
assert right(model(rows)) > max(forgotten)
assert model(rows).requires_grad

# %%
# **Parameters that nobody finds.** A ``Parameter`` that is an attribute registers itself. In a list it does not: the
# optimizer never sees it. And an update outside ``no_grad`` is refused by torch.


class Lost(nn.Module):
    """Two layers in a list."""

    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(2, 8), nn.Linear(8, 1)]  # nn.ModuleList would do


print("parameters found:", len(list(Lost().parameters())))
assert list(Lost().parameters()) == []
w = torch.ones(2, requires_grad=True)
w.sum().backward()
try:
    w -= 0.1 * w.grad
except RuntimeError as error:
    message = str(error)
print(message)
assert "in-place" in message

# %%
# **Probabilities where logits belong.** Torch's loss on probabilities clamps the logarithm, so a mistake of any size
# costs at most 100; on logits it costs what it should.

z, no = torch.tensor([200.0]), torch.tensor([0.0])
clamped = nn.functional.binary_cross_entropy(z.sigmoid(), no).item()
exact = nn.functional.binary_cross_entropy_with_logits(z, no).item()
print(f"sure of the wrong answer with the logit 200: on probabilities {clamped:.0f}, on logits {exact:.0f}")
assert (clamped, exact) == (100, 200)

# %%
# **Choosing by the test rows.** The labels here are drawn at random, so there is nothing to learn. A hundred networks
# are trained, and the one that is best on the test rows is reported. On new rows it is as good as a coin.

stream = torch.Generator().manual_seed(0)


def coins(count):
    """Rows with random labels."""
    return fs.Rows(
        torch.randn(count, 2, generator=stream),
        torch.randint(0, 2, (count,), generator=stream).float(),
    )


chance = fs.Dataset(coins(100), test=coins(40), name="coins")
new = coins(10_000)
short = [replace(bce, epochs=50, seed=seed) for seed in range(100)]
members = fs.fit_many(fs.MLP(2, 8, 1), chance, short)
scores = [fs.evaluate(one.engine, chance.test).accuracy for one in members]
best = max(range(100), key=scores.__getitem__)
honest = fs.evaluate(members[best].engine, new).accuracy
print(
    f"the best of a hundred on the test rows: {scores[best]:.2f}; the same network on new rows: {honest:.3f}"
)
assert scores[best] > 0.55
assert abs(honest - 0.5) < 5 * 0.5 / math.sqrt(10_000)  # five times the error of a share of 10,000 coins

# %%
# Exercises
# ---------
# 1. Predict the picture of the update ratios for a learning rate a hundred times too small, and check it with one
#    number.
# 2. Which of the versions above can be told apart by their first ten losses?
# 3. A friend's network has the training loss 0.69 on two classes from the first step on. Name three faults from this
#    page that look like this.

# %%
# Solution 1
# ~~~~~~~~~~
# Adam's first step has the length of the rate in every element, so a hundredth of the rate is a hundredth of the ratio.

ratios = []
for lr in (0.002, 0.00002):
    engine = fs.make_engine("scratch", spec, fs.TrainPlan(optimizer="adam", lr=lr), dtype="float64")
    before = engine.named_parameters()["0.weight"].clone()
    engine.train_step(engine.as_input(data.train.x), data.train.y)
    ratios.append(((engine.named_parameters()["0.weight"] - before).norm() / before.norm()).item())
print(f"ratios {ratios[0]:.5f} and {ratios[1]:.7f}")
assert math.isclose(ratios[0], 100 * ratios[1], rel_tol=1e-6)  # eps beside the gradient

# %%
# Solution 2
# ~~~~~~~~~~
# All but those that are right, and those that do not move:

groups = {}
for fault, losses in curves.items():
    groups.setdefault(tuple(losses[:10]), []).append(fault)
for group in groups.values():
    print(" = ".join(group))
assert sorted(map(len, groups.values())) == [1, 1, 1, 2, 3]

# %%
# Solution 3
# ~~~~~~~~~~
# The gradient is cleared before the step; the step is missing; the parameters are in a list, so the optimizer moves
# others or none. (A start of zeros looks like this too, as the page on initialization shows.) The loss is that of a
# guess:

print(f"log 2 = {math.log(2):.2f}")

# %%
# What you learned
# ----------------
# - Look at the first loss, at twenty rows, at gradients, at updates, at two curves, in this order.
# - Most faults are silent. They show in a loss that stays at that of a guess, or at a floor.
# - Compare losses of one mode, choose by the validation part, and open the test part once.
#
# The next page: *When a network does not learn*.
