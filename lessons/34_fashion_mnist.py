"""
Fashion-MNIST two ways
======================

**The question:** How much is a hidden layer worth on real images?

Ten kinds of clothes on 28 x 28 gray pixels: 60,000 images to learn from, 10,000 to be asked about afterwards. The same
network from raw tensors and from torch's modules, and beside it a model without a hidden layer.
"""

import math
import warnings

import torch
from torch import nn

import fivestep as fs

try:
    data = fs.load_dataset("fashion-mnist")
except fs.InputError:
    print("The files of Fashion-MNIST are not here and cannot be fetched; this page goes on with the digits.")
    data = fs.load_dataset("digits")

assert data.name == "digits" or (len(data.train), len(data.test)) == (60_000, 10_000)
NUM_ROWS = len(data.train)  # quick: 1000
NUM_TESTED = len(data.test)  # quick: 300
SEEDS = range(5)  # quick: range(2)
EPOCHS = 10  # quick: 2
data = fs.Dataset(
    data.train.take(slice(NUM_ROWS)),
    test=data.test.take(slice(NUM_TESTED)),
    num_outputs=10,
    name=data.name,
    class_names=data.class_names,
)
NUM_PIXELS = data.in_features
print(
    f"{data.name}: {len(data.train):,} images to learn from, {len(data.test):,} to test, {NUM_PIXELS} pixels each"
)

# %%
# The idea
# --------
# *Softmax regression* is one linear layer: for each class one weight for each pixel, and the class with the largest sum
# is the answer. It can only say "more ink here speaks for a bag". A *hidden layer* first makes 256 sums of its own,
# cuts off what is negative, and lets the last layer add up these: it can say "ink here *and* none there".
#
# Which one is better is not decided by one run. Each begins with other random weights for each seed, so both are
# trained from several seeds, and the difference has to be larger than what the seed does.

# %%
# The formula
# -----------
# With an image :math:`x` of :math:`I` pixels, :math:`H` hidden units and :math:`C` classes,
#
# .. math::
#   \text{softmax regression:} \quad z = W x + b, \qquad
#   \text{MLP:} \quad z = W_2 \max(W_1 x + b_1, 0) + b_2
#
# and the loss of a row with the label :math:`y` is :math:`\log \sum_c e^{z_c} - z_y`. The first has :math:`CI + C`
# parameters, the second :math:`HI + H + CH + C`.

for network in (fs.SoftmaxRegression(784, 10), fs.MLP(784, 256, 10)):
    print(network, end="\n\n")
assert fs.SoftmaxRegression(784, 10).num_parameters == 10 * 784 + 10
assert fs.MLP(784, 256, 10).num_parameters == 256 * 784 + 256 + 10 * 256 + 10 == 203_530

# %%
# Raw and professional
# --------------------
# The first epoch three times, from the same weights and with the images in the same order: from raw tensors, from
# ``torch.nn`` and ``torch.optim``, and by this program's engine ``scratch``.

spec = fs.MLP(NUM_PIXELS, 256, 10, init="normal")  # weights N(0, 0.01^2), biases zero
plan = fs.TrainPlan(loss="cross_entropy", optimizer="sgd", lr=0.1, batch_size=256, epochs=EPOCHS)
engine = fs.make_engine("scratch", spec, plan)
start = {name: w.clone() for name, w in engine.named_parameters().items()}
x, y = data.train.x, data.train.y
batches = torch.randperm(len(x), generator=torch.Generator().manual_seed(1)).split(256)


def raw():
    """The losses of one epoch, with nothing but tensors and autograd."""
    w1, b1, w2, b2 = (w.clone().requires_grad_() for w in start.values())
    losses = []
    for rows in batches:
        hidden = (x[rows] @ w1.T + b1).clamp(min=0)
        logits = hidden @ w2.T + b2  # 1  predict
        loss = (logits.logsumexp(1) - logits[torch.arange(len(rows)), y[rows]]).mean()  # 2  measure
        for w in (w1, b1, w2, b2):
            w.grad = None  # 3  forget the last gradient
        loss.backward()  # 4  find the new one
        with torch.no_grad():
            for w in (w1, b1, w2, b2):
                w.sub_(0.1 * w.grad)  # 5  step downhill
        losses.append(loss.item())
    return losses


