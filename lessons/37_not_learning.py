"""
When a network does not learn
=============================

**The question:** What does the loss say, and what would have helped?

A curve of the loss looks like a line that falls or does not. Compared with the right numbers it says more: whether
anything was learned at all, what kind of trouble it is, and where to look first.
"""

import math
from dataclasses import replace

import torch
from sklearn.datasets import load_wine

import fivestep as fs

# %%
# The idea
# --------
# Before the first training, work out what it costs to *guess*: the loss of the best answer that is the same for every
# row. Nobody needs a network for that. A network whose loss stays there has learned nothing from its inputs, whatever
# its accuracy is. Then read the curve:
#
# - *Flat, at the guess.* Nothing arrives: a rate that is far too small, units that are all alike or dead, gradients
#   that fade on their way, or inputs that say nothing about the targets.
# - *Far above the guess.* Something is too large: the rate, the first weights, or the numbers in the rows.
# - *A saw.* It falls and jumps: a rate at the edge of too large, or very small batches.
# - *Still falling at the end.* Nothing is wrong. It needs more steps, or a larger rate.
# - *Flat, well below the guess.* It learns, but not everything: too few units, too much regularization, or as much as
#   the rows allow.
# - *Training falls, validation turns.* It has begun to memorize its rows.
#
# A curve names a family, not the member. To find that, change *one* thing, begin again, and measure.

# %%
# The formula
# -----------
# The guess is one vector of logits :math:`c` for all rows,
#
# .. math::
#   L_0 = \min_c \frac{1}{N} \sum_n l(c, y_n)
#
# For cross-entropy the best :math:`c` gives each class its share :math:`p_k` of the rows, for the squared error it is
# the mean, for the absolute error the median:
#
# .. math::
#   L_0 = -\sum_k p_k \log p_k \qquad L_0 = \text{Var}(y) \qquad L_0 = \tfrac{1}{N} \sum_n |y_n - \text{median}(y)|
#
# With :math:`C` classes of one size the first of these is :math:`\log C`, which a fresh network should have as well.

# %%
# Raw and professional
# --------------------
# By hand, the guess is two lines. Torch finds the same by training a model that has nothing but a bias.

digits = fs.load_dataset("digits")
shares = torch.bincount(digits.train.y) / len(digits.train)
by_hand = -(shares * shares.log()).sum().item()

c = torch.zeros(10, requires_grad=True)
optimizer = torch.optim.Adam([c], lr=0.05)
for _ in range(200):
    loss = torch.nn.functional.cross_entropy(c.expand(len(digits.train), 10), digits.train.y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"by hand {by_hand:.4f}, a bias alone {loss.item():.4f}, log 10 = {math.log(10):.4f}")
assert math.isclose(by_hand, loss.item(), abs_tol=1e-3)  # two hundred steps
assert by_hand < math.log(10)  # classes of nearly one size

# %%
# With this program it is the first line of a diagnosis. A network that was trained at a rate ten thousand times too
# small:

moons = fs.load_dataset("moons")
plan = fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.05, batch_size=None, epochs=400)
spec = fs.MLP(2, 8, 1)
(slow,) = fs.fit_many(spec, moons, [replace(plan, lr=0.000005)], every=20)
diagnosis = fs.diagnose(slow)
print(diagnosis)
assert diagnosis.findings[0].sign == "nothing learned"
assert diagnosis.findings[-1].sign == "learning rate"
assert math.isclose(diagnosis.constant_loss, math.log(2), rel_tol=1e-6)

# %%
# On the command line it is ``fivestep diagnose RUN``. What it says of rates was tried: it begins the training again
# with one thing changed, for a few hundred steps, and names what gets far below the whole training. A PyTorch loop of
# your own is watched while it runs: ``fivestep diagnose train.py``, or ``with fs.watch() as seen`` around it.

for trial in diagnosis.trials:
    print(f"{trial.change:60} loss {trial.train_loss:.4f}")
assert diagnosis.trials[0].train_loss < 0.2

# %%
# What came out
# -------------
# A clinic. Each of these trainings is broken in one way, runs to its end without an error, and returns a network.

DEPTH = 20  # quick: 10
stream = torch.Generator().manual_seed(1)
wine_x, wine_y = load_wine(return_X_y=True)
order = torch.randperm(len(wine_x), generator=stream).numpy()
wine_x, wine_y = wine_x[order].astype("float32"), wine_y[order]
wine = fs.Dataset(
    fs.Rows(wine_x[:120], wine_y[:120]),
    fs.Rows(wine_x[120:], wine_y[120:]),
    num_outputs=3,
    name="wine, as it is",
)
mixed = replace(
    digits,
    train=fs.Rows(digits.train.x, digits.train.y[torch.randperm(len(digits.train), generator=stream)]),
)
copied = replace(
    digits,
    valid=fs.Rows(
        torch.cat([digits.valid.x, digits.train.x[:60]]), torch.cat([digits.valid.y, digits.train.y[:60]])
    ),
)
x = torch.randn(1500, 5, generator=stream)
rare = fs.Dataset(
    fs.Rows(x, (x[:, 0] + 0.5 * torch.randn(1500, generator=stream) > 2.2).float()), name="a rare class"
)
rounded = fs.Dataset(fs.Rows(x[:, :2].round(), (x[:, 0] > 0.2).float()), name="rounded")
few = fs.TrainPlan(optimizer="adam", lr=0.001, batch_size=64, epochs=10)
yes_no = fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.01, batch_size=64, epochs=3)

