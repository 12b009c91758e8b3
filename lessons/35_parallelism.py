"""
Data parallelism and hardware
=============================

**The question:** How do several machines do one step?

A gradient is a sum over rows, and a sum can be shared out. That is all there is to data parallelism. The rest of this
page is what a step costs: memory, digits and time.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

import fivestep as fs

# %%
# The idea
# --------
# Every worker has a copy of the weights and takes its share of the batch. Each does steps 1 to 4 with its rows, then
# all add up their gradients, and each makes step 5 with the sum. The copies began equal, saw the same sum and made the
# same update, so they stay equal; nobody has to send weights.
#
# One worker can also take its shares one after the other (*micro-batches*): the same step in less memory.

# %%
# The formula
# -----------
# The loss of a batch is a weighted sum over its rows, with weights :math:`w_n` that sum to one over the *whole* batch,
# :math:`1/N` each if all rows count alike. So for shares :math:`S_1, S_2, \dots` of the rows
#
# .. math::
#   \nabla \sum_n w_n\, l_n = \sum_r \Big( \sum_{n \in S_r} w_n \nabla l_n \Big)
#
# What has to go over the wire for a step is one number for each parameter, however many rows there are.

# %%
# Raw and professional
# --------------------
# First by hand, in one process: two engines with the same weights, one with 120 of the moons and one with the other 80.

data = fs.load_dataset("moons")
x, y = data.train.x.double(), data.train.y.double()
spec = fs.MLP(2, 8, 1, activation="tanh")
plan = fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.05, batch_size=None, epochs=20)
share = torch.full((200,), 1 / 200, dtype=torch.float64)  # of each row in the whole batch
parts = (slice(0, 120), slice(120, 200))

alone = fs.make_engine("scratch", spec, plan, dtype="float64")
workers = [fs.make_engine("scratch", spec, plan, dtype="float64") for _ in parts]
for _ in range(20):
    alone.train_step(x, y, share)
    for worker, rows in zip(workers, parts, strict=True):
        worker.loss(worker.forward(x[rows]), y[rows], share[rows])  # 1, 2
        worker.zero_grad()  # 3
        worker.backward()  # 4
    total = workers[0].params.grad + workers[1].params.grad  # what all have to know of each other
    for worker in workers:
        worker.params.grad.copy_(total)
        worker.update()  # 5

assert torch.equal(workers[0].params.flat, workers[1].params.flat)  # the copies: to the last bit
gap = (workers[0].params.flat - alone.params.flat).abs().max().item()
print(f"two workers against one, after 20 steps: {gap:.1e}")
assert gap < 1e-12  # the same sum in another order

# %%
# With the tools of a professional: two processes, and ``torch.distributed`` to add up. This is the worker's whole
# program. It saves what it ends with, so that it can be compared.

WORKER = """
import sys
import torch
import torch.distributed as dist

folder, rank = sys.argv[1], int(sys.argv[2])
dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
start, x, y = torch.load(f"{folder}/start.pt")
rows = (slice(0, 120), slice(120, 200))[rank]
model = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).double()
model.load_state_dict(start)
criterion = torch.nn.BCEWithLogitsLoss(reduction="sum")
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for _ in range(20):
    loss = criterion(model(x[rows])[:, 0], y[rows]) / 200  # 1, 2: its part of the mean over all rows
    optimizer.zero_grad()  # 3
    loss.backward()  # 4
    for w in model.parameters():
        dist.all_reduce(w.grad)  # the sum over all workers
    optimizer.step()  # 5
