"""
Recap: networks against linear regression
=========================================

**The question:** What did the hidden layer add?

On some tasks everything, on some a little, and on some it does harm. This page puts a linear model and a network side
by side on all of them, with several starts each, so that luck can be told from difference.
"""

import math
import warnings
from dataclasses import replace

import torch

import fivestep as fs

# %%
# The idea
# --------
# A linear model assumes something: every input counts for itself, and twice as much of it counts twice. Where that is
# true it is hard to beat, because it has nothing else to get wrong, and it stays right outside the range that it has
# seen. A network assumes less. It can bend, so it can learn more, and it must find out from the rows what the linear
# model takes for granted.
#
# So the honest comparison trains both, from several starts, and looks at rows that neither has seen.

# %%
# The formula
# -----------
# A stack of linear layers of the sizes :math:`n_0, n_1, \dots, n_L`, with biases, has
#
# .. math::
#   P = \sum_{k=1}^{L} (n_{k-1} n_k + n_k)
#
# parameters. A linear model for images of 784 pixels and ten classes, and a network with one hidden layer of 256 units:

assert fs.SoftmaxRegression(784, 10).num_parameters == 784 * 10 + 10
assert fs.MLP(784, 256, 10).num_parameters == 784 * 256 + 256 + 256 * 10 + 10 == 203_530
print(fs.MLP(784, 256, 10))

# %%
# Raw and professional
# --------------------
# The task ``sum`` first: ten random numbers, new ones at every step, and their sum. Both models raw, in one loop; what
# differs is the list of weights and whether there is a bend between them.

STEPS = 5000  # quick: 600
RATE = 1e-3  # quick: 1e-2
CLOSE = 0.002  # quick: 0.1
stream = torch.Generator().manual_seed(0)


def drawn(*shape: int) -> torch.Tensor:
    """Uniform in plus and minus one over the root of the last size, as ``nn.Linear`` begins; a column is a bias."""
    bound = 1 / math.sqrt(shape[-1])
    return (2 * torch.rand(shape, generator=stream) - 1) * bound


