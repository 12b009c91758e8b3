"""
Mini-batches and data pipelines
===============================

**The question:** How do rows reach the loop?

Between a file and step 1 lie a few small decisions: what is scaled by what, which rows are held back, in which order
the others come, and when bytes become numbers. Each is a line of code, and each has spoiled results that looked fine.
"""

import time
from dataclasses import replace

import numpy as np
import torch
from sklearn.datasets import load_digits, load_wine
from torch.utils.data import DataLoader, TensorDataset

import fivestep as fs

# %%
# The idea
# --------
# A pipeline answers five questions, in this order:
#
# 1. *Which rows are held back?* Split before anything is computed from the data.
# 2. *On which scale?* Means and deviations come from the training rows alone, and the same numbers are used for every
#    other row, for ever.
# 3. *In which order?* At random, a new one in each epoch, and so that it can be repeated.
# 4. *How many at a time?* Cut the order into batches; the last one may be smaller.
# 5. *In which type, and where?* Numbers become floating point as late as possible, on the device that computes.

# %%
# The formula
# -----------
# Column by column, with the mean :math:`m` and the deviation :math:`s` of the training rows, :math:`x' = (x - m) / s`.
# In epoch :math:`e`, with an order :math:`\pi_e` drawn from the seed and :math:`e`, batch :math:`k` holds the rows
#
# .. math::
#   \pi_e(kB),\; \pi_e(kB + 1),\; \dots,\; \pi_e(\min(kB + B, N) - 1) \qquad k = 0, \dots, \lceil N / B \rceil - 1
#
# Rows may weigh more than others. With weights :math:`w_n` the loss of a batch :math:`S` is :math:`\sum_{n \in S} w_n
# l_n / \sum_{n \in S} w_n`. A row that occurs three times is a row of weight 3:
#
# .. math::
#   \frac{\sum_n l_n}{N} = \frac{\sum_u c_u\, l_u}{\sum_u c_u} \qquad c_u = \text{number of copies of row } u
#
# so the full batch has the same loss and the same gradient when equal rows are merged, and costs as much as its
# *different* rows.

# %%
# Raw and professional
# --------------------
# A pipeline by hand, for 178 wines with 13 measurements each. First split, then scale, by the training rows:

wine = load_wine()
stream = torch.Generator().manual_seed(0)
order = torch.randperm(len(wine.data), generator=stream)
x_all, y_all = torch.from_numpy(wine.data).float()[order], torch.from_numpy(wine.target)[order]
x_train, x_held, y_train, y_held = x_all[:120], x_all[120:], y_all[:120], y_all[120:]
mean, deviation = x_train.mean(0), x_train.std(0, correction=0)
scaled_train, scaled_held = (x_train - mean) / deviation, (x_held - mean) / deviation
print("deviations of the columns:", *(f"{s:.3g}" for s in deviation.tolist()))

for rows in torch.randperm(120, generator=stream).split(32):
    kinds = y_train[rows].bincount(minlength=3).tolist()
    print("batch", tuple(scaled_train[rows].shape), kinds, "wines of each kind")

# %%
# With torch: a ``TensorDataset`` gives one row for an index, a ``DataLoader`` draws the indices, asks for the rows one
# by one, and stacks them. That is made for rows that must be read, decoded and changed one at a time, in several
# processes if need be. For rows that are in memory already, it is a long way round. Twenty thousand rows, once
# around, and of five rounds the fastest, because in the others the processor also had something else to do:

many = TensorDataset(
    torch.randn(20_000, 64, generator=stream), torch.randint(10, (20_000,), generator=stream)
)
x_many, y_many = many.tensors


def by_loader() -> int:
    """All rows once, in batches by the loader; how many they were."""
    return sum(len(x) for x, _ in DataLoader(many, batch_size=256, shuffle=True, generator=stream))


def by_slicing() -> int:
    """The same by index."""
    orders = torch.randperm(20_000, generator=stream).split(256)
    return sum(len(x) for x, _ in ((x_many[rows], y_many[rows]) for rows in orders))


for name, go_around in (("DataLoader", by_loader), ("slicing by index", by_slicing)):
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        assert go_around() == 20_000
        seconds.append(time.perf_counter() - began)
    print(f"{name:16} {min(seconds):.4f} s")

# %%
# With this program: ``Rows`` are inputs and targets, a ``Dataset`` is what to train on and what to hold back. The rest
# of the pipeline is the plan's: batch size and seed.

