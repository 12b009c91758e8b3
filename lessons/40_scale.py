"""
From two parameters to eight billion
====================================

**The question:** What changes when a network grows, and what does not?

The loop that found a slope and an intercept trains a language model too. This page counts what is in one, takes apart
the block that most of its parameters are in, and trains a small relative of it.
"""

import math
import time

import torch
from torch import nn

import fivestep as fs

# %%
# The idea
# --------
# Predict, measure, forget, find the gradient, step downhill: nothing in these five lines knows how many parameters
# there are. What grows is memory and arithmetic, and with them the reasons to split both among machines.
#
# A *transformer* reads a text as a row of *tokens*, each a vector of :math:`d` numbers. Attention lets tokens look at
# each other. Then a *feed-forward block* works on every token by itself: a linear layer to a larger number of units, an
# activation, a linear layer back to :math:`d`. It is the MLP of this course, once for each token.

# %%
# The formula
# -----------
# The block, for a token :math:`x` of :math:`d` numbers and :math:`h` hidden units, and its gated form, in which a
# second product decides how much of each unit passes:
#
# .. math::
#   y = W_2\, \text{GELU}(W_1 x + b_1) + b_2, \qquad
#   y = W_\text{down} \big( \text{SiLU}(W_\text{gate}\, x) \odot W_\text{up}\, x \big)
#
# The first has :math:`2dh + h + d` parameters, the second, without biases, :math:`3dh`. GELU is :math:`z` times the
# probability that a standard normal number is smaller than :math:`z`; there is an approximation by a tanh:
#
# .. math::
#   \text{GELU}(z) = z\, \Phi(z) \approx \tfrac{z}{2} \Big( 1 + \tanh \big( \sqrt{2/\pi}\, (z + 0.044715\, z^3)
#   \big) \Big)

z = torch.tensor([-2.0, -0.5, 0.0, 0.5, 2.0], dtype=torch.float64)
exact = z * (1 + torch.erf(z / math.sqrt(2))) / 2
by_tanh = z / 2 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)))
print(
    "GELU",
    [round(value, 4) for value in exact.tolist()],
    f"the approximation is {(exact - by_tanh).abs().max():.0e} off",
)
assert [round(value, 4) for value in exact.tolist()] == [-0.0455, -0.1543, 0.0, 0.3457, 1.9545]
torch.testing.assert_close(exact, nn.functional.gelu(z), rtol=1e-12, atol=0)
torch.testing.assert_close(by_tanh, nn.functional.gelu(z, approximate="tanh"), rtol=1e-12, atol=1e-15)

# %%
# Raw and professional
# --------------------
# The block on 3 texts of 5 tokens: from raw tensors, as a torch module, and as a network of this program. Leading
# dimensions do not matter to any of them.

D = 16
spec = fs.FeedForward(D)
engine = fs.make_engine("scratch", spec, fs.TrainPlan(loss="mse"), dtype="float64")
w = engine.named_parameters()
tokens = torch.randn(3, 5, D, generator=torch.Generator().manual_seed(0), dtype=torch.float64)  # (N, T, d)

hidden = tokens @ w["0.weight"].T + w["0.bias"]  # (N, T, 4 d)
raw = (hidden * (1 + torch.erf(hidden / math.sqrt(2))) / 2) @ w["2.weight"].T + w["2.bias"]

module = nn.Sequential(nn.Linear(D, 4 * D), nn.GELU(), nn.Linear(4 * D, D)).double()
module.load_state_dict(w)

ours = engine.predict(tokens)
print(spec)
print("in", tuple(tokens.shape), "out", tuple(ours.shape))
for other in (raw, module(tokens).detach()):
    torch.testing.assert_close(other, ours, rtol=1e-10, atol=1e-12)  # rounding

# %%
# What came out
# -------------
# **Every token by itself.** Tokens in another order give the same answers in that order. A block of this kind knows
# nothing of order; attention and the positions that are added to the tokens do.

order = torch.tensor([3, 0, 4, 1, 2])
torch.testing.assert_close(
    engine.predict(tokens[:, order]), ours[:, order], rtol=1e-12, atol=1e-14
)  # rounding
torch.testing.assert_close(engine.predict(tokens[0, 2:3]), ours[0, 2:3], rtol=1e-12, atol=1e-14)  # one alone
print("permuting the tokens permutes the answers")

