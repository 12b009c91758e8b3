"""
A network from scratch
======================

**The question:** What is a network without a library?

About forty lines. Written once by hand, a network of any depth holds no secrets any more, and one can ask the larger
question: what can such a thing learn at all?
"""

import math
from itertools import pairwise

import torch

import fivestep as fs

# %%
# The idea
# --------
# A network is a list of weights and biases, and three functions: *forward* goes through the list and remembers what
# came out of each layer, *backward* goes through it in the other direction and finds a gradient for each entry,
# *update* moves every entry a little. Nothing else is needed, and none of it depends on how many layers there are.
#
# What can it learn? With one hidden layer, wide enough: any continuous function on a closed and bounded region, as
# closely as you like. That is the *universal approximation* theorem (Cybenko 1989; Hornik, Stinchcombe and White
# 1989). It says that good weights exist. It does not say that descent finds them, nor how many units they need.

# %%
# The formula
# -----------
# Layer :math:`k` of :math:`L`, with :math:`a_0 = x`, bends all but the last:
#
# .. math::
#   z_k = a_{k-1} W_k^T + b_k \qquad a_k = \tanh z_k \;\; (k < L) \qquad z = z_L
#
# .. math::
#   dW_k = dz_k^T a_{k-1} \qquad db_k = \textstyle\sum_n dz_k \qquad dz_{k-1} = (dz_k W_k) \odot (1 - a_{k-1}^2)
#
# For one input and relu, weights that approximate a function :math:`g` can be written down. Choose knots :math:`x_0 <
# x_1 < \dots < x_H` at equal distances :math:`h`, let :math:`s_k` be the slope of the straight line from :math:`g(x_k)`
# to :math:`g(x_{k+1})`, :math:`s_{-1} = 0`:
#
# .. math::
#   \hat g(x) = g(x_0) + \sum_{k=0}^{H-1} (s_k - s_{k-1})\, \mathrm{relu}(x - x_k)
#   \qquad \max_x |\hat g(x) - g(x)| \le \tfrac{1}{8} h^2 \max |g''|
#
# Every unit adds its bend at its knot: the network is the chain of straight lines through :math:`H + 1` points of the
# function.

# %%
# Raw and professional
# --------------------
# The whole network. It keeps what ``forward`` saw, adds to the gradients in ``backward``, and knows two losses.


class Network:
    """A multilayer perceptron with tanh between its layers, by hand."""

    def __init__(self, weights: list[torch.Tensor], biases: list[torch.Tensor]) -> None:
        self.weights = [weight.clone() for weight in weights]
        self.biases = [bias.clone() for bias in biases]
        self.zero_grad()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """From (N, I) to (N, O); what came into each layer is kept."""
        self.inputs = [x]
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            self.inputs.append(torch.tanh(self.inputs[-1] @ weight.T + bias))
        return self.inputs[-1] @ self.weights[-1].T + self.biases[-1]

    def zero_grad(self) -> None:
        """Forgets."""
        self.dweights = [torch.zeros_like(weight) for weight in self.weights]
        self.dbiases = [torch.zeros_like(bias) for bias in self.biases]

    def backward(self, dz: torch.Tensor) -> None:
        """From the gradient of the outputs (N, O) to that of every weight and bias."""
        for k in reversed(range(len(self.weights))):
            a = self.inputs[k]
            self.dweights[k] += dz.T @ a
            self.dbiases[k] += dz.sum(0)
            if k:
                dz = dz @ self.weights[k] * (1 - a * a)

    def update(self, lr: float) -> None:
        """One step of descent."""
        for own, gradients in ((self.weights, self.dweights), (self.biases, self.dbiases)):
            for parameter, gradient in zip(own, gradients, strict=True):
                parameter -= lr * gradient


def logistic(z: torch.Tensor, y: torch.Tensor) -> tuple[float, torch.Tensor]:
    """The binary cross-entropy of logits and its gradient, both (N, 1)."""
    return (torch.nn.functional.softplus(z) - y * z).mean().item(), (z.sigmoid() - y) / len(z)


def squared(z: torch.Tensor, y: torch.Tensor) -> tuple[float, torch.Tensor]:
    """The mean squared error and its gradient, both (N, 1)."""
    return (z - y).square().mean().item(), 2 * (z - y) / z.numel()


# %%
# It learns the moons. Three hidden layers are as easy to write as one:

data = fs.load_dataset("moons")
x, y = data.train.x.double(), data.train.y.double()[:, None]
plan = fs.TrainPlan(loss="binary_cross_entropy", lr=0.5, batch_size=None, epochs=300)
engines = {}
for widths in ((2, 8, 1), (2, 8, 8, 8, 1)):
    spec = fs.MLP(*widths, activation="tanh", init="xavier")
    engine = fs.make_engine("scratch", spec, plan, dtype="float64", device="cpu")
    named = engine.named_parameters()
    network = Network(
        [weight for name, weight in named.items() if name.endswith("weight")],
        [bias for name, bias in named.items() if name.endswith("bias")],
    )
    losses = []
    for _ in range(300):
        z = network.forward(x)  # 1
        loss, dz = logistic(z, y)  # 2
        network.zero_grad()  # 3
        network.backward(dz)  # 4
        network.update(0.5)  # 5
        losses.append(loss)
    engines[spec.sizes_text()] = (network, losses, engine)
    print(f"by hand   {spec.sizes_text():9} loss from {losses[0]:.3f} to {losses[-1]:.3f}")

# %%
# With the program the same networks are two lines each, and the losses of all steps are the same:

for sizes, (_, losses, engine) in engines.items():
    own = [step.loss.item() for step in fs.steps(engine, data, plan)]
    difference = max(abs(one - other) for one, other in zip(own, losses, strict=True))
    print(f"fivestep  {sizes:9} loss {own[-1]:.3f} at last, largest difference {difference:.1e}")
    assert difference < 1e-9  # 300 steps in float64, sums in another order

# %%
# What came out
# -------------
# Now the theorem at work: two waves on an interval, approximated by relu units whose weights are written down. The
# largest error over the interval, for more and more units, and the bound:


def waves(x: torch.Tensor) -> torch.Tensor:
    """The function to approximate, on [0, 1]."""
    return torch.sin(2 * math.pi * x) + 0.5 * torch.cos(6 * math.pi * x)


def written_down(num_units: int) -> dict[str, torch.Tensor]:
    """The weights of a 1-H-1 relu network through H + 1 points of the function."""
    knots = torch.linspace(0, 1, num_units + 1, dtype=torch.float64)
    slopes = waves(knots).diff() * num_units
    bends = torch.cat([slopes[:1], slopes.diff()])
    return {
        "0.weight": torch.ones(num_units, 1),
        "0.bias": -knots[:-1],
        "2.weight": bends[None],
        "2.bias": waves(knots[:1]),
    }


grid = torch.linspace(0, 1, 2001, dtype=torch.float64)[:, None]
curvature = 4 * math.pi**2 + 0.5 * 36 * math.pi**2  # no smaller than max |g''|
errors, curves = {}, {}
for num_units in (4, 8, 16, 32, 64, 128, 256):
    engine = fs.make_engine(
        "scratch", fs.MLP(1, num_units, 1), fs.TrainPlan(loss="mse"), dtype="float64", device="cpu"
    )
    engine.load_weights(written_down(num_units))
    curves[num_units] = engine.predict(grid)
    errors[num_units] = (curves[num_units] - waves(grid)).abs().max().item()
    bound = curvature / 8 / num_units**2
    print(f"{num_units:4} units: largest error {errors[num_units]:.5f}, bound {bound:.5f}")
    assert errors[num_units] <= bound
widths = list(errors)
assert all(errors[b] < errors[a] for a, b in pairwise(widths))
assert 3.5 < errors[128] / errors[256] < 4.5

# %%
# Twice the units, a quarter of the error. Deep networks can do better on some functions; the page on activations has
# one.

# %%
# A picture
# ---------
# Eight, sixteen and sixty-four units. Each kink is one unit.

canvas = fs.Canvas("One hidden layer of relu units, weights written down", height=4.2)
axes = canvas.axes(x="x", y="g(x)")
axes.plot(grid, waves(grid), color=canvas.theme.ink, lw=3, alpha=0.35, label="the function")
for k, num_units in enumerate((8, 16, 64)):
    axes.plot(grid, curves[num_units], color=canvas.color(k), lw=1.5, label=f"{num_units} units")
canvas.legend(axes)
canvas.figure

# %%
# The classic mistake
# -------------------
# Beginning with all weights equal. Two hidden units with the same weights give the same output, get the same gradient
# and make the same step: they stay one unit for ever, and a network of eight is a network of one. Only different
# starting weights can tell them apart, which is why weights are drawn at random.


def hidden_rows(weight: float, num_steps: int) -> torch.Tensor:
    """The first layer's weights after training 2-8-1 from a constant."""
    own = Network([torch.full((8, 2), weight).double(), torch.full((1, 8), weight).double()],
                  [torch.zeros(8).double(), torch.zeros(1).double()])  # fmt: skip
    for _ in range(num_steps):
        loss, dz = logistic(own.forward(x), y)
        own.zero_grad()
        own.backward(dz)
        own.update(0.5)
    different = len(own.weights[0].unique(dim=0))
    print(f"from {weight}: loss {loss:.4f}, different rows in the first layer: {different} of 8")
    return own.weights[0]


