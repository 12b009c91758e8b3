"""
Questions answered
==================

**The question:** What do the words mean?

Short answers to what is asked most, each with the code that shows it.
"""

import math
import time

import torch
from torch.utils.data import DataLoader, TensorDataset

import fivestep as fs

# %%
# What is an MLP, and what are fc, width, depth and hidden dimension?
# -------------------------------------------------------------------
# A *multilayer perceptron* (MLP) is linear layers with an activation between them. A linear layer is also called
# *dense* or *fully connected*, ``fc`` for short, because every output depends on every input. The numbers between two
# layers are a *hidden layer*; how many there are is its *width* or *hidden dimension*. *Depth* counts the layers that
# have weights. The names ``fc1``, ``fc2`` are free: torch keeps whatever you call an attribute.

network = fs.MLP(784, 256, 10)
print(network)
with_weights = [layer for layer in network.build() if layer.parameter_shapes()]
print("depth", len(with_weights), " hidden dimension", with_weights[0].output_shape((784,))[0])


class Net(torch.nn.Module):
    """The same in torch, as it is often written."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = torch.nn.Linear(784, 256)
        self.fc2 = torch.nn.Linear(256, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What ``net(x)`` calls."""
        return self.fc2(torch.relu(self.fc1(x)))


net = Net()
assert sum(parameter.numel() for parameter in net.parameters()) == network.num_parameters
image = torch.zeros(1, 784)
assert torch.equal(net(image), net.forward(image))

# %%
# What are X, W, b and h, and what are their shapes?
# --------------------------------------------------
# ``X`` is the batch, a row for each example. ``W`` and ``b`` are the weight and the bias of a layer, a row and a number
# for each output. ``h`` is what the hidden layer gives. Rows :math:`N`, inputs :math:`I`, hidden units :math:`H`,
# outputs :math:`O`:
#
# .. math::
#   h &= \text{relu}(X W_1^\top + b_1) \\
#   Z &= h W_2^\top + b_2

X = torch.zeros(32, 784)
h = torch.relu(net.fc1(X))
Z = net.fc2(h)
for name, tensor, letters in (
    ("X", X, "(N, I)"),
    ("W1", net.fc1.weight, "(H, I)"),
    ("b1", net.fc1.bias, "(H,)"),
    ("h", h, "(N, H)"),
    ("W2", net.fc2.weight, "(O, H)"),
    ("b2", net.fc2.bias, "(O,)"),
    ("Z", Z, "(N, O)"),
):
    print(f"{name:2}  {letters:6}  {tuple(tensor.shape)}")

# %%
# Are all layers updated together?
# --------------------------------
# Yes. One backward pass finds the gradient of every parameter at the same weights, then one update moves all of them.
# If the last layer were moved before the gradient of the first is found, that gradient would belong to another network:

data = fs.load_dataset("moons").train
x, y = data.x.double(), data.y.double()
plan = fs.TrainPlan(loss="binary_cross_entropy", optimizer="sgd", lr=0.5, batch_size=None)


def fresh_engine() -> fs.Engine:
    """A network 2-8-1 with the same weights each time."""
    return fs.make_engine("scratch", fs.MLP(2, 8, 1, activation="tanh"), plan, dtype="float64", device="cpu")


def gradient(engine: fs.Engine) -> dict[str, torch.Tensor]:
    """Steps 1 to 4."""
    engine.loss(engine.forward(x), y)
    engine.zero_grad()
    engine.backward()
    return {name: value.clone() for name, value in engine.named_gradients().items()}


together, in_turns = fresh_engine(), fresh_engine()
start = {name: value.clone() for name, value in together.named_parameters().items()}
together_gradient = gradient(together)
together.update()
for name, value in together.named_parameters().items():
    assert torch.allclose(value, start[name] - 0.5 * together_gradient[name], rtol=1e-12)  # a rounding or two
print(
    "moved by one update:",
    [name for name, value in together.named_parameters().items() if (value != start[name]).any()],
)

first_gradient = gradient(in_turns)
for name in ("2.weight", "2.bias"):
    in_turns.named_parameters()[name].sub_(0.5 * first_gradient[name])
difference = (gradient(in_turns)["0.weight"] - together_gradient["0.weight"]).abs().max()
print(f"the first layer's gradient after the last was moved differs by {difference.item():.4f}")
assert difference > 1e-3

