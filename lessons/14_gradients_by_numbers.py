"""
Numerical against analytical gradients
======================================

**The question:** How do you know that a gradient is right?

A wrong gradient seldom crashes. The network learns, only worse, and nobody knows why. There is a check that needs no
theory: nudge a parameter and look at the loss.
"""

import cmath

import torch

import fivestep as fs

# %%
# The idea
# --------
# A derivative is the answer to a question that can be asked directly: if this number grows by a tiny :math:`h`, by how
# much does the loss grow? Compute the loss twice, divide the difference by :math:`h`, and compare with what the formula
# says. That is the *numerical* gradient. It knows nothing of the chain rule, so it cannot make the same mistake as the
# formula.
#
# Why not train with it? It asks for the loss twice for *every* parameter. The *analytical* gradient, by the chain rule,
# gives all of them in one pass back, at the price of about two passes forward. So one is for checking, the other for
# training.

# %%
# The formula
# -----------
# The forward and the central difference quotient, with what they leave out:
#
# .. math::
#   \frac{L(w + h) - L(w)}{h} = L'(w) + \frac{h}{2} L'' + \dots \qquad
#   \frac{L(w + h) - L(w - h)}{2h} = L'(w) + \frac{h^2}{6} L''' + \dots
#
# A smaller :math:`h` leaves out less, but the two losses then differ only in their last digits. Each is rounded by
# about :math:`\varepsilon |L|` (:math:`\varepsilon = 10^{-16}` in float64, :math:`10^{-7}` in float32), and division by
# :math:`h` makes :math:`\varepsilon |L| / h` of it. The best :math:`h` balances the two: about
# :math:`\varepsilon^{1/2}` for the forward quotient and :math:`\varepsilon^{1/3}` for the central one.

# %%
# Raw and professional
# --------------------
# A network 2-8-1 with tanh on the two moons, in float64. Its analytical gradient first:

data = fs.load_dataset("moons")
x, y = data.train.x.double(), data.train.y
plan = fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.05, batch_size=None, epochs=100)
engine = fs.make_engine("scratch", fs.MLP(2, 8, 1, activation="tanh"), plan, dtype="float64", device="cpu")
w = engine.params.flat
engine.loss(engine.forward(x), y)
engine.zero_grad()
engine.backward()
analytical = engine.params.grad.clone()

# %%
# The numerical one by hand, one parameter after the other:


def loss() -> float:
    """The loss at the weights of the moment."""
    return engine.loss(engine.forward(x), y).item()


def numerical(h: float, *, central: bool) -> torch.Tensor:
    """The quotient for each parameter; the weights are put back."""
    quotients = torch.zeros_like(w)
    for k in range(len(w)):
        kept = w[k].item()
        w[k] = kept + h
        above = loss()
        w[k] = kept - h if central else kept
        below = loss()
        w[k] = kept
        quotients[k] = (above - below) / (2 * h if central else h)
    return quotients


found = numerical(1e-5, central=True)
names = engine.named_parameters()
print("0.bias  analytical", [f"{g:.6f}" for g in engine.named_gradients()["0.bias"][:4].tolist()])
start = names["0.bias"].storage_offset()
print("        numerical ", [f"{g:.6f}" for g in found[start : start + 4].tolist()])

# %%
# Torch has the check for its own gradients, and this program for every engine:

weight = torch.randn(
    3, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True
)
assert torch.autograd.gradcheck(lambda v: torch.tanh(x[:5] @ v.T).square().mean(), (weight,))

fresh = fs.make_engine("scratch", engine.spec, plan, dtype="float64", device="cpu")
print(fs.verify(fresh, "finite-differences", data))

# %%
# What came out
# -------------
# How near the quotients come, for every :math:`h` from a tenth down:

size = analytical.norm()
hs = [10.0**-k for k in range(1, 14)]
forward = [((numerical(h, central=False) - analytical).norm() / size).item() for h in hs]
central = [((numerical(h, central=True) - analytical).norm() / size).item() for h in hs]
print("h         forward    central")
for h, one, two in zip(hs, forward, central, strict=True):
    print(f"{h:.0e}   {one:.1e}    {two:.1e}")

# %%
# With :math:`h` a tenth as large the forward quotient's error is a tenth and the central one's a hundredth, as the
# formula says; then rounding takes over, and both get worse again.

assert 8 < forward[2] / forward[3] < 12
assert 80 < central[0] / central[1] < 120
assert min(forward) < 1e-6
assert min(central) < 1e-9
assert hs[central.index(min(central))] > hs[forward.index(min(forward))]
assert min(central) < min(forward) / 100
assert central[-1] > 1000 * min(central)

# %%
# And the price: two losses for every parameter, against one sweep back for all of them.

print(f"{len(w)} parameters: {2 * len(w)} losses for one gradient")
large = fs.MLP(784, 256, 10)
print(f"784-256-10: {2 * large.num_parameters:,} losses, of all rows, for one step")
assert large.num_parameters == 203_530

# %%
# A picture
# ---------
# The two errors against :math:`h`, both axes logarithmic. The right branches are what is left out, with slopes 1 and 2;
# the left branch is rounding, with slope -1.

canvas = fs.Canvas("How far the quotients are from the gradient, 2-8-1, float64")
axes = canvas.axes(x="h", y="relative error")
axes.loglog(hs, forward, "o-", color=canvas.color(0), label="forward quotient")
axes.loglog(hs, central, "s-", color=canvas.color(1), label="central quotient")
canvas.legend(axes)
canvas.figure