data = fs.Dataset(
    fs.Rows(scaled_train, y_train), fs.Rows(scaled_held, y_held), num_outputs=3, name="wine by hand"
)
plan = fs.TrainPlan(lr=0.1, batch_size=32, epochs=30)
[member] = fs.fit_many(fs.MLP(13, 16, 3), data, plan, engine="scratch", device="cpu", every=1)
print(member.history[-1])

# %%
# Images come as bytes. Stored as bytes with a ``scale`` they take a quarter of the memory, and become numbers in the
# batch that needs them:

images = load_digits()
as_bytes = fs.Rows(images.data.astype(np.uint8), images.target, scale=1 / 16)
as_floats = torch.from_numpy(images.data / 16).float()
print(as_bytes, "stored in", f"{as_bytes.stored.nbytes:,} bytes, as floats {as_floats.nbytes:,}")
assert 4 * as_bytes.stored.nbytes == as_floats.nbytes
assert torch.equal(as_bytes.x, as_floats)

# %%
# What came out
# -------------
# Every row comes exactly once in an epoch, the last batch holds what is left, and the order is a function of seed and
# epoch: the same run gives the same bits, and another seed gives another order.

digits = fs.Dataset(as_bytes, num_outputs=10, name="digits")
small = fs.TrainPlan(lr=0.1, batch_size=256, epochs=2, seed=3)


def weights_after(plan: fs.TrainPlan) -> tuple[list[int], torch.Tensor]:
    """The sizes of the batches, and the weights in the end."""
    engine = fs.make_engine("scratch", fs.SoftmaxRegression(64, 10, init="zeros"), plan, device="cpu")
    return [step.num_rows for step in fs.steps(engine, digits, plan)], engine.params.flat


