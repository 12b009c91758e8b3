"""
Building blocks
===============

**The question:** What are networks made of?

Six blocks are enough for nearly everything in this course: a linear layer, an activation, softmax, an embedding, layer
normalization and dropout. Each is a line or two of raw tensors.
"""

import math
import warnings

import torch

import fivestep as fs

# %%
# The idea
# --------
# A block takes a tensor and gives a tensor. Some hold parameters that training moves (linear, embedding, layer
# normalization), the others have nothing to learn. None of them mixes what lies along the axes before the last, so the
# same block takes rows :math:`(N, d)` and tokens :math:`(N, T, d)`. (An embedding takes ids, :math:`(N, T)`, and adds
# the last axis.)
#
# The formula
# -----------
# - Linear: :math:`z = x W^\top + b`.
# - ReLU: :math:`a = \max(z, 0)`.
# - GELU: :math:`a = z \, \Phi(z)`, with the share :math:`\Phi(z)` of a standard normal variable that lies below
#   :math:`z`.
# - Softmax: :math:`p_c = e^{z_c} / \sum_k e^{z_k}`.
# - Embedding: :math:`y_t = W_{x_t}`, a row of a table.
# - Layer normalization: :math:`y = g \, (x - \text{mean}(x)) / \sqrt{\text{var}(x) + \varepsilon} + b`, along a row.
# - Dropout: :math:`y = x \, m / (1 - p)`, where :math:`m` is 0 with probability :math:`p` and 1 otherwise.
#
# Raw and professional
# --------------------
# A function that shows a block three ways: raw, by torch's module, and by a network of this program that has only this
# block behind an identity (a linear layer that changes nothing, because a network must have something to train).


def through(layer: str, x: torch.Tensor) -> torch.Tensor:
    """What the layer of this program answers, in evaluation."""
    width = x.shape[-1]
    spec = fs.NetSpec((fs.Choice("linear", out_features=width), fs.Choice.parse(layer)), width, width)
    engine = fs.make_engine("scratch", spec, fs.TrainPlan(loss="mse"), device="cpu")
    engine.load_weights(
        {**engine.named_parameters(), "0.weight": torch.eye(width), "0.bias": torch.zeros(width)}
    )
    return engine.predict(x.reshape(-1, width)).reshape(x.shape)


def agree(name: str, raw: torch.Tensor, *others: torch.Tensor) -> None:
    """Prints the raw values, and holds the others against them."""
    print(f"{name:10}", [round(value, 4) + 0.0 for value in raw.flatten().tolist()])
    for other in others:
        assert torch.allclose(raw, other, atol=1e-6)  # a few roundings of numbers of size one in float32


# %%
# **Activations** bend, element by element. GELU has a cheaper form without :math:`\Phi`, with which many models were
# trained:

z = torch.tensor([[-2.0, -0.5, 0.0, 0.5, 2.0]])
agree("ReLU", z.clamp(min=0), torch.nn.ReLU()(z), through("relu", z))
assert z.clamp(min=0).tolist() == [[0.0, 0.0, 0.0, 0.5, 2.0]]
agree("tanh", (z.exp() - (-z).exp()) / (z.exp() + (-z).exp()), torch.nn.Tanh()(z), through("tanh", z))
agree("sigmoid", 1 / (1 + (-z).exp()), torch.nn.Sigmoid()(z), through("sigmoid", z))

gelu = z * 0.5 * (1 + torch.erf(z / math.sqrt(2)))
gelu_tanh = 0.5 * z * (1 + torch.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)))
agree("GELU", gelu, torch.nn.GELU()(z), through("gelu", z))
agree("GELU, tanh", gelu_tanh, torch.nn.GELU(approximate="tanh")(z), through("gelu_tanh", z))