# %%
# **Eight billion.** The published shape of Llama 3 8B (Llama Team 2024, "The Llama 3 herd of models", table 3, and its
# tokenizer's 128,256 entries): 32 layers of width 4096, gated blocks of 14,336 units, 32 heads for queries and 8 for
# keys and values, no biases, and input and output tables of their own. Only shapes are counted; no number is stored.

d, h, num_layers, vocabulary, heads, shared_heads = 4096, 14_336, 32, 128_256, 32, 8
plain = fs.FeedForward(d, h)
gated = fs.FeedForward(d, h, gated=True, activation="silu")
print(f"a plain block {plain.num_parameters:,}, one of its matrices {d * h:,}, stored as ({h}, {d})")
print(f"a gated block {gated.num_parameters:,}")
assert plain.num_parameters == 2 * d * h + h + d == 117_458_944
assert d * h == 58_720_256
assert plain.build()[0].parameter_shapes()["weight"] == (h, d)
assert gated.num_parameters == 3 * d * h

head = d // heads
attention = 2 * d * d + 2 * d * shared_heads * head  # queries and output; keys and values
norms = 2 * d  # two RMS norms in each layer
total = (
    num_layers * (attention + gated.num_parameters + norms) + 2 * vocabulary * d + d
)  # one more norm at the end
print(f"attention {attention:,} and norms {norms:,} a layer, tables {2 * vocabulary * d:,}")
print(f"in all {total:,}; of these in feed-forward blocks {num_layers * gated.num_parameters / total:.0%}")
assert total == 8_030_261_248

# %%
# **What it needs.** With Adam in ``float32`` four numbers of four bytes for each parameter; for each parameter and
# token six operations. The number of tokens is the published one, the speed that of one large accelerator at work.

NUM_TOKENS, PER_SECOND = 15e12, 4e14
years = 6 * total * NUM_TOKENS / PER_SECOND / (365 * 24 * 3600)
print(
    f"memory for training {16 * total / 1e9:.0f} GB, to answer with two bytes each {2 * total / 1e9:.0f} GB"
)
print(f"{6 * total * NUM_TOKENS:.1e} operations: {years:.0f} years of one such accelerator")

# %%
# **The same five lines.** Ten steps each, from a line to a block of a real transformer's kind, and only the network and
# its loss differ.

sizes = {
    "line": (fs.LinearRegression(1), "mse"),
    "moons": (fs.MLP(2, 8, 1), "binary_cross_entropy"),
    "Fashion-MNIST": (fs.MLP(784, 256, 10), "cross_entropy"),
    "block, d = 256": (fs.FeedForward(256), "mse"),
    "block, d = 512": (fs.FeedForward(512), "mse"),
}
measured = {}
for name, (network, loss_name) in sizes.items():
    engine = fs.make_engine("scratch", network, fs.TrainPlan(loss=loss_name, lr=0.5))
    x = torch.randn(100, network.in_features, generator=torch.Generator().manual_seed(0))
    y = {
        "mse": torch.zeros(100, network.out_features),
        "binary_cross_entropy": torch.ones(100),
        "cross_entropy": torch.zeros(100, dtype=torch.long),
    }[loss_name]
    losses, started = [], time.perf_counter()
    for _ in range(10):
        logits = engine.forward(x)  # 1  predict
        loss = engine.loss(logits, y)  # 2  measure
        engine.zero_grad()  # 3  forget the last gradient
        engine.backward()  # 4  find the new one
        engine.update()  # 5  step downhill
        losses.append(loss.item())
    measured[name] = network.num_parameters
    milliseconds = (time.perf_counter() - started) * 100
    print(
        f"{name:15} {network.num_parameters:9,} parameters  loss {losses[0]:.3f} -> {losses[-1]:.3f}"
        f"  {milliseconds:.2f} ms a step"
    )
    assert losses[-1] < losses[0]
assert list(measured.values())[:3] == [2, 33, 203_530]

# %%
# **A small relative.** The task ``next-token`` is a text that the program makes up: 16 letters, and after each pair of
# letters four may follow, with known probabilities. The network embeds the last four letters, and its one residual
# block is the one above. Nobody can get below the entropy of the text; whoever only knows how frequent the
# letters are gets the loss of the *unigram*.

