"""
Batch against stochastic descent
================================

**The question:** How many rows should one step look at?

All of them, a handful, or one: the loop, the network and its parameters are the same. What changes is how often the
parameters move, and how well each move knows where it is going.
"""

from dataclasses import replace

import torch
from torch.utils.data import DataLoader, TensorDataset

import fivestep as fs

# %%
# The idea
# --------
# The gradient of the whole loss is the mean of the gradients of its rows. The mean of a few rows, chosen at random, is
# an estimate of it: right on average, with a random error. It costs a fraction, so in the time of one exact step there
# are many rough ones.
#
# - *batch gradient descent* takes all :math:`N` rows for each update,
# - *mini-batch* gradient descent takes :math:`B` of them,
# - *stochastic* gradient descent takes one.
#
# One visit to all rows is an *epoch*, whatever the size of the batches.

# %%
# The formula
# -----------
# With :math:`g_n` the gradient of row :math:`n`, a batch :math:`S` of :math:`B` rows gives
#
# .. math::
#   g_S = \frac{1}{B} \sum_{n \in S} g_n \qquad \mathrm{E}[g_S] = g = \frac{1}{N} \sum_n g_n
#
# and, if the rows are drawn without repetition, its mean squared distance from the exact gradient is
#
# .. math::
#   \mathrm{E}\,|g_S - g|^2 = \frac{\sigma^2}{B} \cdot \frac{N - B}{N - 1}
#   \quad \text{with} \quad \sigma^2 = \frac{1}{N} \sum_n |g_n - g|^2
#
# Four times the rows, half the noise; all the rows, none. In an epoch there are :math:`\lceil N / B \rceil` updates.

# %%
# Raw and professional
# --------------------
# Mini-batches by hand: a random order of the rows, cut into pieces. The task is ``digits``, handwritten digits,
# with one linear layer whose outputs are the logits of ten classes.

data = fs.load_dataset("digits")
x, y = data.train.x, data.train.y  # (N, 64), (N,)
N = len(x)
stream = torch.Generator().manual_seed(0)
weight = torch.zeros(10, 64, requires_grad=True)
bias = torch.zeros(10, requires_grad=True)
for _ in range(3):
    for rows in torch.randperm(N, generator=stream).split(32):  # (B,), the last one smaller
        logits = x[rows] @ weight.T + bias  # 1
        loss = torch.nn.functional.cross_entropy(logits, y[rows])  # 2
        weight.grad = bias.grad = None  # 3
        loss.backward()  # 4
        with torch.no_grad():  # 5
            weight -= 0.05 * weight.grad
            bias -= 0.05 * bias.grad
with torch.no_grad():
    print(f"by hand    {torch.nn.functional.cross_entropy(x @ weight.T + bias, y).item():.3f}")

# %%
# Torch's ``DataLoader`` does the same cutting, row by row and then stacked together, which pays where rows have to be
# read from files.

model = torch.nn.Linear(64, 10)
with torch.no_grad():
    model.weight.zero_()
    model.bias.zero_()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True, generator=stream)
for _ in range(3):
    for some_x, some_y in loader:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(some_x), some_y).backward()
        optimizer.step()
with torch.no_grad():
    print(f"DataLoader {torch.nn.functional.cross_entropy(model(x), y).item():.3f}")

# %%
# Here it is one setting of the plan. ``None`` stands for all rows.

plan = fs.TrainPlan(lr=0.05, batch_size=32, epochs=3)
engine = fs.make_engine("scratch", fs.SoftmaxRegression(64, 10, init="zeros"), plan, device="cpu")
*_, last = fs.train(engine, data, plan, every=3)
print(f"fivestep   {last.train_loss:.3f}")
# other orders of the rows
assert abs(last.train_loss - torch.nn.functional.cross_entropy(model(x), y).item()) < 0.05

# %%
# What came out
# -------------
# The same network for ten epochs, with the three sizes. The parameters are the same, each epoch sees every row once,
# and the rate is the same; the number of updates is not.