PRINTED = 5e-5  # the worked values have four decimals
assert torch.allclose(gelu, torch.tensor([-0.0455, -0.1543, 0.0, 0.3457, 1.9545]), atol=PRINTED)
many = torch.linspace(-6, 6, 10_001)
apart = (torch.nn.GELU()(many) - torch.nn.GELU(approximate="tanh")(many)).abs().max()
print(f"the two forms of GELU are at most {apart.item():.5f} apart")
assert 0 < apart < 0.0005

# %%
# **Softmax** makes numbers of any size positive, with sum one. The largest is taken away first, which changes nothing
# in the quotient and keeps the exponentials from overflowing.


def softmax(z: torch.Tensor) -> torch.Tensor:
    """Shares that sum to one over the last axis."""
    e = (z - z.max(-1, keepdim=True).values).exp()
    return e / e.sum(-1, keepdim=True)


z = torch.tensor([[1.0, 3.0, 0.5, 1.5]])
agree("softmax", softmax(z), torch.nn.Softmax(-1)(z), through("softmax", z))
assert torch.allclose(softmax(z), torch.tensor([0.0939, 0.6942, 0.0570, 0.1549]), atol=PRINTED)
z = torch.tensor([[-1.0, 2.0, 1.0, 0.0]])
agree("softmax", softmax(z), torch.nn.Softmax(-1)(z), through("softmax", z))
assert torch.allclose(softmax(z), torch.tensor([0.0321, 0.6439, 0.2369, 0.0871]), atol=PRINTED)
assert softmax(z).argmax() == z.argmax()  # the largest stays the largest
assert torch.allclose(softmax(z + 100), softmax(z))  # only differences count
print("of large numbers", softmax(torch.tensor([1000.0, 1001.0])).tolist())
assert softmax(torch.tensor([1000.0, 1001.0])).isfinite().all()

# %%
# **Layer normalization** gives each row the mean zero and the deviation one, then lets two parameters for each place
# undo it. It divides by :math:`\sqrt{\text{var}}` with the variance over :math:`I`, not over :math:`I - 1`.


def layer_norm(x: torch.Tensor, g: torch.Tensor, b: torch.Tensor, eps: float = 1e-5) -> torch.Tensor:
    """Each row by itself."""
    centered = x - x.mean(-1, keepdim=True)
    return g * centered / (centered.square().mean(-1, keepdim=True) + eps).sqrt() + b


x = torch.tensor([[1.0, 2.0, 3.0]])
normalized = layer_norm(x, torch.ones(3), torch.zeros(3))
agree("layer norm", normalized, torch.nn.LayerNorm(3)(x).detach(), through("layer_norm", x))
assert torch.allclose(normalized, torch.tensor([-1.2247, 0.0, 1.2247]), atol=PRINTED)
print(f"deviation over I {normalized.std(correction=0).item():.6f}, over I - 1 {normalized.std().item():.4f}")
assert abs(normalized.std(correction=0).item() - 0.999992) < 1e-6  # eps takes off what is missing to one
assert abs(normalized.std().item() - 1.2247) < PRINTED
undone = layer_norm(x, torch.full((3,), math.sqrt(2 / 3 + 1e-5)), torch.full((3,), 2.0))
assert torch.allclose(undone, x)  # the deviation for g and the mean for b give the row back

# %%
# What came out
# -------------
# Rows of a layer normalization do not know each other; rows of a batch normalization do, because it takes its mean over
# the batch.

draws = torch.Generator().manual_seed(0)
rows = torch.randn(8, 3, generator=draws)
changed = rows.clone()
changed[1:] += 1
layer, batch = torch.nn.LayerNorm(3), torch.nn.BatchNorm1d(3)
assert torch.equal(layer(rows)[0], layer(changed)[0])
assert not torch.allclose(batch(rows)[0], batch(changed)[0])
print("first row, when the others change: layer norm stays, batch norm moves")

# %%
# **Dropout** throws away a share of the numbers in training and enlarges the rest, so that the mean stays. In
# evaluation it does nothing. The mean over many draws is within a few standard errors of what went in: the deviation of
# one draw of :math:`x m / (1-p)` with :math:`x = 1` is :math:`\sqrt{p / (1 - p)}`.