rows = hidden_rows(0.3, 300)
# the same arithmetic, up to the order of sums
assert torch.allclose(rows, rows[:1].expand(8, 2), rtol=0, atol=1e-12)

# %%
# Zeros are worse. Then every hidden unit gives 0, so the output's weights get no gradient, and since these are 0 too,
# nothing is passed back. The moons have as many points of one class as of the other, so even the last bias has nothing
# to do. It looks like this: the loss is :math:`\log 2`, at every step.

zeros = fs.make_engine(
    "scratch", fs.MLP(2, 8, 1, activation="tanh", init="zeros"), plan, dtype="float64", device="cpu"
)
losses = [step.loss.item() for step in fs.steps(zeros, data, plan)]
largest = zeros.params.grad.abs().max()
print(f"first loss {losses[0]:.6f}, last loss {losses[-1]:.6f}, largest gradient {largest:.1e}")
assert max(losses) - min(losses) < 1e-12  # rounding
assert abs(losses[0] - math.log(2)) < 1e-12

# %%
# ``fs.verify`` proves the arithmetic, and the arithmetic is right: this is a correct gradient of zero. What shows it is
# the first look at the loss, and ``gradient_flow`` among the pictures.
#
# Exercises
# ---------
# 1. Check the class above by difference quotients.
# 2. How many relu units does :math:`|x|` need, for any :math:`x`? Write the weights down.
# 3. Let descent find the weights for the two waves, with 2, 8 and 32 tanh units. How near does it come to what exists?

# %%
# Solution 1
# ~~~~~~~~~~
# The gradient of one weight in each layer, and the quotient.

network = engines["2-8-8-8-1"][0]
_, dz = logistic(network.forward(x), y)
network.zero_grad()
network.backward(dz)
h = 1e-5
for k, weight in enumerate(network.weights):
    kept = weight[0, 0].item()
    weight[0, 0] = kept + h
    above, _ = logistic(network.forward(x), y)
    weight[0, 0] = kept - h
    below, _ = logistic(network.forward(x), y)
    weight[0, 0] = kept
    quotient = (above - below) / (2 * h)
    print(f"layer {k}: gradient {network.dweights[k][0, 0]:.8f}, quotient {quotient:.8f}")
    # h^2 / 6 times the third derivative, and rounding over h
    assert abs(quotient - network.dweights[k][0, 0]) < 1e-8

# %%
# Solution 2
# ~~~~~~~~~~
# Two: :math:`|x| = \mathrm{relu}(x) + \mathrm{relu}(-x)`, exactly, everywhere.

two = fs.make_engine("scratch", fs.MLP(1, 2, 1), fs.TrainPlan(loss="mse"), dtype="float64", device="cpu")
ones = torch.tensor([[1.0, 1.0]])
two.load_weights(
    {
        "0.weight": torch.tensor([[1.0], [-1.0]]),
        "0.bias": torch.zeros(2),
        "2.weight": ones,
        "2.bias": torch.zeros(1),
    }
)
places = torch.linspace(-1000, 1000, 77, dtype=torch.float64)[:, None]
assert torch.equal(two.predict(places), places.abs())
print(two.predict(torch.tensor([[-3.0], [0.0], [5.0]])).flatten().tolist())

# %%
# Solution 3
# ~~~~~~~~~~
# More units come nearer. But descent does not reach what can be written down for as many units, or only after very many
# steps: that good weights exist is one thing, to find them another.

EPOCHS = 4000  # quick: 1000
points = fs.Dataset(fs.Rows(grid[::10], waves(grid[::10])[:, 0]))
fit_plan = fs.TrainPlan(loss="mse", optimizer="adam", lr=0.01, batch_size=None, epochs=EPOCHS)
specs = [fs.MLP(1, num_units, 1, activation="tanh") for num_units in (2, 8, 32)]
found = []
for member in fs.fit_many(specs, points, fit_plan, engine="scratch", dtype="float64", device="cpu"):
    found.append((member.engine.predict(grid) - waves(grid)).abs().max().item())
    print(f"{member.spec.sizes_text():7} trained: largest error {found[-1]:.3f}")
assert found[-1] < found[0] / 2
assert found[-1] > errors[32]

# %%
# What you learned
# ----------------
# - A network of any depth is a list of weights and three short functions.
# - With enough hidden units one layer comes as near to a continuous function as you like; weights that do it can be
#   written down.
# - That they exist does not mean that descent finds them.
# - Weights must begin different from each other. From zeros nothing ever moves.
#
# The next page: *Five steps: raw against professional*.