EPOCHS = 10  # quick: 3
print(f"{'':12} {'rows':>8} {'updates':>9} {'parameters':>11} {'seconds':>9}")
print(f"{'':12} {'/update':>8} {'/epoch':>9} {'':11} {'/epoch':>9} {'loss':>7}")
ends = {}
for name, size in (("batch", None), ("mini-batch", 32), ("stochastic", 1)):
    plan = fs.TrainPlan(lr=0.05, batch_size=size, epochs=EPOCHS)
    engine = fs.make_engine("scratch", fs.SoftmaxRegression(64, 10, init="zeros"), plan, device="cpu")
    *_, last = fs.train(engine, data, plan, every=EPOCHS)
    ends[name] = last.train_loss
    per_epoch, parameters = plan.steps_per_epoch(N), engine.params.flat.numel()
    seconds = last.seconds / EPOCHS
    row = f"{name:12} {size or N:8} {per_epoch:9} {parameters:11} {seconds:9.4f}"
    print(row, f"{last.train_loss:7.3f}")
    assert engine.num_updates == EPOCHS * per_epoch == EPOCHS * -(-N // (size or N))
    assert parameters == 64 * 10 + 10
assert ends["batch"] > ends["mini-batch"] > ends["stochastic"]

# %%
# More updates go further, as long as each is worth taking. An epoch of single rows takes the most seconds, because a
# processor is made for many numbers at once; one of all rows takes the fewest, and learns the least. What counts is the
# time to a given loss, here 0.5:

updates = {}
for name, size in (("batch", None), ("mini-batch", 32), ("stochastic", 1)):
    plan = fs.TrainPlan(lr=0.05, batch_size=size, epochs=5000)
    engine = fs.make_engine("scratch", fs.SoftmaxRegression(64, 10, init="zeros"), plan, device="cpu")
    seconds = 0.0
    for epoch in fs.train(engine, data, plan, every=1 if size else 50):
        seconds += epoch.seconds
        if epoch.train_loss < 0.5:
            break
    updates[name] = epoch.step
    print(f"{name:12} {epoch.step:5,} updates of {size or N:4} rows, {seconds:.2f} s")
    assert epoch.train_loss < 0.5
assert 0.8 < updates["mini-batch"] / updates["batch"] < 1.25
assert updates["stochastic"] == N  # looked at after its first epoch

# %%
# Mini-batches need about as many updates as the full batch, and pay for a few rows each time: so far from the minimum,
# the noise does no harm. Single rows get there in their first epoch, but each of their updates costs nearly as much as
# one of a mini-batch, because most of its time is overhead, not arithmetic. Most people use a size in between.
#
# Now the noise. At the weights where the last run ended, the gradient of each row by hand, :math:`(p_n - t_n)\, x_n^T`,
# and the distance of many batches from the exact gradient beside the formula:

with torch.no_grad():
    p = engine.predict(x).softmax(1)  # (N, 10)
    error = p - torch.nn.functional.one_hot(y, 10)
    g = (error[:, :, None] * x[:, None, :]).flatten(1)  # (N, 640), one gradient a row
exact = g.mean(0)
variance = (g - exact).square().sum(1).mean()
print("batch   noise, measured   by the formula")
for size in (1, 4, 16, 64, 256):
    drawn = [g[torch.randperm(N, generator=stream)[:size]].mean(0) for _ in range(2000)]
    squares = (torch.stack(drawn) - exact).square().sum(1)
    formula = variance / size * (N - size) / (N - 1)
    print(f"{size:5}   {squares.mean().sqrt():15.4f}   {formula.sqrt():14.4f}")
    # five standard errors of the mean
    assert abs(squares.mean() - formula) < 5 * squares.std() / 2000**0.5

# %%
# On average a batch is right: the batches of an epoch, weighted by their rows, give the exact gradient.

pieces = torch.randperm(N, generator=stream).split(32)
total = sum(len(rows) / N * g[rows].mean(0) for rows in pieces)
assert torch.allclose(total, exact, atol=1e-6)  # the same sum, added in another order in float32

# %%
# A picture
# ---------
# With two parameters the whole path can be seen. Ten points around a line, each path with the same number of visits to
# every row. Batch descent walks down smoothly, and has too few updates to arrive; the others stagger, and arrive.

line = fs.load_dataset("line")
line_plan = fs.TrainPlan(loss="mse", lr=0.01, batch_size=None)
line_engine = fs.make_engine("scratch", fs.LinearRegression(1), line_plan, device="cpu")
fs.plot(
    line_engine,
    "paths:epochs=30,lr=0.05,mini=3",
    data=line,
    title="Ten points around a line, thirty epochs",
)

# %%
# The classic mistake
# -------------------
# A mini-batch is an estimate only if its rows are chosen at random. Data often come sorted, all zeros first, then all
# ones, and a loop that takes them in that order gives the network whole stretches of one class. It learns to answer
# that class, and forgets the ones before.

by_class = y.argsort(stable=True)
ends, batch_losses = {}, {}
for name in ("sorted", "shuffled"):
    weight, bias = torch.zeros(10, 64), torch.zeros(10)
    for _ in range(3):
        order = by_class if name == "sorted" else by_class[torch.randperm(N, generator=stream)]
        losses = []
        for rows in order.split(32):
            logits = x[rows] @ weight.T + bias
            losses.append(torch.nn.functional.cross_entropy(logits, y[rows]).item())
            dz = (logits.softmax(1) - torch.nn.functional.one_hot(y[rows], 10)) / len(rows)
            weight -= 0.05 * dz.T @ x[rows]
            bias -= 0.05 * dz.sum(0)
    ends[name] = ((x @ weight.T + bias).argmax(1) == y).float().mean().item()
    batch_losses[name] = torch.tensor(losses)  # of the last epoch
    first = ", ".join(f"{loss:.2f}" for loss in losses[:7])
    print(
        f"{name:8} accuracy {ends[name]:.3f}, mean loss {batch_losses[name].mean():.2f}, first batches {first}"
    )
assert ends["shuffled"] > ends["sorted"] + 0.2
assert (batch_losses["sorted"].mean() - batch_losses["shuffled"].mean()).abs() < 0.3
assert batch_losses["sorted"].std() > 3 * batch_losses["shuffled"].std()

# %%
# The losses of sorted batches are a saw: they fall while a class lasts, and jump up where the next one begins. Whoever
# looks at their mean alone sees little amiss: it is nearly that of shuffled rows, and the accuracy is far below. Here
# mini-batches are always shuffled, anew in each epoch, in an order that depends on the seed
# and the epoch alone. And a batch that is larger than the data is refused:

plan = fs.TrainPlan(batch_size=5000)
engine = fs.make_engine("scratch", fs.SoftmaxRegression(64, 10), plan, device="cpu")
try:
    next(fs.train(engine, data, plan))
except fs.InputError as error:
    print(error)

# %%
# Exercises
# ---------
# 1. 1,077 rows in batches of 32 leave a last batch of 21. Is the mean of the batches' losses the loss of the epoch?
# 2. A batch does not fit into memory. Do it in parts of 8 rows with one update at the end: is it the same step?
# 3. At a constant rate, stochastic descent never comes to rest. How near to the best line does it stay, and what does
#    half the rate change?

# %%
# Solution 1
# ~~~~~~~~~~
# Only if each batch counts by its rows. The plain mean gives the rows of the small batch more weight than the others.

assert (N, len(pieces[-1])) == (1077, 21)
row_losses = torch.nn.functional.cross_entropy(x @ weight.T + bias, y, reduction="none").double()
means = torch.stack([row_losses[rows].mean() for rows in pieces])
sizes = torch.tensor([len(rows) for rows in pieces])
weighted = (means * sizes).sum() / N
print(f"plain {means.mean():.6f}, by rows {weighted:.6f}, all rows {row_losses.mean():.6f}")
assert torch.isclose(weighted, row_losses.mean(), rtol=1e-12)  # float64
assert abs(means.mean() - row_losses.mean()) > 1e-6

# %%
# Solution 2
# ~~~~~~~~~~
# Yes, because step 4 adds: forget once, find the gradient of each part, weighted by its share, update once.
# ``micro_batch_size`` does it.

whole = fs.TrainPlan(lr=0.05, batch_size=32, epochs=1)
flats = []
for plan in (whole, replace(whole, micro_batch_size=8)):
    engine = fs.make_engine("scratch", fs.SoftmaxRegression(64, 10), plan, dtype="float64", device="cpu")
    for _ in fs.steps(engine, data, plan):
        pass
    flats.append(engine.params.flat)
print("largest difference after an epoch", (flats[0] - flats[1]).abs().max().item())
assert torch.allclose(*flats, rtol=0, atol=1e-12)  # the same sums in another order, in float64

# %%
# Solution 3
# ~~~~~~~~~~
# It hovers around the minimum. If rows are drawn independently, with replacement, the mean squared distance is about
# proportional to the rate. Shuffled epochs are calmer: each row comes once before any comes twice, so within an epoch
# the errors cancel in part, and half the rate leaves about a quarter. Schedules, which lower the rate during training,
# are for this.

best = torch.cat([weight.flatten() for weight in line.known_weights["least squares"].values()]).tolist()
points = list(zip(line.train.x[:, 0].tolist(), line.train.y.tolist(), strict=True))


def hovering(lr: float, *, shuffled: bool) -> float:
    """The mean squared distance from the best line over 2000 epochs of single rows, begun at that line."""
    stream = torch.Generator().manual_seed(1)
    (w, b), total = best, 0.0
    for _ in range(2000):
        order = (
            torch.randperm(10, generator=stream) if shuffled else torch.randint(10, (10,), generator=stream)
        )
        for n in order.tolist():
            x_n, y_n = points[n]
            error = w * x_n + b - y_n
            w, b = w - lr * 2 * error * x_n, b - lr * 2 * error
            total += (w - best[0]) ** 2 + (b - best[1]) ** 2
    return total / 20000


for shuffled in (False, True):
    clouds = [hovering(lr, shuffled=shuffled) for lr in (0.02, 0.01)]
    name = "shuffled epochs" if shuffled else "drawn singly"
    factor = clouds[0] / clouds[1]
    print(f"{name:15} {clouds[0]:.1e} at 0.02, {clouds[1]:.1e} at 0.01: a factor of {factor:.1f}")
    assert 3 < factor < 5 if shuffled else 1.5 < factor < 2.7

# %%
# What you learned
# ----------------
# - Batch, mini-batch and stochastic descent share the loop and the parameters; they differ in rows per update and
#   updates per epoch.
# - A batch's gradient is right on average; its noise falls as one over the root of its size.
# - Mini-batches must be drawn at random. Sorted rows teach and unteach one class after the other.
# - Several small batches before one update are one large batch.
#
# The next page: *The loss landscape*.