# %%
# Which output and which loss belong to which task?
# -------------------------------------------------
# The network ends with logits, whatever the task; the loss knows what they stand for.

TASKS = [
    ("a number", "mse", "O numbers", torch.tensor([[0.3], [1.2]])),
    ("yes or no", "binary_cross_entropy", "1 logit", torch.tensor([1.0, 0.0])),
    ("one of C classes", "cross_entropy", "C logits", torch.tensor([2, 0])),
    ("a count", "poisson", "log of the rate", torch.tensor([[4.0], [0.0]])),
]
rows = torch.tensor([[0.1, 0.2], [0.3, 0.4]])
for task, loss, outputs, target in TASKS:
    width = 3 if loss == "cross_entropy" else 1
    engine = fs.make_engine("scratch", fs.MLP(2, 4, width), fs.TrainPlan(loss=loss), device="cpu")
    value = engine.loss(engine.forward(rows), target)
    print(
        f"{task:17} {outputs:16} {loss:21} target {tuple(target.shape)!s:7} {target.dtype}  loss {value.item():.3f}"
    )
    assert value.isfinite()

# %%
# Labels of classes are whole numbers, and the program says so if they are not:

try:
    engine = fs.make_engine("scratch", fs.MLP(2, 4, 3), fs.TrainPlan(loss="cross_entropy"), device="cpu")
    engine.loss(engine.forward(rows), torch.tensor([2.0, 0.5]))
except fs.InputError as error:
    print(error)

# %%
# What do batch, mini-batch and stochastic change?
# ------------------------------------------------
# Not the parameters: they are as many, and the same ones. What changes is how many rows one update looks at, how many
# updates an epoch has, how long it takes, and how noisy the gradient is. With :math:`N` rows and batches of :math:`B`,
# an epoch has :math:`\lceil N / B \rceil` updates. Measured on handwritten digits, an epoch each:

digits = fs.load_dataset("digits")
N = len(digits.train)


def one_epoch(size: int) -> fs.Epoch:
    """What an epoch with batches of this size does."""
    plan = fs.TrainPlan(loss="cross_entropy", optimizer="sgd", lr=0.05, batch_size=size, epochs=1)
    return next(fs.train(fs.make_engine("scratch", fs.MLP(64, 32, 10), plan, device="cpu"), digits, plan))


one_epoch(N)  # the first call pays for what is loaded once
print(f"{N} rows")
for name, size in [("batch", N), ("mini-batch", 64), ("stochastic", 1)]:
    epoch = min((one_epoch(size) for _ in range(3)), key=lambda epoch: epoch.seconds)  # the least disturbed
    print(
        f"{name:10}  rows per update {size:4}  updates {epoch.step:4}  {epoch.seconds * 1000:7.1f} ms"
        f"  loss after it {epoch.train_loss:.3f}"
    )
    assert epoch.step == math.ceil(N / size)

# %%
# The noise is the deviation of a batch's gradient from that of all rows. Drawn without putting back, it falls with the
# root of the number of rows, and is zero when all are there:
#
# .. math::
#   \text{noise}(B) = \sqrt{\frac{1}{B} \cdot \frac{N - B}{N - 1}} \; \text{noise}(1)

DRAWS = 400  # quick: 100
engine = fs.make_engine(
    "scratch", fs.MLP(64, 32, 10), fs.TrainPlan(loss="cross_entropy"), dtype="float64", device="cpu"
)
inputs, labels = digits.train.x.double(), digits.train.y
draws = torch.Generator().manual_seed(0)


def gradient_of(chosen: torch.Tensor) -> torch.Tensor:
    """The gradient of the mean loss over some rows, as one vector."""
    engine.loss(engine.forward(inputs[chosen]), labels[chosen])
    engine.zero_grad()
    engine.backward()
    return engine.params.grad.clone()


whole = gradient_of(torch.arange(N))


def noise(size: int) -> float:
    """The root of the mean squared distance to the whole gradient, relative to its length."""
    far = [
        (gradient_of(torch.randperm(N, generator=draws)[:size]) - whole).square().sum() for _ in range(DRAWS)
    ]
    return (torch.stack(far).mean().sqrt() / whole.norm()).item()