BROKEN: dict[str, tuple[fs.Dataset, fs.NetSpec, fs.TrainPlan, str]] = {
    "rate too large": (moons, spec, replace(plan, lr=50.0), "learning rate"),
    "ReLUs that died": (
        digits,
        fs.MLP(64, 64, 10),
        replace(few, optimizer="sgd", lr=30.0),
        "dead units",
    ),
    "tanh, saturated": (
        moons,
        fs.MLP(2, 8, 1, activation="tanh", init="normal:std=100"),
        plan,
        "saturated start",
    ),
    "columns of other sizes": (
        wine,
        fs.MLP(13, 16, 3),
        replace(few, optimizer="sgd", lr=0.01, batch_size=16, epochs=50),
        "size of the inputs",
    ),
    "labels mixed up": (mixed, fs.MLP(64, 64, 10), replace(few, epochs=40), "no signal"),
    "no bend": (
        fs.load_dataset("xor"),
        fs.LinearRegression(2),
        replace(plan, epochs=200),
        "hidden layer",
    ),
    "many sigmoids": (
        digits,
        fs.MLP(64, *[32] * DEPTH, 10, activation="sigmoid"),
        replace(few, epochs=3),
        "vanishing gradient",
    ),
    "too much decay": (
        digits,
        fs.MLP(64, 64, 10),
        replace(few, optimizer="adamw", weight_decay=30.0, lr=0.01),
        "weight decay",
    ),
    "a rare class": (rare, fs.MLP(5, 16, 1), yes_no, "never answered"),
    "rounded inputs": (rounded, fs.MLP(2, 16, 1), replace(yes_no, epochs=20), "contradictions"),
    "copies held out": (copied, fs.MLP(64, 64, 10), few, "rows in two parts"),
}
members, found = {}, {}
print(f"{'':24}{'guess':>7}{'start':>10}{'end':>9}")
for name, (data, network, how, cause) in BROKEN.items():
    (members[name],) = fs.fit_many(network, data, [how], every=max(1, how.epochs // 40))
    found[name] = said = fs.diagnose(members[name])
    print(f"{name:24}{said.constant_loss:7.3f}{said.first_loss:10.3f}{said.train_loss:9.3f}")
    assert cause in [one.sign for one in said.findings], str(said)

# %%
# What the diagnosis says of each, in full where it names the cause:

for name, (*_, cause) in BROKEN.items():
    (one,) = [one for one in found[name].findings if one.sign == cause][:1]
    print(f"{name}: {one.seen} {one.advice}\n")

# %%
# In the last three the network learns what it is given, and nothing about the curve is wrong. What is wrong is in the
# rows, and has to be looked for there.

for name in ("rounded inputs", "copies held out"):
    assert found[name].train_loss < 0.5 * found[name].constant_loss
assert found["a rare class"].train_loss < found["a rare class"].constant_loss

# %%
# A picture
# ---------
# Six curves, each with its guess as a dotted line. In order: as it should be; a rate too small; a rate too large; a
# rate at the edge; still falling; and one that turns, where the second line is the validation loss.

(right,) = fs.fit_many(spec, moons, [plan], every=10)
(edge,) = fs.fit_many(fs.MLP(64, 64, 10), digits, [replace(few, optimizer="sgd", lr=1.6, epochs=30)], every=1)
(short,) = fs.fit_many(fs.MLP(64, 64, 10), digits, [replace(few, lr=0.0003)], every=1)
(turned,) = fs.fit_many(
    fs.MLP(2, 64, 1, activation="tanh"), moons, [replace(plan, lr=0.03, epochs=1500)], every=30
)
curves: dict[str, tuple[fs.Member, float]] = {
    "as it should be": (right, math.log(2)),
    "a rate too small": (slow, math.log(2)),
    "a rate too large": (members["rate too large"], math.log(2)),
    "a rate at the edge": (edge, by_hand),
    "still falling": (short, by_hand),
    "it turns": (turned, math.log(2)),
}
canvas = fs.Canvas("Six losses, each beside the loss of a guess", height=5.6)
for k, (name, (member, guess)) in enumerate(curves.items()):
    axes = canvas.axes(2, 3, k + 1, title=name, x="epoch" if k > 2 else "", y="loss" if k % 3 == 0 else "")
    epochs = [epoch.index for epoch in member.history]
    axes.plot(epochs, [epoch.train_loss for epoch in member.history], color=canvas.color(0), lw=1.6)
    if name == "it turns":
        axes.plot(epochs, [epoch.valid_loss for epoch in member.history], color=canvas.color(1), lw=1.6)
    axes.axhline(guess, color=canvas.theme.ink, lw=1, ls=":")
    axes.set_ylim(0, max(1.15 * guess, min(3 * guess, max(epoch.train_loss for epoch in member.history))))
canvas.figure

# %%
# The classic mistake
# -------------------
# Looking at the accuracy alone. Here few rows in a hundred are of the rare class. A network that never answers it is
# right nearly always, and so is a network that was not trained at all:

said = found["a rare class"]
accuracy = fs.evaluate(members["a rare class"].engine, rare.train).accuracy
always = 1 - rare.train.y.mean().item()
print(f"accuracy {accuracy:.4f}, of always answering the common class {always:.4f}")
assert math.isclose(accuracy, always, abs_tol=1e-6)  # float32: it is the same answer
balanced = fs.TrainPlan(
    **{**yes_no.to_dict(), "class_weight": "balanced", "metrics": "balanced_accuracy", "epochs": 30}
)
(fair,) = fs.fit_many(fs.MLP(5, 16, 1), rare, [balanced])
scores = fs.evaluate(fair.engine, rare.train, "balanced_accuracy").figures()
print(f"with balanced weights: mean share right of the two classes {scores['balanced_accuracy']:.3f}")
assert scores["balanced_accuracy"] > 0.9

# %%
# And its sibling: turning several knobs at once until it works. Then nobody knows which of them it was, and the others
# stay turned.

# %%
# Exercises
# ---------
# 1. What does a guess cost for three classes with the shares 0.5, 0.3 and 0.2? And for targets 1, 2, 2 and 7 with the
#    squared and with the absolute error?
# 2. Twenty rows, memorized, as on the last page: which of the trainings of this page pass that test? Try three.
# 3. Two faults at once: the wine as it is *and* all weights 0. What does a diagnosis say, and what after the first of
#    them is fixed?

# %%
# Solution 1
# ~~~~~~~~~~
# The entropy of the shares; the variance (around the mean 3), and the mean distance from the median 2.

shares = torch.tensor([0.5, 0.3, 0.2])
numbers = torch.tensor([1.0, 2.0, 2.0, 7.0])
print(f"three classes {-(shares * shares.log()).sum().item():.4f}")
print(
    f"squared {numbers.var(correction=0).item()}, absolute {(numbers - numbers.median()).abs().mean().item()}"
)
assert numbers.var(correction=0) == 5.5
assert (numbers - 2).abs().mean() == 1.5

# %%
# Solution 2
# ~~~~~~~~~~
# Labels that were mixed up are memorized as well as right ones, so that training passes: its loop is in order,
# and its rows are not. A rate of nearly nothing does not pass, and neither do sigmoids in too many layers.


def by_heart(data: fs.Dataset, network: fs.NetSpec, how: fs.TrainPlan) -> float:
    """The loss on twenty rows after 300 steps."""
    twenty = replace(data, train=data.train.take(slice(20)), valid=None, test=None)
    (member,) = fs.fit_many(network, twenty, [replace(how, batch_size=None, epochs=300)])
    return member.history[-1].train_loss


for name, (data, network, how, passes) in {
    "labels mixed up": (*BROKEN["labels mixed up"][:3], True),
    "rate too small": (moons, spec, replace(plan, lr=0.000005), False),
    "many sigmoids": (*BROKEN["many sigmoids"][:3], False),
}.items():
    loss = by_heart(data, network, how)
    print(f"{name:16} loss on twenty rows {loss:.4f}")
    assert (loss < 0.2) == passes

# %%
# Solution 3
# ~~~~~~~~~~
# That its units are alike, first of all. With weights that differ, the columns are left.


def signs(network: fs.NetSpec) -> list[str]:
    """What is wrong with that network on the wine as it is."""
    (member,) = fs.fit_many(network, wine, [BROKEN["columns of other sizes"][2]])
    return [one.sign for one in fs.diagnose(member).findings]


both, one = signs(fs.MLP(13, 16, 3, init="zeros")), signs(fs.MLP(13, 16, 3))
print("both faults:", ", ".join(both))
print("one left:   ", ", ".join(one))
assert "units alike" in both
assert "units alike" not in one
assert "size of the inputs" in one

# %%
# What you learned
# ----------------
# - Work out the loss of a guess before you train. What stays there has learned nothing, whatever its accuracy.
# - The shape of the curve names the family of the trouble; one change at a time finds the member.
# - A curve that is in order says nothing about rows that are not: look for copies, contradictions and rare classes.
#
# The next page: *Modern regularization*.
