"""
Modern regularization
=====================

**The question:** What keeps a large network honest?

A network with more parameters than rows can memorize the rows. What is done against it is less a matter of fewer
parameters than of how they are trained.
"""

import math
from dataclasses import replace

import torch
from torch import nn

import fivestep as fs

# %%
# The idea
# --------
# All of these make it harder, or less rewarding, to fit every row exactly:
#
# - *Weight decay*: the weights shrink by a small share at each step, so only what the data keep asking for stays.
# - *Dropout*: in training, each unit is left out with some probability, so none can rely on a single other one.
# - *Label smoothing*: the target is not certainty but, say, nine parts in ten; there is nothing to gain in the last
#   one.
# - *Early stopping*: of all epochs, keep the one with the lowest validation loss.
# - *Averaged weights*: predict with a moving average of where the weights have been.
# - *Normalization*: each layer gets numbers of a fixed size. It is there to make training easier; that it also
#   regularizes is a side effect.

# %%
# The formula
# -----------
# With the rate :math:`\eta`, the decay :math:`\lambda`, the probability :math:`p` to be left out, the smoothing
# :math:`s` and :math:`C` classes:
#
# .. math::
#   \text{decay:} \quad & w \leftarrow (1 - \eta \lambda)\, w - \eta\, \text{step} \\
#   \text{dropout:} \quad & y = \frac{m}{1 - p}\, x, \quad m = 0 \text{ with probability } p, \text{ else } 1 \\
#   \text{smoothing:} \quad & t_y = 1 - s + s/C, \quad t_c = s/C \\
#   \text{average:} \quad & \bar w \leftarrow d\, \bar w + (1 - d)\, w \\
#   \text{layer norm:} \quad & y = g\, \frac{x - \text{mean}(x)}{\sqrt{\text{var}(x) + \epsilon}} + b
#
# The division by :math:`1 - p` keeps the mean of :math:`y` at :math:`x`. Layer normalization takes mean and variance
# over the features of one row, batch normalization over the rows of one feature.

# %%
# Raw and professional
# --------------------
# Dropout and layer normalization by hand, by torch and by this program.

stream = torch.Generator().manual_seed(0)
P, NUM_DRAWS = 0.3, 20_000
x = torch.tensor([1.0, 2.0, 3.0])
raw = x * (torch.rand(NUM_DRAWS, 3, generator=stream) >= P) / (1 - P)
with torch.random.fork_rng(devices=[]):
    torch.manual_seed(0)
    professional = nn.Dropout(P)(x.expand(NUM_DRAWS, 3))

behind = fs.NetSpec(
    (fs.Choice("dropout", p=P), fs.Choice("linear")), 3, 3
)  # dropout, then a layer that copies
engine = fs.make_engine("scratch", behind, fs.TrainPlan(loss="mse"))
engine.load_weights({"1.weight": torch.eye(3), "1.bias": torch.zeros(3)})
ours = engine.forward(x.expand(NUM_DRAWS, 3).contiguous())

error = 5 * 3 * math.sqrt(P / (1 - P) / NUM_DRAWS)  # five times the error of the mean of the largest, 3
for name, drawn in (("raw", raw), ("torch", professional), ("engine", ours)):
    print(
        f"{name:6}  mean {[round(m, 2) for m in drawn.mean(0).tolist()]}  zeros {(drawn == 0).float().mean():.3f}"
    )
    assert torch.allclose(drawn.mean(0), x, atol=error)
    assert abs((drawn == 0).float().mean() - P) < 0.01  # five times the error of a share of 60,000
assert torch.equal(engine.predict(x[None]), x[None])  # in evaluation it does nothing
assert torch.equal(nn.Dropout(P).eval()(x), x)

# %%
# Normalized, (1, 2, 3) has the mean zero and the deviation one, nearly: :math:`\epsilon` takes a little of it. Divided
# by one less than there are numbers, as ``std`` does by default, the deviation is another number.

by_hand = (x - x.mean()) / (x.var(correction=0) + 1e-5).sqrt()
engine = fs.make_engine(
    "scratch",
    fs.NetSpec((fs.Choice("layer_norm"), fs.Choice("linear")), 3, 3),
    fs.TrainPlan(loss="mse"),
)
engine.load_weights({**engine.named_parameters(), "1.weight": torch.eye(3), "1.bias": torch.zeros(3)})
for other in (nn.LayerNorm(3)(x).detach(), engine.predict(x[None])[0]):
    torch.testing.assert_close(other, by_hand)