def professional(state):
    """The same with modules, a loss and an optimizer of torch; `state` is what it begins with, or None."""
    model = nn.Sequential(nn.Linear(NUM_PIXELS, 256), nn.ReLU(), nn.Linear(256, 10))
    if state is not None:
        model.load_state_dict(state)
    criterion, optimizer = nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for rows in batches:
        loss = criterion(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


ours = [engine.train_step(x[rows], y[rows]).item() for rows in batches]
for name, losses in (("raw", raw()), ("professional", professional(start))):
    gap = max(abs(a - b) for a, b in zip(losses, ours, strict=True))
    print(
        f"{name:12}  first loss {losses[0]:.6f}  last loss {losses[-1]:.6f}  largest distance from ours {gap:.1e}"
    )
    assert gap < 1e-3  # float32: sums in other orders, carried through an epoch
with torch.random.fork_rng(devices=[]):
    torch.manual_seed(0)
    other = professional(None)
print(f"nn.Linear's own start  first loss {other[0]:.6f}  last loss {other[-1]:.6f}: another run")
assert abs(other[0] - ours[0]) > 1e-3

# %%
# What came out
# -------------
# Both models from every seed, all epochs; accuracy and cross-entropy on the test images, which had no part in anything.


def scores_of(spec, plans, rows=data):
    """The test loss and the test accuracy of each training: (len(plans), 2)."""
    members = fs.fit_many(spec, rows, plans, engine="scratch")
    return torch.tensor([fs.evaluate(member.engine, rows.test)[:2] for member in members]), members


plans = [
    fs.TrainPlan(epochs=EPOCHS, seed=seed) for seed in SEEDS
]  # everything else as above: these are the defaults
softmax, softmax_runs = scores_of(fs.SoftmaxRegression(NUM_PIXELS, 10, init="normal"), plans)
mlp, mlp_runs = scores_of(spec, plans)
for name, scores in (("softmax regression", softmax), ("MLP", mlp)):
    print(
        f"{name:18}  accuracy",
        *(f"{a:.3f}" for a in scores[:, 1]),
        f" mean {scores[:, 1].mean():.3f}",
        end="",
    )
    print("   cross-entropy", *(f"{a:.3f}" for a in scores[:, 0]), f" mean {scores[:, 0].mean():.3f}")

IS_LONG = True  # quick: False
if IS_LONG and data.name == "fashion-mnist":
    assert mlp[:, 1].mean() > softmax[:, 1].mean()
    assert (mlp[:, 0] < softmax[:, 0]).all()
    assert 0.82 < softmax[:, 1].mean() < mlp[:, 1].mean() < 0.86

# %%
# On all 60,000 clothes, after ten epochs, the hidden layer is worth about one point of accuracy in the mean. From seed
# to seed the MLP alone moves by nearly as much, so one run of each says little about the size of the difference, and a
# lucky run of the smaller model comes near an unlucky one of the larger. The cross-entropy is lower for every seed. It
# asks for more than the accuracy does: also that the network be as sure as it is right.
#
# Is it the number of units, or a second layer? Half as many units, a few less, and two layers:

more = {
    "128 units": fs.MLP(NUM_PIXELS, 128, 10, init="kaiming"),
    "250 units": fs.MLP(NUM_PIXELS, 250, 10, init="kaiming"),
    "256 units": fs.MLP(NUM_PIXELS, 256, 10, init="kaiming"),
    "256 + 256 units": fs.MLP(NUM_PIXELS, 256, 256, 10, init="kaiming"),
}
found = {name: scores_of(one, plans[:2])[0].mean(0).tolist() for name, one in more.items()}
for name, (loss, accuracy) in found.items():
    print(f"{name:16}  test accuracy {accuracy:.3f}  cross-entropy {loss:.3f}  (mean of two seeds)")
if IS_LONG and data.name == "fashion-mnist":
    assert abs(found["250 units"][1] - found["256 units"][1]) < 0.01  # no more than what a seed does
    assert abs(found["256 + 256 units"][1] - found["256 units"][1]) < 0.02

# %%
# 250 units do what 256 do, and a second layer adds a point or so in these ten epochs. What none of these networks can
# know is which pixels are neighbors: with the pixels of all images exchanged in the same way, they would learn just as
# well.

# %%
# A picture
# ---------
# The weights of softmax regression, one image for each class: what speaks for it in one color, what speaks against it
# in the other.

fs.plot(softmax_runs[0], "weight_images")

# %%
# Which classes the MLP takes for which. Shirts are the hard ones.

answers = mlp_runs[0].engine.predict(data.test.x).argmax(1)
right = [(answers[data.test.y == c] == c).float().mean().item() for c in range(10)]
print("right answers of each class:", *(f"{share:.2f}" for share in right))
if IS_LONG and data.name == "fashion-mnist":
    assert data.class_names[right.index(min(right))] == "Shirt"
fs.plot(mlp_runs[0], "confusion")

# %%
# And the images of which it was most sure, and wrong.

fs.plot(mlp_runs[0], "mistakes:count=12")

# %%
# The classic mistake
# -------------------
# A softmax as the last layer, before a cross-entropy that takes logits. It looks right, since the network should answer
# with probabilities; but the loss applies a softmax itself. The second one sees numbers between 0 and 1. The best they
# can be is 1 for the right class and 0 for the nine others, so the loss cannot get below
#
# .. math::
#   \log (e^1 + 9 e^0) - 1

floor = math.log(math.e + 9) - 1
answer = torch.zeros(1, 10)
answer[0, 3] = 1
print(
    f"floor {floor:.4f}; torch for a perfect answer {nn.functional.cross_entropy(answer, torch.tensor([3])):.4f}"
)
assert round(floor, 4) == 1.4612
z = torch.randn(100, 10, generator=torch.Generator().manual_seed(2))
assert torch.equal(z.softmax(1).argmax(1), z.argmax(1))  # for the largest one, no softmax is needed at all

# %%
# The program says so when the engine is made. Here is the same network with and without it.

twice = fs.NetSpec((*spec.layers, fs.Choice("softmax")), NUM_PIXELS, 10, "normal", "MLP")
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    (wrong,), runs = scores_of(twice, plans[:1])
print(said[0].message)
print(f"softmax twice: training loss {runs[0].history[-1].train_loss:.3f}, test accuracy {wrong[1]:.3f}")
print(f"logits:        training loss {mlp_runs[0].history[-1].train_loss:.3f}, test accuracy {mlp[0, 1]:.3f}")
assert "applied twice" in str(said[0].message)
assert floor < runs[0].history[-1].train_loss
assert wrong[1] < mlp[0, 1] or not IS_LONG

# %%
# Exercises
# ---------
# 1. Can 256 units memorize a thousand images? Give them labels drawn at random, so that there is nothing else to
#    learn.
# 2. What happens without the division of the pixels by 255?
# 3. Compare the twentieth of the pixels that have the least ink with the twentieth that have the most. How far did the
#    first layer's weights of each move?

# %%
# Solution 1
# ~~~~~~~~~~
# They can: a training loss near zero says nothing about what was understood. On other images with random labels the
# network is right once in ten times.

NUM_IMAGES = 1000  # quick: 200
PASSES = 150  # quick: 300
stream = torch.Generator().manual_seed(0)
images = data.train.take(slice(NUM_IMAGES))
drawn, others = (torch.randint(0, 10, (len(part),), generator=stream) for part in (images, data.test))
nonsense = fs.Dataset(
    fs.Rows(images.x, drawn), test=fs.Rows(data.test.x, others), num_outputs=10, name="nonsense"
)
by_heart = fs.TrainPlan(optimizer="adam", lr=0.002, batch_size=50, epochs=PASSES, schedule="cosine")
(by_chance,), runs = scores_of(fs.MLP(NUM_PIXELS, 256, 10, init="kaiming"), [by_heart], nonsense)
print(f"training accuracy {runs[0].history[-1].train_accuracy:.3f}, on other images {by_chance[1]:.3f}")
assert runs[0].history[-1].train_accuracy > 0.99
assert by_chance[1] < 0.2

# %%
# Solution 2
# ~~~~~~~~~~
# All inputs are 255 times as large, and so is the gradient of the first layer: the rate of 0.1, right before, is far
# too large now. With all the clothes the first steps push nearly all hidden units below zero for nearly every image;
# ReLU has no slope there, so they do not come back, and the loss ends at that of a guess.

large = fs.Dataset(
    fs.Rows(x * 255, y),
    test=fs.Rows(data.test.x * 255, data.test.y),
    num_outputs=10,
    name=data.name,
)
unscaled = fs.TrainPlan(epochs=1)
(member,) = fs.fit_many(spec, large, unscaled, engine="scratch")
loss = math.inf if member.diverged else member.history[-1].train_loss
print(member.diverged or f"training loss {loss:.3f}; with scaled pixels the first step has {ours[0]:.3f}")
assert loss > fs.fit_many(spec, data, unscaled, engine="scratch")[0].history[-1].train_loss
w = member.engine.named_parameters()
share = (large.test.x @ w["0.weight"].T + w["0.bias"] > 0).float().mean().item()
print(f"hidden units that are on, of all units and test images: {share:.1e}; log 10 = {math.log(10):.3f}")
if IS_LONG and data.name == "fashion-mnist":
    assert share < 0.001
    assert abs(loss - math.log(10)) < 0.01

# %%
# Solution 3
# ~~~~~~~~~~
# The gradient of a weight has its pixel as a factor: where an image has no ink, it teaches the pixel's weights nothing.
# Those at the edge stay nearly as they were drawn.

ink = x.mean(0)
few = NUM_PIXELS // 20
least, most = ink.argsort()[:few], ink.argsort()[-few:]
moved = mlp_runs[0].engine.named_parameters()["0.weight"] - start["0.weight"]  # seed 0 began with these
for name, pixels in (("least", least), ("most", most)):
    length = moved[:, pixels].square().mean().sqrt()
    print(f"{name} ink: {ink[pixels].mean():.4f} in the mean, weights moved by {length:.1e}")
assert moved[:, least].norm() < 0.5 * moved[:, most].norm()

# %%
# What you learned
# ----------------
# - From the same weights and batches, raw tensors and torch's modules give the same numbers; from another start it is
#   another run.
# - Compare models over seeds. Here a hidden layer is worth about a point of accuracy, and always a lower cross-entropy.
# - Losses take logits. A softmax before one costs the loss its zero, and points of accuracy.
#
# The next page: *Data parallelism and hardware*.