torch.save(model.state_dict(), f"{folder}/{rank}.pt")
dist.destroy_process_group()
"""

with tempfile.TemporaryDirectory() as folder:
    start = fs.make_engine("scratch", spec, plan, dtype="float64").named_parameters()
    torch.save(({name: w.clone() for name, w in start.items()}, x, y), Path(folder) / "start.pt")
    command = [sys.executable, "-c", WORKER, folder]
    calls = [
        subprocess.Popen([*command, str(rank)], env={**os.environ, "OMP_NUM_THREADS": "1"})
        for rank in range(2)
    ]
    assert [call.wait() for call in calls] == [0, 0]
    ends = [torch.load(Path(folder) / f"{rank}.pt") for rank in range(2)]

assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
gap = max((ends[0][name] - w).abs().max().item() for name, w in alone.named_parameters().items())
print(f"two processes against one, after 20 steps: {gap:.1e}")
assert gap < 1e-10  # other sums, and torch's own Adam: rounding

# %%
# Here ``torchrun --nproc-per-node 2 -m fivestep train digits`` shares each batch like this between two processes. And
# in one process there is ``micro_batch_size`` in the plan. ``fs.verify`` compares it with the whole batch after every
# step.

small = replace(plan, micro_batch_size=30)
print(fs.verify(fs.make_engine("scratch", spec, small, dtype="float64"), "accumulate", data, 20))

# %%
# What came out
# -------------
# **Memory.** Training keeps four numbers for each parameter with Adam: the weight, its gradient, and two memories. On
# top come the activations, which step 4 needs from step 1: these grow with the rows, and micro-batches make them
# smaller. Predictions alone need none of them, and ``torch.no_grad`` says so; a hook counts what autograd
# would have kept.

network = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
num_parameters = sum(w.numel() for w in network.parameters())


def kept_bytes(rows):
    """The bytes that a forward pass over so many rows keeps for the backward pass, without the weights themselves."""
    own = {w.data_ptr() for w in network.parameters()}
    found = {}

    def pack(tensor):
        if tensor.data_ptr() not in own:
            found[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        network(torch.zeros(rows, 784))
    return sum(found.values())


print(f"weights, gradients and Adam's memories: {4 * 4 * num_parameters:,} bytes")
for rows in (64, 256):
    print(f"kept for the backward pass of {rows:3} rows: {kept_bytes(rows):,} bytes")
with torch.no_grad():
    print(f"without a gradient: {kept_bytes(256)} bytes")
    assert kept_bytes(256) == 0
assert kept_bytes(256) == 4 * kept_bytes(64) == 256 * 4 * (784 + 256)  # the input, and what ReLU let through

# %%
# **Digits.** ``float32`` has 24 binary digits, ``float64`` 53, ``bfloat16`` 8. What is smaller than half the last digit
# of a sum is lost. With eight digits that happens to ordinary updates: a weight of 1 minus 0.001 is 1 again. This is
# why networks that compute in ``bfloat16`` keep their weights in ``float32``.

for kind in (torch.float64, torch.float32, torch.bfloat16):
    moved = torch.tensor(1.0, dtype=kind) - torch.tensor(0.001, dtype=kind)
    print(
        f"{kind!s:14}  distance from 1 to the next number {torch.finfo(kind).eps:.1e}   1 - 0.001 = {moved.item()}"
    )
assert torch.tensor(1.0, dtype=torch.bfloat16) - torch.tensor(0.001, dtype=torch.bfloat16) == 1
assert torch.tensor(2.0**24) + 1 == 2.0**24

gradients = []
for dtype in ("float32", "float64"):
    engine = fs.make_engine("scratch", spec, plan, dtype=dtype)
    engine.train_step(engine.as_input(x), y.to(engine.dtype))
    gradients.append(engine.params.grad.double())
distance = ((gradients[0] - gradients[1]).norm() / gradients[1].norm()).item()
print(f"the same gradient in float32 and float64: {distance:.1e} apart")
assert 0 < distance < 1e-5  # some digits of float32

# %%
# **Devices.** A processor of another kind is another memory, and both sides of a sum must be in the same one. The
# device ``meta`` has shapes and no numbers; it is enough to see what happens.

engine = fs.make_engine("scratch", spec, plan, device="cpu")
for attempt in (
    lambda: engine.predict(torch.zeros(5, 2, device="meta")),
    lambda: fs.make_engine("scratch", spec, plan, device="cuda:99"),
):
    try:
        attempt()
    except fs.InputError as error:
        print(error)
    else:
        raise AssertionError("it should have been refused")

# %%
# A picture
# ---------
# **Time.** A step has about 6 operations for each weight and row: a multiplication and an addition forward, twice as
# much backward. But for few rows most of the time goes into starting the operations. Larger batches do more rows in a
# second, up to a point. (On your machine the picture is another one.)

sizes = [1, 4, 16, 64, 256, 1024]
stream = torch.Generator().manual_seed(0)
timed = fs.make_engine("scratch", fs.MLP(784, 256, 10), fs.TrainPlan())
rates = []
for size in sizes:
    images = torch.rand(size, 784, generator=stream)
    labels = torch.randint(0, 10, (size,), generator=stream)
    timed.train_step(images, labels)  # the first one allocates
    seconds = []
    while sum(seconds) < 0.1:
        started = time.perf_counter()
        timed.train_step(images, labels)
        seconds.append(time.perf_counter() - started)
    rates.append(size / min(seconds))  # in slower steps the processor also had something else to do

canvas = fs.Canvas("Rows per second of training, 784-256-10", height=3.6)
axes = canvas.axes(x="rows in a batch", y="rows per second")
axes.loglog(sizes, rates, marker="o", color=canvas.color(0))
canvas.figure

# %%
# The classic mistake
# -------------------
# The mean of means. If each worker divides by its *own* number of rows and the results are averaged, as torch's
# ``DistributedDataParallel`` does with the gradients, the rows of a small share count for more. With equal shares
# nothing is wrong, so nobody notices until a last batch is short. In the extreme, 199 rows and one:

engine = fs.make_engine("scratch", spec, plan, dtype="float64")


def gradient(rows, weight=None):
    """The gradient of those rows: of their mean, or of their weighted sum."""
    engine.loss(engine.forward(x[rows]), y[rows], weight)
    engine.zero_grad()
    engine.backward()
    return engine.params.grad.clone()


whole = gradient(slice(0, 200))
for cut in (100, 199):
    first, rest = slice(0, cut), slice(cut, 200)
    wrong = (gradient(first) + gradient(rest)) / 2
    right = gradient(first, share[first]) + gradient(rest, share[rest])
    off = ((wrong - whole).norm() / whole.norm()).item()
    print(
        f"shares of {cut} and {200 - cut}: mean of means {off:.1%} off; weighted sum off by "
        f"{((right - whole).norm() / whole.norm()).item():.0e}"
    )
    assert torch.allclose(right, whole, rtol=1e-9, atol=1e-14)  # rounding of float64
assert off > 0.1

# %%
# The same mistake in a single process: micro-batches whose mean losses are added up without dividing. The gradient is
# then as many times too large as there are parts.

added = sum(gradient(slice(k, k + 50)) for k in range(0, 200, 50))
print(f"four parts, each with its own mean: {(added.norm() / whole.norm()).item():.3f} times the gradient")
assert torch.allclose(added, 4 * whole, rtol=1e-9, atol=1e-14)

# %%
# Exercises
# ---------
# 1. Which layer of this program makes a batch in two shares *another* step, even with the right weights?
# 2. Rows that occur several times need to be computed only once. Build a batch in which each of 20 rows occurs ten
#    times and compare.
# 3. How many bytes does a worker send for a step of 784-256-10, and how many rows must its share have for the
#    arithmetic to take longer, if it does :math:`10^{11}` operations and sends :math:`10^9` bytes in a second?

# %%
# Solution 1
# ~~~~~~~~~~
# Batch normalization: it takes the mean and the variance of the rows that it sees. Layer normalization looks at each
# row by itself.

for norm in ("batch_norm", "layer_norm"):
    engine = fs.make_engine("scratch", fs.MLP(2, 8, 1, norm=norm), plan, dtype="float64")
    whole = gradient(slice(0, 200))
    parted = gradient(parts[0], share[parts[0]]) + gradient(parts[1], share[parts[1]])
    off = ((parted - whole).norm() / whole.norm()).item()
    print(f"{norm}: shares are {off:.0e} off")
    assert (off > 1e-6) == (norm == "batch_norm")

# %%
# Solution 2
# ~~~~~~~~~~
# The count is the weight: a tenth of the work, the same gradient.

engine = fs.make_engine("scratch", spec, plan, dtype="float64")
repeated = fs.Rows(x[:20].repeat(10, 1), y[:20].repeat(10))
once = repeated.unique()
print(f"{len(repeated)} rows, {len(once)} different ones, weights {once.weight[:3].tolist()} ...")
engine.loss(engine.forward(repeated.x), repeated.y)
engine.zero_grad()
engine.backward()
expected = engine.params.grad.clone()
engine.loss(engine.forward(once.x), once.y, once.weight / once.weight.sum())
engine.zero_grad()
engine.backward()
torch.testing.assert_close(engine.params.grad, expected, rtol=1e-9, atol=1e-14)  # another order of the sum

# %%
# Solution 3
# ~~~~~~~~~~
# Four bytes for each parameter; 6 operations for each weight and row.

num_bytes, operations = 4 * 203_530, 6 * 784 * 256 + 6 * 256 * 10
rows = num_bytes / 1e9 * 1e11 / operations
print(f"{num_bytes:,} bytes, {operations:,} operations for a row: from {rows:.0f} rows on")
assert rows > 60

# %%
# What you learned
# ----------------
# - Gradients add up. With weights that sum to one over the whole batch, shares and micro-batches are the same step.
# - Memory is four numbers for each parameter with Adam, and the activations; to predict, the weights are enough.
# - Means of unequal shares must not be averaged.
#
# The next page: *Monitoring and debugging*.
