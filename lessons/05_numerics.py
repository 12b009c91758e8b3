"""
Numbers and their limits
========================

**The question:** When is a right formula a wrong program?

A formula is about real numbers, a program about numbers with some seven digits. Most of the time nobody notices. Where
it matters, a training loop ends with ``nan``, or goes on and is wrong. A handful of rewritings is all one has to know.
"""

import math

import torch

import fivestep as fs

# %%
# The idea
# --------
# A floating-point number is a sign, some digits and an exponent. So there is a largest number, and a smallest above
# zero, and between two neighbors there is a gap that grows with their size. Three things follow:
#
# - *overflow*: a result that is too large becomes ``inf``, and ``inf - inf`` is ``nan``;
# - *rounding*: a small number that is added to a large one is lost, in part or altogether;
# - *cancellation*: the difference of two nearly equal numbers keeps few right digits, or none.

kinds = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
print(f"{'':15}{'digits':>7}{'largest':>10}{'gap at 1':>10}")
for kind in kinds:
    about = torch.finfo(kind)
    print(f"{str(kind)[6:]:15}{-math.log10(about.eps):7.1f}{about.max:10.1e}{about.eps:10.1e}")
one = torch.tensor(1.0)
assert one + torch.finfo(torch.float32).eps > one
assert one + torch.finfo(torch.float32).eps / 2 == one  # half a gap is rounded away

# %%
# The formula
# -----------
# The loss of a class :math:`y` with logits :math:`z` is :math:`-\log p_y`, with :math:`p = e^{z} / \sum_c e^{z_c}`. The
# exponential of 100 is already beyond ``float32``. But only differences count, so the largest logit :math:`m` may be
# taken away first, and the logarithm of a quotient is a difference:
#
# .. math::
#   -\log p_y = \log \sum_c e^{z_c} - z_y = m + \log \sum_c e^{z_c - m} - z_y
#
# Now the largest exponent is 0, one term of the sum is 1, and nothing can overflow: *log-sum-exp*. For yes or no, with
# :math:`\log(1 + e^z)`, the same is
#
# .. math::
#   \log(1 + e^z) = \max(z, 0) + \log(1 + e^{-|z|})

# %%
# Raw and professional
# --------------------
# Three ways to the same loss, for logits as they should be and for large ones. The first is the formula as it stands in
# a book.


def from_the_book(z: torch.Tensor, y: int) -> torch.Tensor:
    """Softmax, then its logarithm."""
    p = z.exp() / z.exp().sum()
    return -p[y].log()


def log_sum_exp(z: torch.Tensor, y: int) -> torch.Tensor:
    """The largest logit taken away first."""
    m = z.max()
    return m + (z - m).exp().sum().log() - z[y]


engine = fs.make_engine("scratch", fs.NetSpec((fs.Choice("linear"),), 3, 3), fs.TrainPlan(), device="cpu")
print(f"{'logits':24}{'book':>10}{'rewritten':>11}{'torch':>10}{'fivestep':>10}")
for z in (
    torch.tensor([1.0, 2.0, 3.0]),
    torch.tensor([0.0, 100.0, 200.0]),
    torch.tensor([-200.0, -300.0, -400.0]),
):
    wanted = torch.nn.functional.cross_entropy(z[None], torch.tensor([0]))
    ours = engine.loss(z[None], torch.tensor([0]))
    print(f"{z.tolist()!s:24}{from_the_book(z, 0):10.4f}{log_sum_exp(z, 0):11.4f}{wanted:10.4f}{ours:10.4f}")
    assert torch.isclose(log_sum_exp(z, 0), wanted)
    assert torch.isclose(ours, wanted)
assert not from_the_book(torch.tensor([0.0, 100.0, 200.0]), 0).isfinite()
assert not from_the_book(torch.tensor([-200.0, -300.0, -400.0]), 0).isfinite()

# %%
# The second row overflows, the third *underflows*: all exponentials are 0, and the quotient is 0 / 0. A network gets
# there by itself, in a few steps at too large a rate, and after the first ``nan`` soon every weight is one.

# %%
# What came out
# -------------
# **Small beside one.** :math:`\log(1 + x)` for a tiny :math:`x` is nearly :math:`x`. But :math:`1 + x` has no room for
# it.
# ``log1p`` and ``expm1`` are the functions for that.

x = torch.tensor(1e-8)
print(f"log(1 + x) = {(1 + x).log().item()}, log1p(x) = {torch.log1p(x).item():.1e}")
print(f"exp(x) - 1 = {(x.exp() - 1).item()}, expm1(x) = {torch.expm1(x).item():.1e}")
assert (1 + x).log() == 0
assert torch.isclose(torch.log1p(x), x)

# %%
# **Cancellation.** The variance is the mean square less the squared mean, says the book. With a mean of a thousand and
# a deviation of one, both are a million and their difference is one: of seven digits, six have gone. Take the mean away
# first.

draws = torch.randn(10_000, generator=torch.Generator().manual_seed(0)) + 1000
book = (draws.square().mean() - draws.mean().square()).item()
centered = (draws - draws.mean()).square().mean().item()
exact = draws.double().var(correction=0).item()
print(f"book {book:.4f}, centered {centered:.4f}, in float64 {exact:.4f}")
assert abs(centered - exact) < 1e-3 * exact
assert abs(book - exact) > 10 * abs(centered - exact)

# %%
# **An update that is rounded away.** A weight of 1 and a step that is smaller than half the gap: it stands still,
# however often the step is done. In ``bfloat16``, with its two digits, steps of the usual size are lost so. This is why
# weights stay in ``float32`` even where the products are done in ``bfloat16``.