print(
    [round(n, 4) for n in by_hand.tolist()],
    f"deviation {by_hand.std(correction=0):.6f}, by std {by_hand.std():.4f}",
)
assert [round(n, 4) for n in by_hand.tolist()] == [-1.2247, 0.0, 1.2247]
assert round(by_hand.std(correction=0).item(), 6) == 0.999992

# %%
# What came out
# -------------
# **Who sees whom.** Change one row of a batch. With layer normalization nothing happens to the others; with batch
# normalization every answer changes. Its scale and shift, set to the batch's own deviation and mean, undo it
# altogether: the network can have the numbers back if it wants them.

rows = torch.randn(8, 5, generator=stream, dtype=torch.float64) * 3 + 1
changed = rows.clone()
changed[0] += 1
layer, batch = nn.LayerNorm(5, dtype=torch.float64), nn.BatchNorm1d(5, dtype=torch.float64)
for name, norm in (("layer norm", layer), ("batch norm", batch)):
    moved = (norm(changed) - norm(rows))[1:].abs().max().item()
    print(f"{name}: the other rows' answers change by {moved:.1e}")
assert torch.equal(layer(changed)[1:], layer(rows)[1:])
assert not torch.allclose(batch(changed)[1:], batch(rows)[1:], atol=1e-3)

with torch.no_grad():
    batch.weight.copy_((rows.var(0, correction=0) + batch.eps).sqrt())
    batch.bias.copy_(rows.mean(0))
torch.testing.assert_close(batch(rows).detach(), rows, rtol=1e-12, atol=1e-12)  # rounding

# %%
# **The gradient through a normalization.** With :math:`s = 1 / \sqrt{\text{var}(x) + \epsilon}` and
# :math:`n = (x - \text{mean}(x))\, s`, a number of :math:`x` reaches the loss in three ways: by itself, through the
# mean, and through the deviation. The last two reach it through *every* row, so their part of the gradient is a sum
# over all rows. With :math:`dn` for the gradient of :math:`n`:
#
# .. math::
#   dx = s \, \bigl( dn - \text{mean}(dn) - n \, \text{mean}(dn \odot n) \bigr)
#
# The first term is the way by itself, :math:`\partial n / \partial x = s`. The second: if the mean grows, all
# :math:`n` fall alike. The third: if the deviation grows, each :math:`n` shrinks by its own share, which is
# :math:`n \cdot n_k / N` for each :math:`x_k`. By hand and by autograd, over the rows of a batch:

x_batch = rows.clone().requires_grad_()
dy = torch.randn(8, 5, generator=stream, dtype=torch.float64)
nn.functional.batch_norm(x_batch, None, None, training=True).backward(dy)

s = 1 / (rows.var(0, correction=0) + 1e-5).sqrt()
n = (rows - rows.mean(0)) * s
dx = s * (dy - dy.mean(0) - n * (dy * n).mean(0))
torch.testing.assert_close(dx, x_batch.grad, rtol=1e-10, atol=1e-12)  # rounding
print(f"sum over the rows: of dn {dy.sum(0).abs().max():.3f}, of dx {dx.sum(0).abs().max():.0e}")
print(f"along n: of dn {(dy * n).sum(0).abs().max():.3f}, of dx {(dx * n).sum(0).abs().max():.0e}")
assert dx.sum(0).abs().max() < 1e-12
assert (dx * n).sum(0).abs().max() < 1e-3  # not quite 0: epsilon is in s

# %%
# The two prints say why. Moving all rows by the same amount changes nothing after the normalization, so the gradient
# has no part in that direction; stretching them changes nothing either. It also means that a bias right before a batch
# normalization has no gradient, which is why such linear layers have none.

# %%
# **Decay is not always a penalty.** With SGD it is the same whether the weights shrink by themselves or the loss has a
# term :math:`\lambda w^2 / 2`. With Adam the term's gradient goes through the division as well, so weights with large
# gradients hardly decay. Two weights at 1, whose gradients alternate in sign, one a hundred times as large:


def decayed(make_optimizer):
    """Both weights after 1000 steps."""
    w = nn.Parameter(torch.ones(2, dtype=torch.float64))
    optimizer = make_optimizer([w])
    for step in range(1000):
        w.grad = torch.tensor([1.0, 100.0], dtype=torch.float64) * (-1) ** step
        optimizer.step()
    return w.detach()