def answer(weights: list[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """A linear model for two tensors, weight and bias; a network with relu for four."""
    if len(weights) == 4:
        x = torch.relu(x @ weights[0].T + weights[1])
    return x @ weights[-2].T + weights[-1]


models = {
    "linear 10-1": [drawn(1, 10), drawn(1, 10)[:, 0]],
    "network 10-32-1": [drawn(32, 10), drawn(32, 10)[:, 0], drawn(1, 32), drawn(1, 32)[:, 0]],
}
for name, weights in models.items():
    for weight in weights:
        weight.requires_grad_()
    optimizer = torch.optim.Adam(weights, lr=RATE)
    for step in range(1, STEPS + 1):
        x = torch.randn(100, 10, generator=stream)
        loss = (answer(weights, x) - x.sum(1, keepdim=True)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step in (1, 500, 1000, STEPS):
            print(f"raw       {name:16} step {step:5}  loss {loss.item():.2e}")

# %%
# With the program, where the task is known by name:

data = fs.load_dataset("sum")
plan = fs.TrainPlan(loss="mse", optimizer="adam", lr=RATE, batch_size=100, epochs=STEPS // 100)
sums = {}
for spec in (fs.LinearRegression(10, 1), fs.MLP(10, 32, 1)):
    engine = fs.make_engine("scratch", spec, plan, device="cpu")
    losses = [step.loss.item() for step in fs.steps(engine, data, plan)]
    sums[spec.title] = engine, losses
    first, last = losses[0], losses[-1]
    print(f"fivestep  {spec.title:17} {spec.sizes_text():7} from {first:.1f} to {last:.1e}")

# %%
# What came out
# -------------
# The network comes close. The linear model *is* the answer: its weights go to 1 and its bias to 0, and it stays right
# for numbers ten times as large as any it was trained on. The network does not.

x = torch.randn(1000, 10, generator=stream)
errors = {}
for title, (engine, _) in sums.items():
    for scale in (1, 10):
        error = (engine.predict(scale * x) - scale * x.sum(1, keepdim=True)).abs().max().item()
        errors[title, scale] = error
        print(f"{title:17} numbers of size {scale:2}: largest error {error:.2e}")
assert errors["linear model", 10] < errors["MLP", 10] / 10
weight, bias = sums["linear model"][0].named_parameters().values()
print("linear weights", [round(w, 5) for w in weight[0].tolist()], "bias", round(bias.item(), 6))
assert (weight - 1).abs().max() < 5e-5  # descent in float32 ends where a step is smaller than the last digit
assert bias.abs() < 5e-5
assert sums["MLP"][1][-1] < CLOSE
assert errors["MLP", 10] > 3 * errors["MLP", 1]

# %%
# Two tasks where the bend counts, ``moons`` and ``digits``, and, if its files are there, ``fashion-mnist``: images of
# clothes, ten epochs, plain descent. Several starts for each model, and the rows that were held back.

SEEDS = 5  # quick: 2
WITH_IMAGES = True  # quick: False


def load_images() -> fs.Dataset | None:
    """The images of clothes, or None with the reason."""
    if not WITH_IMAGES:
        return None
    try:
        return fs.load_dataset("fashion-mnist")
    except fs.InputError as error:
        print(error)
        return None


def compare(
    task: str, rows: fs.Dataset, specs: list[fs.NetSpec], plans: list[fs.TrainPlan]
) -> list[list[fs.Evaluation]]:
    """What each network reaches on the test part from each start."""
    results = []
    for spec, plan in zip(specs, plans, strict=True):
        seeds = [replace(plan, seed=seed) for seed in range(SEEDS)]
        members = fs.fit_many(spec, rows, seeds, engine="scratch", device="cpu")
        trained.setdefault(task, []).append(members[0])
        results.append([fs.evaluate(member.engine, rows.test) for member in members])
        loss = sum(one.loss for one in results[-1]) / SEEDS
        accuracies = [one.accuracy for one in results[-1]]
        mean = sum(accuracies) / SEEDS
        spread = f"from {min(accuracies):.3f} to {max(accuracies):.3f}"
        model = f"{task:14} {spec.title:18} {spec.sizes_text():11}"
        print(f"{model} loss {loss:.3f}   accuracy {mean:.3f}, {spread}")
    return results


trained: dict[str, list[fs.Member]] = {}
yes_no = fs.TrainPlan(loss="binary_cross_entropy", lr=0.1, batch_size=None, epochs=1000)
linear, network = compare(
    "moons",
    fs.load_dataset("moons"),
    [fs.LinearRegression(2, 1), fs.MLP(2, 8, 1, activation="tanh")],
    [yes_no, replace(yes_no, optimizer="adam", lr=0.05)],
)
assert min(one.accuracy for one in network) > max(one.accuracy for one in linear)

digits = fs.TrainPlan(optimizer="adam", lr=0.003, batch_size=32, epochs=30)
linear, network = compare(
    "digits",
    fs.load_dataset("digits"),
    [fs.SoftmaxRegression(64, 10), fs.MLP(64, 256, 10, init="kaiming")],
    [replace(digits, lr=0.01), digits],
)
assert sum(one.accuracy for one in network) > sum(one.accuracy for one in linear)

# %%
# On the clothes the network is better by about a point in the mean, and the starts of one model differ by nearly as
# much: one start of each would say little about how large the difference is. The loss, which also weighs how sure the
# answers are, is lower for every start.

images = load_images()
if images is not None:
    plan = fs.TrainPlan(lr=0.1, batch_size=256, epochs=10)
    linear, network = compare(
        "fashion-mnist",
        images,
        [fs.SoftmaxRegression(784, 10, init="normal"), fs.MLP(784, 256, 10, init="normal")],
        [plan, plan],
    )
    assert all(one.loss < other.loss for one, other in zip(network, linear, strict=True))
    accuracies = [one.accuracy for one in network]
    gain = (sum(accuracies) - sum(one.accuracy for one in linear)) / SEEDS
    assert 0.003 < gain < 0.03
    assert max(accuracies) - min(accuracies) > gain / 3
else:
    print("fashion-mnist is left out here; with its files it is compared in the same way")

# %%
# A picture
# ---------
# What the network of the first start is most sure of, and wrong about.

task = "digits" if images is None else "fashion-mnist"
fs.plot(trained[task][1], "mistakes", title=f"{task}: the most confident mistakes")

# %%
# The classic mistake
# -------------------
# Softmax twice: once at the end of the network, where probabilities seem to belong, and once more inside the loss,
# which takes logits. The second one sees numbers from 0 to 1, and the best they can say is 1 for the right class and 0
# for all others. For :math:`C` classes that is a loss of
#
# .. math::
#   -\log \frac{e}{e + C - 1} = \log\left(1 + \frac{C - 1}{e}\right)

floor = math.log(1 + 9 / math.e)
perfect = torch.nn.functional.one_hot(torch.arange(10), 10).double()
# float64
assert abs(torch.nn.functional.cross_entropy(perfect, torch.arange(10)).item() - floor) < 1e-12
print(f"with ten classes never below {floor:.4f}")

# %%
# It trains all the same, but by plain descent not as far. The program warns when the engine is made:

if images is None:
    rows, init = fs.load_dataset("digits"), "kaiming"
    plan = fs.TrainPlan(lr=0.1, batch_size=32, epochs=10)
else:
    rows, init = images, "normal"
    plan = fs.TrainPlan(lr=0.1, batch_size=256, epochs=10)
spec = fs.MLP(rows.in_features, 256, 10, init=init)
twice = replace(spec, layers=(*spec.layers, fs.Choice("softmax")))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    engine = fs.make_engine("scratch", twice, plan, device="cpu")
print(caught[0].message)
for _ in fs.train(engine, rows, plan, every=plan.epochs):
    pass
[once] = fs.fit_many(spec, rows, plan, engine="scratch", device="cpu")
wrong, right = fs.evaluate(engine, rows.test), fs.evaluate(once.engine, rows.test)
print(f"{task}: loss {wrong.loss:.4f}, accuracy {wrong.accuracy:.3f}")
print(f"with one softmax: loss {right.loss:.4f}, accuracy {right.accuracy:.3f}")
assert wrong.loss > floor
assert wrong.accuracy < right.accuracy

# %%
# The answer itself would not change: the largest logit is the largest probability, once or twice over. Only learning
# suffers.

logits = engine.predict(rows.test.x[:100])
assert torch.equal(logits.argmax(1), logits.softmax(1).argmax(1))

# %%
# Exercises
# ---------
# 1. Does it have to be a power of two? Compare 250 hidden units with 256.
# 2. What does a second hidden layer add on the images that you have?
# 3. Which of your own tables would you give to a linear model first, and how would you find out whether a network is
#    worth it?

# %%
# Solution 1
# ~~~~~~~~~~
# It does not. In the mean of three starts, the two widths differ by no more than the starts themselves.

plans = [replace(plan, seed=seed) for seed in (0, 1, 2)]
reached = []
for width in (250, 256):
    members = fs.fit_many(
        fs.MLP(rows.in_features, width, 10, init=init), rows, plans, engine="scratch", device="cpu"
    )
    reached.append([fs.evaluate(member.engine, rows.test).accuracy for member in members])
for width, starts in zip((250, 256), reached, strict=True):
    print(f"{width} units:", ", ".join(f"{accuracy:.4f}" for accuracy in sorted(starts)))
between_widths = abs(sum(reached[0]) - sum(reached[1])) / 3
assert between_widths <= max(max(starts) - min(starts) for starts in reached)

# %%
# Solution 2
# ~~~~~~~~~~
# Little, where one layer is already near what the rows allow. Both get the same start and the same rule, or it would
# be these that are compared.

deep_plan = plan if images is None else replace(plan, optimizer="adam", lr=0.001)
layers = []
for hidden in ((256,), (256, 256)):
    [one] = fs.fit_many(
        fs.MLP(rows.in_features, *hidden, 10, init="kaiming"), rows, deep_plan, engine="scratch", device="cpu"
    )
    layers.append(fs.evaluate(one.engine, rows.test).accuracy)
print(f"one hidden layer {layers[0]:.3f}, two {layers[1]:.3f}")
assert abs(layers[1] - layers[0]) < 0.03

# %%
# Solution 3
# ~~~~~~~~~~
# All of them. Train the linear model first: it takes seconds, and what it reaches is the mark for everything after it.
# Then the network, from several starts, on the same training rows, and both on rows that neither has seen. ``fivestep
# train FILE --target COLUMN`` prints the linear model's result beside the network's for this reason.

# %%
# What you learned
# ----------------
# - A linear model that fits is exact, and stays right outside what it has seen; a network has neither for free.
# - Where the border bends, the hidden layer is worth everything; on images it is worth a little in the mean.
# - One start each is no comparison.
# - A network ends with logits: the softmax is in the loss, once.
#
# The next page: *Optimizers beyond SGD*.