EPOCHS = 5  # quick: 2
data = fs.load_dataset("next-token")
block = fs.Choice(
    "residual", layers=("layer_norm", "linear:out_features=256", "gelu", "linear:out_features=64")
)
letters = fs.Choice("embedding", num_embeddings=16, embedding_dim=16)
first = fs.Choice("linear", out_features=64)
language = fs.NetSpec(
    (letters, fs.Choice("flatten"), first, block, fs.Choice("linear")),
    4,
    16,
    title="language model",
)
plan = fs.TrainPlan(optimizer="adam", lr=0.01, schedule="cosine", batch_size=256, epochs=EPOCHS)
(member,) = fs.fit_many(language, data, [plan], every=1)
test = fs.evaluate(member.engine, data.test)
for name, known in data.known_losses.items():
    print(f"{name:8} {known:.4f}")
print(
    f"network  {test.loss:.4f}, right {test.accuracy:.3f} of the time, with {language.num_parameters:,} parameters"
)
assert data.known_losses["entropy"] < test.loss < data.known_losses["unigram"] - 0.5
assert math.isclose(data.known_losses["entropy"], 1.75 * math.log(2))

# %%
# A picture
# ---------
# How many parameters, on a logarithmic axis: equal lengths are equal factors.

bars = {**measured, "Llama's block, plain": plain.num_parameters, "Llama 3 8B": total}
canvas = fs.Canvas("Parameters", height=3.6)
axes = canvas.axes(x="number of parameters")
axes.barh(list(bars), list(bars.values()), color=canvas.color(0))
axes.set_xscale("log")
axes.set_xlim(1, 1e13)
axes.invert_yaxis()
for place, count in enumerate(bars.values()):
    axes.text(count * 1.3, place, f"{count:,}", va="center", color=canvas.theme.ink)
canvas.figure

# %%
# The training of the small relative:

fs.plot(member, "curves")

# %%
# The classic mistake
# -------------------
# A matrix on its side. Weights are stored as ``(out, in)``, and the product is with the transpose; other programs store
# ``(in, out)``. A square matrix goes in either way and nothing complains. One that is not square is refused.

engine = fs.make_engine("scratch", fs.FeedForward(D), fs.TrainPlan(loss="mse"))
w = engine.named_parameters()
try:
    engine.load_weights({**w, "0.weight": w["0.weight"].T})
except fs.InputError as error:
    message = str(error)
print(message)
assert "(out, in)" in message

# %%
# Another one is to count a model by the picture in a textbook. With plain blocks of two matrices and biases Llama would
# be smaller by a quarter.

textbook = total - num_layers * (gated.num_parameters - plain.num_parameters)
print(f"with plain blocks {textbook:,}: {1 - textbook / total:.0%} less")
assert 0.2 < 1 - textbook / total < 0.3

# %%
# Exercises
# ---------
# 1. A plain block with :math:`h = 4d` and a gated one shall have the same number of weights. How many hidden units has
#    the gated one?
# 2. Show that the feed-forward block with a *batch* normalization in front is no longer "every token by itself" while
#    it trains, and that with a layer normalization it is.
# 3. How many parameters can be trained with Adam in ``float32`` in 24 GB, and how many gated blocks of Llama's shape is
#    that?

# %%
# Solution 1
# ~~~~~~~~~~
# :math:`3dh = 2d \cdot 4d` gives :math:`h = 8d/3`.

for width in (384, 768):
    two = 2 * width * 4 * width
    three = fs.FeedForward(width, 8 * width // 3, gated=True, activation="silu").num_parameters
    print(f"d = {width}: {two:,} and {three:,}")
    assert two == three

# %%
# Solution 2
# ~~~~~~~~~~
# Change one token, and see which answers change.

for norm in ("batch_norm", "layer_norm"):
    layers = (fs.Choice(norm), *fs.FeedForward(D).layers)
    engine = fs.make_engine("scratch", fs.NetSpec(layers, D, D), fs.TrainPlan(loss="mse"), dtype="float64")
    before = engine.forward(tokens).clone()
    changed = tokens.clone()
    changed[0, 0] += 1
    others = (engine.forward(changed) - before).abs().flatten(0, 1)[1:].max().item()
    print(f"{norm}: the other tokens' answers change by {others:.1e}")
    assert (others > 1e-6) == (norm == "batch_norm")

# %%
# Solution 3
# ~~~~~~~~~~
# Sixteen bytes each, without the activations.

most = int(24e9 / 16)
print(f"{most:,} parameters, {most // gated.num_parameters} gated blocks of Llama's size")
assert most // gated.num_parameters == 8

# %%
# What you learned
# ----------------
# - The five steps do not change from 2 parameters to 8 billion; memory and arithmetic do.
# - The feed-forward block is this course's MLP, for every token by itself.
# - Counts come from shapes: write them down, add them up, and compare with what is published.
#
# The next page: *What comes next*.