P, MANY = 0.3, 200_000
keep = torch.rand(MANY, generator=draws) >= P
dropped = keep / (1 - P)
error = math.sqrt(P / (1 - P) / MANY)
print(
    f"share of zeros {1 - keep.float().mean().item():.3f}, mean {dropped.mean().item():.4f} with error {error:.4f}"
)
assert abs(dropped.mean().item() - 1) < 5 * error
module = torch.nn.Dropout(P)
assert {round(v, 5) for v in module(torch.ones(1000)).tolist()} == {0.0, round(1 / (1 - P), 5)}
assert torch.equal(module.eval()(x), x)
assert torch.equal(through(f"dropout:p={P}", x), x)  # predict is evaluation

# %%
# **Embedding** looks up rows by number. The ids may have any shape; each becomes a row of the table.

ids = torch.tensor([[1, 4, 4, 0]])
table = torch.randn(10, 3, generator=draws)
embedding = fs.Choice("embedding", num_embeddings=10, embedding_dim=3)
words = fs.make_engine("scratch", fs.NetSpec((embedding,), 4, 3), fs.TrainPlan(loss="mse"), device="cpu")
words.load_weights({"0.weight": table})
agree("embedding", table[ids], torch.nn.Embedding.from_pretrained(table)(ids), words.predict(ids))
assert table[ids].shape == (1, 4, 3)
try:
    words.predict(ids + 6)
except fs.InputError as error:
    print(error)

# %%
# **Linear** multiplies and adds, whatever axes stand before the last. Two of them with a GELU between are the
# feed-forward block of a transformer, and every token is treated alike, so exchanging tokens exchanges the answers:

block = fs.make_engine("scratch", fs.FeedForward(6), fs.TrainPlan(loss="mse"), device="cpu")
tokens = torch.randn(2, 5, 6, generator=draws)
order = torch.tensor([3, 0, 4, 1, 2])
assert torch.allclose(block.predict(tokens[:, order]), block.predict(tokens)[:, order], atol=1e-6)
print("feed-forward block", tuple(tokens.shape), "->", tuple(block.predict(tokens).shape))

# %%
# Parameters are found by walking through a network. In torch, a ``Parameter`` that is an attribute registers itself,
# and so does a module in a ``ModuleList``; a plain tensor or a plain list of modules does not, and is silently left out
# of training.