sizes, weights = weights_after(small)
print("batches of two epochs:", sizes)
assert sum(sizes) == 2 * len(as_bytes)
assert len(sizes) == 2 * -(-len(as_bytes) // 256) == small.num_steps(len(as_bytes))
assert torch.equal(weights, weights_after(small)[1])
assert not torch.equal(weights, weights_after(replace(small, seed=4))[1])

# %%
# Rows that occur several times. Two thousand draws from fifty different rows are merged into fifty rows with weights,
# and the full batch has the same gradient for a fortieth of the work:

fifty = torch.randn(50, 4, generator=stream).double()
drawn = fifty[torch.randint(50, (2000,), generator=stream)]
copies = fs.Dataset(fs.Rows(drawn, (drawn.sum(1) > 0).long()), num_outputs=2)
merged = copies.unique()
full = fs.TrainPlan(lr=0.1, batch_size=None, epochs=20)
engines = []
for rows in (copies, merged):
    engine = fs.make_engine("scratch", fs.MLP(4, 8, 2), full, dtype="float64", device="cpu")
    for _ in fs.steps(engine, rows, full):
        pass
    engines.append(engine)
print(f"{len(copies.train):,} rows, {len(merged.train)} different ones")
print("their weights:", *merged.train.weight[:5].tolist(), "...")
difference = (engines[0].params.flat - engines[1].params.flat).abs().max().item()
print(f"largest difference of the weights after twenty steps: {difference:.1e}")
assert (len(merged.train), merged.train.weight.sum().item()) == (50, 2000)
assert difference < 1e-12  # the same sums in another order, in float64

# %%
# A picture
# ---------
# Why scale at all. The wines, on one scale and as they were measured, with the same network: at the same rate, and at a
# hundredth of it, which suits them better. The column in hundreds allows small steps only, and with these the weights
# of the others hardly move.

raw = fs.Dataset(fs.Rows(x_train, y_train), fs.Rows(x_held, y_held), num_outputs=3, name="wine as measured")
canvas = fs.Canvas("178 wines, 13-16-3, plain descent in batches of 32")
axes = canvas.axes(x="epoch", y="validation accuracy")
best = {}
for k, (name, rows, lr) in enumerate(
    [
        ("scaled, rate 0.1", data, 0.1),
        ("as measured, rate 0.1", raw, 0.1),
        ("as measured, rate 0.001", raw, 0.001),
    ]
):
    [one] = fs.fit_many(
        fs.MLP(13, 16, 3), rows, replace(plan, lr=lr), engine="scratch", device="cpu", every=1
    )
    accuracy = [epoch.valid_accuracy for epoch in one.history]
    best[name] = max(accuracy)
    axes.plot(range(1, len(accuracy) + 1), accuracy, color=canvas.color(k), lw=2, label=name)
canvas.legend(axes)
assert best["scaled, rate 0.1"] > max(list(best.values())[1:]) + 0.1
canvas.figure

# %%
# The classic mistake
# -------------------
# Scaling when training, and not when predicting. The network for the wines was trained on columns of mean 0 and
# deviation 1, and is asked about wines as they were measured. Floating-point numbers have no unit, so nobody can
# notice:

for name, rows in (("scaled", scaled_held), ("as measured", x_held)):
    shares = member.engine.predict(rows).softmax(1)
    answers, sure = shares.argmax(1), shares.max(1).values.mean().item()
    accuracies = (answers == y_held).float().mean().item()
    print(
        f"{name:12} accuracy {accuracies:.3f}, answers {answers.bincount(minlength=3).tolist()}, sure to {sure:.3f}"
    )
assert accuracies < 0.7
assert sure > 0.9

# %%
# It is wrong and very sure of it. Bytes, as they come from image files, are known by their type, and are refused:

train_plan = fs.TrainPlan(optimizer="adam", lr=0.01, batch_size=32, epochs=1)
engine = fs.make_engine("scratch", fs.MLP(64, 32, 10), train_plan, device="cpu")
try:
    engine.predict(as_bytes.stored[:5])
except fs.InputError as error:
    print(error)

# %%
# And rows that live on another device than the network, here torch's ``meta`` device, which has shapes without numbers:

try:
    engine.predict(as_floats.to("meta"))
except fs.InputError as error:
    print(error)

# %%
# The surest way is to make the scaling a part of the network. The estimators keep the means and deviations of the
# training rows with the weights, and take raw columns, then and later:

model = fs.MLPClassifier(random_state=0).fit(x_train.numpy(), y_train.numpy())
score = model.score(x_held.numpy(), y_held.numpy())
print(f"raw columns in, accuracy on held-out wines {score:.3f}")
assert score > 0.9

# %%
# Exercises
# ---------
# 1. With ``drop_last=True`` a ``DataLoader`` leaves out the last, smaller batch. Which rows does the network never see?
# 2. Draw labels at random, so that there is nothing to learn. Give every row a copy, then split into a training and a
#    held-out half. Answer each held-out row with the label of the training row that is nearest to it. How often is that
#    right, and why?
# 3. Classes are whole numbers, counted from zero. What is said about labels that came as floating-point numbers, or
#    that are counted from one?

# %%
# Solution 1
# ~~~~~~~~~~
# With shuffling, other rows in each epoch, so in the long run none is left out. Without, always the same ones.

loader = DataLoader(TensorDataset(torch.arange(10)), batch_size=4, drop_last=True)
print([batch.tolist() for [batch] in loader])
assert {int(n) for [batch] in loader for n in batch} == set(range(8))

# %%
# Solution 2
# ~~~~~~~~~~
# About three times in four, though chance gives a half: every second held-out row has its copy among the training rows
# and gets that one's label, the others are guessed. Look for copies before you split, and keep them together.

noise_x = torch.randn(500, 5, generator=stream)
noise_y = torch.randint(2, (500,), generator=stream)
doubled_x, doubled_y = noise_x.repeat(2, 1), noise_y.repeat(2)
halves = torch.randperm(1000, generator=stream).split(500)
nearest = torch.cdist(doubled_x[halves[1]], doubled_x[halves[0]]).argmin(1)
accuracy = (doubled_y[halves[0]][nearest] == doubled_y[halves[1]]).float().mean().item()
print(f"accuracy on random labels: {accuracy:.3f}")
assert accuracy > 0.65

# %%
# Solution 3
# ~~~~~~~~~~
# One sentence each, before the first step:

for wrong in (y_train.float() + 0.5, y_train + 1):
    engine = fs.make_engine("scratch", fs.MLP(13, 16, 3), plan, device="cpu")
    try:
        next(fs.train(engine, fs.Dataset(fs.Rows(scaled_train, wrong), num_outputs=3), plan))
    except fs.InputError as error:
        print(error)

# %%
# What you learned
# ----------------
# - Split first; scale by the training rows; use those same numbers for ever.
# - An epoch visits each row once, in an order that depends on seed and epoch alone.
# - Rows in memory are sliced by index; a loader is for rows that must be fetched.
# - Equal rows are one row with a weight, and equal rows in two parts are a leak.
#
# The next page: *Regularization and overfitting*.