sizes = [1, 4, 16, 64, 256]
measured = [noise(size) for size in sizes]
one_by_one = torch.stack([(gradient_of(torch.tensor([n])) - whole).square().sum() for n in range(N)])
of_one_row = (one_by_one.mean().sqrt() / whole.norm()).item()
expected = [of_one_row * math.sqrt((N - size) / (N - 1) / size) for size in sizes]
for size, found, formula in zip(sizes, measured, expected, strict=True):
    print(f"{size:4} rows: noise {found:.3f}, by the formula {formula:.3f}")
    assert abs(found / formula - 1) < 0.2  # a mean over the draws, whose own error is a few hundredths
assert (
    gradient_of(torch.randperm(N, generator=draws)).sub(whole).norm() < 1e-12 * whole.norm() * N
)  # order of the sum

# %%
# In a picture: four times as many rows halve the noise.

canvas = fs.Canvas("Noise of a batch's gradient: digits, 64-32-10", height=3.8)
axes = canvas.axes(x="rows in a batch", y="noise / length of the whole gradient")
axes.loglog(sizes, measured, "o", color=canvas.color(0), label="measured")
axes.loglog(sizes, expected, color=canvas.color(1), label="formula")
canvas.legend(axes)
canvas.figure

# %%
# And its effect on the way: two parameters, the same rows, the same number of epochs.

fs.plot("line", "paths", title="Batch, mini-batch and stochastic descent on one landscape")

# %%
# What does a DataLoader do?
# --------------------------
# It cuts an order of the rows into batches, picks the rows, and can do so in other processes, for data that have to be
# read and prepared. Rows in memory need no more than an index. With the same order both give the same batches:

SIZE = 64
order = torch.randperm(N, generator=draws)
rows_of_digits = TensorDataset(digits.train.x, digits.train.y)
loader = DataLoader(rows_of_digits, batch_size=SIZE, sampler=order.tolist())

seconds: dict[str, list[float]] = {"DataLoader": [], "slices": []}
for _ in range(5):
    started = time.perf_counter()
    from_loader = list(loader)
    seconds["DataLoader"].append(time.perf_counter() - started)
    started = time.perf_counter()
    sliced = [(digits.train.x[chosen], digits.train.y[chosen]) for chosen in order.split(SIZE)]
    seconds["slices"].append(time.perf_counter() - started)

assert len(from_loader) == len(sliced) == math.ceil(N / SIZE)
for (a_x, a_y), (b_x, b_y) in zip(from_loader, sliced, strict=True):
    assert torch.equal(a_x, b_x)
    assert torch.equal(a_y, b_y)
for name, rounds in seconds.items():
    print(f"an epoch of batches, the fastest of five: {name:10} {min(rounds) * 1000:5.1f} ms")

# %%
# Must equal rows be computed again and again?
# --------------------------------------------
# No. A row that occurs five times is one row of weight five: the same loss and the same gradient, at the cost of the
# distinct rows.

repeated = fs.Dataset(fs.Rows(x.repeat(5, 1), y.repeat(5)))
merged = repeated.unique()
print(
    "rows",
    len(repeated.train),
    " distinct",
    len(merged.train),
    " weights",
    merged.train.weight.unique().tolist(),
)
engine = fresh_engine()
engine.loss(engine.forward(repeated.train.x), repeated.train.y)
engine.zero_grad()
engine.backward()
all_rows = engine.params.grad.clone()
engine.loss(engine.forward(merged.train.x), merged.train.y, merged.train.weight / merged.train.weight.sum())
engine.zero_grad()
engine.backward()
assert torch.allclose(engine.params.grad, all_rows, rtol=1e-10)  # the same sum in another order

# %%
# Where do the numbers live?
# --------------------------
# On one device: a network and the rows that it is given must be in the same memory.

try:
    fresh_engine().predict(x.to("meta"))
except fs.InputError as error:
    print(error)

# %%
# What are a step, an epoch and a logit?
# --------------------------------------
# A *step* is one update, from one batch. An *epoch* is as many steps as it takes to see every row once. A *logit* is an
# output before it is turned into a probability: any number, of which the sigmoid makes a share for yes or no, and
# softmax shares for classes. The largest logit is the likeliest class, so an answer needs no softmax.

logits = torch.tensor([[1.0, 3.0, 0.5, 1.5]])
print(logits.softmax(1).tolist())
assert logits.softmax(1).argmax() == logits.argmax()

# %%
# That was the course. The next page: *Tensors*.