# %%
# The classic mistake
# -------------------
# The derivative of tanh is :math:`1 - \tanh^2`. Here is someone's own tanh whose derivative lacks the square. The
# forward pass is right, the slope has the right sign, and the loss falls:


class ForgottenSquare(torch.autograd.Function):
    """tanh, with the derivative 1 - a instead of 1 - a^2."""

    @staticmethod
    def forward(ctx, z):
        a = torch.tanh(z)
        ctx.save_for_backward(a)
        return a

    @staticmethod
    def backward(ctx, da):
        (a,) = ctx.saved_tensors
        return da * (1 - a)


class OwnTanh(torch.nn.Module):
    """The function above as a layer."""

    def forward(self, z):
        return ForgottenSquare.apply(z)


def network(activation: torch.nn.Module) -> torch.nn.Sequential:
    """2-8-1 in float64, from the same weights as the engine."""
    model = torch.nn.Sequential(torch.nn.Linear(2, 8), activation, torch.nn.Linear(8, 1)).double()
    model.load_state_dict(fresh.params.named())
    return model


for name, activation in (("right", torch.nn.Tanh()), ("wrong", OwnTanh())):
    model = network(activation)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(100):
        loss_now = torch.nn.functional.binary_cross_entropy_with_logits(model(x)[:, 0], y.double())
        optimizer.zero_grad()
        loss_now.backward()
        optimizer.step()
    print(f"{name}: loss {loss_now.item():.3f} after 100 steps")
    assert loss_now < 0.4

# %%
# Seen alone, a loss that halves gives no reason to look for a mistake. Compared with an engine whose gradients are
# checked, it is found in the first step. And ``gradcheck`` finds it without any other network:

report = fs.verify(network(OwnTanh()), fresh, data)
print(report)
assert not report.agrees
try:
    torch.autograd.gradcheck(ForgottenSquare.apply, (x[:3].clone().requires_grad_(),))
except RuntimeError as error:
    print(str(error).splitlines()[0])

# %%
# The mistake in checking itself is to do it in float32. Even at the best :math:`h` only four digits of the quotient are
# right, so a small mistake goes unseen:

rough = fs.make_engine("scratch", engine.spec, plan, device="cpu")
exact = analytical.float()
errors = {}
for h in (1e-1, 1e-2, 1e-3, 1e-4, 1e-5):
    quotients = torch.zeros_like(exact)
    for k in range(len(exact)):
        kept = rough.params.flat[k].item()
        values = []
        for moved in (kept + h, kept - h):
            rough.params.flat[k] = moved
            values.append(rough.loss(rough.forward(data.train.x), y).item())
        rough.params.flat[k] = kept
        quotients[k] = (values[0] - values[1]) / (2 * h)
    errors[h] = ((quotients - exact).norm() / exact.norm()).item()
    print(f"float32, h {h:.0e}: relative error {errors[h]:.1e}")
assert 1e-5 < min(errors.values()) < 1e-3

# %%
# Exercises
# ---------
# 1. Where relu has its kink, at 0, it has no derivative. What does the central quotient say there, and what does
#    autograd?
# 2. Shift the parameter by an *imaginary* :math:`ih` instead. Then :math:`L'(w) = \mathrm{Im}\, L(w + ih) / h + \dots`,
#    with no difference of two numbers that are nearly equal. How small may :math:`h` become? Try it on tanh.
# 3. ``weight.grad`` after ``backward`` is a tensor of numbers. Move the weight: does its ``grad`` follow?

# %%
# Solution 1
# ~~~~~~~~~~
# The quotient takes the mean of both sides, a half; autograd takes 0 by convention. Both are fine for training, but a
# check that hits a kink reports a difference where there is no mistake: move the point and check again.

z = torch.zeros(1, dtype=torch.float64, requires_grad=True)
torch.relu(z).backward()
h = 1e-6
quotient = (torch.relu(torch.tensor(h)) - torch.relu(torch.tensor(-h))) / (2 * h)
print("quotient", round(quotient.item(), 6), " autograd", z.grad.item())
assert (round(quotient.item(), 6), z.grad.item()) == (0.5, 0.0)

# %%
# Solution 2
# ~~~~~~~~~~
# As small as you like: the error left out is of order :math:`h^2`, and nothing cancels. But every function must have a
# version for complex numbers.

point = 0.7
exact_slope = 1 - torch.tanh(torch.tensor(point, dtype=torch.float64)).item() ** 2
for h in (1e-5, 1e-20, 1e-100):
    slope = cmath.tanh(complex(point, h)).imag / h
    print(f"h {h:.0e}: error {abs(slope - exact_slope):.1e}")
assert abs(slope - exact_slope) < 1e-15  # a rounding or two in float64

# %%
# Solution 3
# ~~~~~~~~~~
# No. ``grad`` is the slope at the place where ``backward`` was called, not a formula for other places.

v = torch.tensor(3.0, requires_grad=True)
(v**2).backward()
assert v.grad == 6
with torch.no_grad():
    v.fill_(10.0)
print("after the move:", v.grad.item(), "; the slope there is", 2 * v.item())
assert v.grad == 6

# %%
# What you learned
# ----------------
# - A difference quotient checks a gradient without knowing how it was found; do it in float64, with the central form.
# - Too large an h leaves out too much, too small a one drowns in rounding; about a hundred-thousandth is right.
# - It costs two losses a parameter: for checking, never for training.
# - With a wrong gradient the loss can fall all the same. Check every derivative that you write.
#
# The next page: *Recap: foundations*.