STEPS = 1000
for kind in (torch.bfloat16, torch.float32):
    w = torch.tensor(1.0, dtype=kind)
    for _ in range(STEPS):
        w -= torch.tensor(1e-3, dtype=kind)
    print(f"{str(kind)[6:]:9} after {STEPS} steps of -0.001: {w.item():.4f}")
    assert (w == 1) == (kind == torch.bfloat16)

# %%
# **The order of a sum.** Rounding depends on it, so :math:`(a + b) + c` is not :math:`a + (b + c)`, and two libraries
# that are both right do not agree to the last bit. That is where the last digits of a training come from, and why
# ``fivestep verify`` compares with a tolerance that grows with the steps.

a, b, c = torch.tensor([1e8, -1e8, 1.0])
print("(a + b) + c =", ((a + b) + c).item(), "  a + (b + c) =", (a + (b + c)).item())
assert (a + b) + c != a + (b + c)

# %%
# A picture
# ---------
# The error of three ways to :math:`\log(1 + e^{z})`, the loss of a wrong "yes" with the logit :math:`z`, measured
# against ``float64``. Above 88 the book's is infinite. For very negative logits the first two lose all their digits.
# Where there is no line, the error is zero.

z = torch.linspace(-30, 100, 1301)
truth = torch.nn.functional.softplus(z.double(), threshold=1000)
ways = {
    "log(1 + exp(z))": (1 + z.exp()).log(),
    "max(z, 0) + log(1 + exp(-|z|))": z.clamp(min=0) + (1 + (-z.abs()).exp()).log(),
    "max(z, 0) + log1p(exp(-|z|))": z.clamp(min=0) + torch.log1p((-z.abs()).exp()),
}
canvas = fs.Canvas("Three ways to log(1 + exp(z)) in float32", height=4.0)
axes = canvas.axes(x="logit z", y="relative error")
for k, (name, values) in enumerate(ways.items()):
    error = ((values.double() - truth) / truth).abs()
    axes.semilogy(
        z, error.masked_fill(error == 0, math.nan), color=canvas.color(k), lw=(4.5, 2, 1)[k], label=name
    )
axes.axvline(88.72, color=canvas.color(0), lw=1.2, ls=":")
axes.text(87, 1e-2, "the first is infinite\nfrom here on", ha="right", color=canvas.theme.ink, fontsize=9)
axes.set_xlim(-30, 100)
axes.set_ylim(1e-10, 5)
canvas.legend(axes)
assert ways["log(1 + exp(z))"].isinf().any()
last = ((ways["max(z, 0) + log1p(exp(-|z|))"].double() - truth) / truth).abs().max()
assert last < 1e-6  # a few roundings
canvas.figure

# %%
# The classic mistake
# -------------------
# Fixing a logarithm of zero by clipping the probability: ``log(p.clamp(min=1e-7))``. The ``nan`` is gone, and so is the
# gradient: where the clipping is at work, the loss is a constant. The rows that are most wrong no longer teach
# anything.

z = torch.tensor([[0.0, 30.0]], requires_grad=True)  # sure of class 1, and wrong
clamped = -(z.softmax(1)[0, 0].clamp(min=1e-7)).log()
clamped.backward()
of_clamped = z.grad.clone()
z.grad = None
whole = torch.nn.functional.cross_entropy(z, torch.tensor([0]))
whole.backward()
print(f"clamped: loss {clamped.item():.2f}, gradient {of_clamped[0].tolist()}")
print(f"logits:  loss {whole.item():.2f}, gradient {[round(g, 4) for g in z.grad[0].tolist()]}")
assert not of_clamped.any()
assert z.grad.abs().min() > 0.99

# %%
# So losses take logits, here and in torch: ``cross_entropy`` and ``binary_cross_entropy_with_logits``, never a softmax
# with a logarithm behind it.

# %%
# Exercises
# ---------
# 1. At which logit does ``exp`` overflow in ``float32``, and why there?
# 2. Add 0.1 to a sum that begins at 0, a hundred million times, in ``float32``. Where does it get stuck?
# 3. The sigmoid of -200 is :math:`1 / (1 + e^{200})`. Which way of writing it never overflows?

# %%
# Solution 1
# ~~~~~~~~~~
# At the logarithm of the largest number.

limit = math.log(torch.finfo(torch.float32).max)
print(f"{limit:.2f}")
assert torch.tensor(limit - 0.01).exp().isfinite()
assert torch.tensor(limit + 0.01).exp().isinf()

# %%
# Solution 2
# ~~~~~~~~~~
# Where the gap between neighbors is more than twice what is added. The gaps of ``float32`` double at each power of
# two: from :math:`2^{21}` on they are a quarter, and 0.1 is less than half of that.

stuck = torch.tensor(2.0**21)
assert stuck + 0.1 == stuck
assert stuck / 2 + 0.1 > stuck / 2  # at half of it, the sum still grows
print(f"stuck at {stuck.item():,.0f}")

# %%
# Solution 3
# ~~~~~~~~~~
# :math:`e^z / (1 + e^z)` for negative :math:`z`, else :math:`1 / (1 + e^{-z})`: the exponent is never positive.

z = torch.tensor([-200.0, -2.0, 0.0, 2.0, 200.0])
e = (-z.abs()).exp()
safe = torch.where(z < 0, e / (1 + e), 1 / (1 + e))
assert torch.allclose(safe, z.sigmoid())
print([round(p, 4) for p in safe.tolist()])

# %%
# What you learned
# ----------------
# - Numbers have a largest, a smallest and a gap. Overflow, rounding and cancellation are what comes of it.
# - Take the largest logit away, use ``log1p`` and ``expm1``, take the mean away before you square.
# - Never clip a probability to save a logarithm: it takes the gradient with it. Losses take logits.
# - Sums in another order differ in the last digits, and both are right.
#
# The next page: *What a training loop is*.