class Registered(torch.nn.Module):
    """Only two of four attributes can be trained."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))
        self.forgotten = torch.ones(1)
        self.layers = torch.nn.ModuleList([torch.nn.Linear(2, 2)])
        self.lost = [torch.nn.Linear(2, 2)]


found = [name for name, _ in Registered().named_parameters()]
print("found:", found)
assert found == ["scale", "layers.0.weight", "layers.0.bias"]

# %%
# ``apply`` walks through the same tree, to give every linear layer its initial values. Here that is a word of the
# network's description.


def begin(module: torch.nn.Module) -> None:
    """Small weights and no bias, in every linear layer."""
    if isinstance(module, torch.nn.Linear):
        torch.nn.init.normal_(module.weight, std=0.01, generator=draws)
        torch.nn.init.zeros_(module.bias)


begun = torch.nn.Sequential(torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10)).apply(begin)
ours = fs.make_engine(
    "scratch", fs.MLP(784, 256, 10, init="normal"), fs.TrainPlan(), device="cpu"
).named_parameters()
for name, parameter in begun.named_parameters():
    print(f"{name:9} deviation {parameter.std().item():.4f}, here {ours[name].std().item():.4f}")
    assert parameter.std().sub(ours[name].std()).abs() < 0.001  # the smallest has 2,560 draws

# %%
# In this program a network is data, so nothing can be left out: its summary shows every parameter, under the names that
# torch would give.

print(fs.MLP(2, 8, 1, activation="tanh", norm="layer_norm", dropout=0.1))

# %%
# A picture
# ---------
# The blocks of that network in order, with the shapes of what lies between them.

plan = fs.TrainPlan(loss="binary_cross_entropy")
drawn = fs.make_engine(
    "scratch",
    fs.MLP(2, 8, 1, activation="tanh", norm="layer_norm", dropout=0.1),
    plan,
    device="cpu",
)
fs.plot(drawn, "network", data=fs.load_dataset("moons"), title="A network as its blocks")

# %%
# The classic mistake
# -------------------
# A softmax before a loss that has one. The loss takes logits and applies softmax itself; a second one squeezes its
# inputs into the range from 0 to 1, where no answer can be sure. With ten classes the loss cannot get below
# :math:`\log(e + 9) - 1`, however right the network is. The program warns when it makes such a network:

twice = fs.NetSpec((fs.Choice("linear", out_features=10), fs.Choice("softmax")), 64, 10)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    fs.make_engine("scratch", twice, fs.TrainPlan(loss="cross_entropy"), device="cpu")
print(caught[0].message)

perfect = torch.zeros(1, 10)
perfect[0, 7] = 1.0  # a share of one for the right class: no softmax can answer better
floor = torch.nn.functional.cross_entropy(perfect, torch.tensor([7]))
print(f"best loss after a second softmax: {floor.item():.4f}")
assert abs(floor.item() - (math.log(math.e + 9) - 1)) < 1e-6
assert abs(floor.item() - 1.4612) < PRINTED

# %%
# The sibling of it: the logarithm of a sigmoid that has become exactly zero. Torch's ``BCELoss`` takes probabilities
# and clamps the logarithm; on logits nothing is lost.

sure = torch.tensor([200.0])
cut = torch.nn.functional.binary_cross_entropy(torch.sigmoid(-sure.double()).float(), torch.ones(1))
whole = torch.nn.functional.binary_cross_entropy_with_logits(-sure, torch.ones(1))
print("on probabilities", cut.item(), " on logits", whole.item())
assert cut == 100
assert whole == 200

# %%
# Exercises
# ---------
# 1. The sigmoid is a softmax of two classes. Of which two logits?
# 2. ``tanh`` is a sigmoid that was stretched and moved. How?
# 3. With which weight and bias is a layer normalization of two numbers that differ always (-1, 1) or (1, -1), and why?

# %%
# Solution 1
# ~~~~~~~~~~
# Of the logit and zero: only the difference counts.

logits = torch.linspace(-4, 4, 9)
two = torch.stack([logits, torch.zeros(9)], dim=1)
assert torch.allclose(softmax(two)[:, 0], torch.sigmoid(logits))
print([round(v, 3) for v in softmax(two)[:, 0].tolist()])

# %%
# Solution 2
# ~~~~~~~~~~
# Twice as steep, twice as high, one lower: :math:`\tanh(z) = 2 \sigma(2 z) - 1`.

assert torch.allclose(torch.tanh(logits), 2 * torch.sigmoid(2 * logits) - 1, atol=1e-6)

# %%
# Solution 3
# ~~~~~~~~~~
# With those that it begins with, one and zero. Two numbers lie equally far from their mean, so both deviations are one;
# :math:`\varepsilon` takes a little off where the two are close together.

pairs = torch.tensor([[1.0, 5.0], [3.0, -2.0], [0.0, 100.0]])
print(layer_norm(pairs, torch.ones(2), torch.zeros(2)).round(decimals=4).tolist())
assert torch.allclose(layer_norm(pairs, torch.ones(2), torch.zeros(2)).abs(), torch.ones(3, 2), atol=1e-5)

# %%
# What you learned
# ----------------
# - Six blocks, each a line or two; raw, torch and this program give the same numbers.
# - Softmax belongs in the loss, not before it; losses take logits.
# - Layer normalization looks along a row, batch normalization along the batch.
# - Dropout keeps the mean in training and does nothing in evaluation.
#
# The next page: *Numbers and their limits*.