for name, kind in (
    ("Adam, a term in the loss", torch.optim.Adam),
    ("AdamW, decay by itself", torch.optim.AdamW),
):
    left = decayed(lambda parameters, kind=kind: kind(parameters, lr=0.001, weight_decay=0.5))
    print(f"{name:25} {[round(w, 3) for w in left.tolist()]}")
    if kind is torch.optim.AdamW:
        assert torch.allclose(
            left, torch.full_like(left, (1 - 0.001 * 0.5) ** 1000), atol=0.01
        )  # the steps themselves
    else:
        assert left[0] < 0.8
        assert left[1] > 0.99

# %%
# **What smoothing asks for.** The loss is smallest where the network says exactly the smoothed target; being surer than
# that costs. Its smallest value is the target's own entropy, not zero.

S, NUM_CLASSES = 0.1, 10
target = torch.full((NUM_CLASSES,), S / NUM_CLASSES, dtype=torch.float64)
target[0] += 1 - S
for name, logits in (("the target itself", target.log()), ("surer than that", 2 * target.log())):
    logits = logits.clone().requires_grad_()
    loss = nn.functional.cross_entropy(logits[None], torch.tensor([0]), label_smoothing=S)
    loss.backward()
    print(f"{name:18} loss {loss.item():.4f}, largest gradient {logits.grad.abs().max():.1e}")
assert loss > -(target * target.log()).sum() + 0.01

# %%
# **Side by side.** 200 handwritten digits to learn from, and a network of two hidden layers. Each remedy alone, from
# several seeds; measured is the log loss, without any smoothing, in evaluation mode.

SEEDS = range(5)  # quick: range(2)
full = fs.load_dataset("digits")
data = replace(full, train=full.train.take(slice(200)))
WIDTHS = (64, 128, 128, 10)
remedies = {
    "nothing": (fs.MLP(*WIDTHS), {}),
    "weight decay": (fs.MLP(*WIDTHS), {"optimizer": "adamw", "weight_decay": 0.5}),
    "dropout": (fs.MLP(*WIDTHS, dropout=0.5), {}),
    "label smoothing": (fs.MLP(*WIDTHS), {"loss": "cross_entropy:label_smoothing=0.1"}),
    "early stopping": (fs.MLP(*WIDTHS), {"patience": 10, "restore_best": True}),
    "averaged weights": (fs.MLP(*WIDTHS), {"ema": 0.99}),
}
table, members = {}, {}
for name, (spec, settings) in remedies.items():
    common = {"optimizer": "adam", "lr": 0.003, "batch_size": 32, "epochs": 60}
    plans = [fs.TrainPlan(**{**common, **settings}, seed=seed) for seed in SEEDS]
    members[name] = fs.fit_many(spec, data, plans, every=1)
    scores = [
        [fs.evaluate(one.engine, rows, "log_loss") for one in members[name]]
        for rows in (data.train, data.valid)
    ]
    train, valid = (sum(score.metrics["log_loss"] for score in part) / len(part) for part in scores)
    accuracy = sum(score.accuracy for score in scores[1]) / len(SEEDS)
    table[name] = train, valid
    print(
        f"{name:17} log loss: training {train:.4f}  validation {valid:.4f}   validation accuracy {accuracy:.3f}"
    )
assert table["nothing"][0] < 0.01  # memorized
assert table["nothing"][1] > 0.3
assert all(table[name][1] < table["nothing"][1] for name in table if name != "nothing")

# %%
# All of them lower the validation loss, and most of them hardly change how often the answer is right: what was overdone
# was the certainty. Which one is best depends on the rows, and where two are as close as here, on the seeds. The best
# one by the validation part is now asked about the test part, once.

best = min(table, key=lambda name: table[name][1])
for name in ("nothing", best):
    scores = [fs.evaluate(one.engine, data.test, "log_loss") for one in members[name]]
    test = sum(score.metrics["log_loss"] for score in scores) / len(scores)
    accuracy = sum(score.accuracy for score in scores) / len(scores)
    print(f"test part, {name}: log loss {test:.4f}, accuracy {accuracy:.3f}")

# %%
# As many answers are right there as on the validation part, and yet the loss is far higher: the wrong ones are surer. A
# log loss on a few hundred rows is decided by a few of them.

# %%
# A picture
# ---------
# Without a remedy the training loss goes to zero, and the validation loss turns and rises:

fs.plot(members["nothing"][0], "curves", title="Nothing: 200 digits, memorized")

# %%
# With dropout the validation loss stays down.

fs.plot(members["dropout"][0], "curves", title="Dropout 0.5")

# %%
# The classic mistake
# -------------------
# Forgetting the evaluation mode. With batch normalization, the answer for a row then depends on the other rows of its
# batch: among others, the same row gets another answer. And alone, it cannot be answered at all; in training mode this
# program refuses such a batch.

plan = fs.TrainPlan(optimizer="adam", lr=0.003, batch_size=32, epochs=5)
(normed,) = fs.fit_many(fs.MLP(64, 32, 10, norm="batch_norm"), data, [plan])
model = nn.Sequential(nn.Linear(64, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))
model.load_state_dict(normed.engine.params.named_with_buffers())
x = data.test.x
with torch.no_grad():
    among = model.train()(x[:10])[0].softmax(0).max(), model(x[:3])[0].softmax(0).max()
    model.load_state_dict(
        normed.engine.params.named_with_buffers()
    )  # the calls above have moved its running means
    alone = model.eval()(x[:10])[0].softmax(0).max(), model(x[:3])[0].softmax(0).max()
print("training mode, among ten and among three:", [f"{p:.3f}" for p in among])
print("evaluation mode:                         ", [f"{p:.3f}" for p in alone])
assert abs(among[0] - among[1]) > 0.001
assert torch.allclose(alone[0], alone[1], rtol=1e-4)  # float32, products in another order
torch.testing.assert_close(model(x).detach(), normed.engine.predict(x), rtol=1e-3, atol=1e-4)

try:
    fs.make_engine("scratch", fs.MLP(64, 32, 10, norm="batch_norm"), plan).forward(x[:1])
except fs.InputError as error:
    message = str(error)
print(message)
assert "at least two rows" in message

# %%
# Exercises
# ---------
# 1. Show that for SGD, weight decay and a term in the loss are the same.
# 2. How does a moving average with :math:`d = 0.99` weigh the weights of a hundred steps ago, against those of now?
# 3. At the network's input, dropout leaves pixels out. What does the mean of many answers *in training mode* have to do
#    with the one in evaluation mode?

# %%
# Solution 1
# ~~~~~~~~~~
# The gradient of :math:`\lambda w^2/2` is :math:`\lambda w`, and SGD takes it as it is:
# :math:`w - \eta (g + \lambda w) = (1 - \eta \lambda) w - \eta g`.

w, g, eta, decay = torch.tensor(2.0), torch.tensor(0.3), 0.1, 0.5
torch.testing.assert_close(w - eta * (g + decay * w), (1 - eta * decay) * w - eta * g)
print(f"{w - eta * (g + decay * w):.4f}")

# %%
# Solution 2
# ~~~~~~~~~~
# By a factor of :math:`d` less for each step.

print(f"{0.99**100:.3f}")
assert math.isclose(0.99**100, math.exp(-1), rel_tol=0.01)  # so its memory is about 1 / (1 - d) steps

# %%
# Solution 3
# ~~~~~~~~~~
# For a network without anything bent they agree, because the mean of a linear function is the function of the mean.
# With a hidden layer they are near, not equal.

NUM_ANSWERS = 4000
spec = fs.NetSpec((fs.Choice("dropout", p=0.2), *fs.MLP(64, 32, 10).layers), 64, 10)
(member,) = fs.fit_many(spec, data, [replace(plan, epochs=20)])
row = data.test.x[:1]
engine = fs.make_engine("scratch", spec, plan)
engine.load_weights(member.engine.named_parameters())
mean = engine.forward(row.expand(NUM_ANSWERS, 64).contiguous()).mean(0)
at_once = engine.predict(row)[0]
for name, z in (("mean of many", mean), ("at once", at_once)):
    print(f"{name:12}", [round(logit, 1) for logit in z[:4].tolist()])
assert mean.argmax() == at_once.argmax()
assert (mean - at_once).abs().max() < 0.5 * at_once.abs().max()

# %%
# What you learned
# ----------------
# - A large network can memorize its rows; the remedies make that harder, and mostly cure its overconfidence.
# - Decay belongs beside Adam's step, not in the loss.
# - Dropout and batch normalization have two modes. Layer normalization has one.
# - Choose by the validation part; open the test part once.
#
# The next page: *Case studies*.
