"""torch.compile: the whole step as one graph, gather, gradient and update included. Needs a C++ compiler."""

import shutil
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call, grad_and_value

from ._base import Array, Job, Rival
from .pytorch import loss_of, module_of, resident_batches

if not any(shutil.which(name) for name in ("c++", "g++", "clang++")):
    raise ImportError("torch.compile needs a C++ compiler on the PATH")


class Compiled(Rival):
    """`grad_and_value` and the update in place, compiled together: on a CPU faster than a compiled module with autograd
    outside, and than a compiled `optimizer.step` beside it."""

    title = "PyTorch, torch.compile of the step"

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.model, self.batches = module_of(job), resident_batches(job)
        self.w = {name: value.detach() for name, value in self.model.named_parameters()}
        self.memory = [{name: torch.zeros_like(value) for name, value in self.w.items()} for _ in range(2)]
        self.done = torch.zeros(())
        self.step: Any = torch.compile(step_of(job, self.model), dynamic=False)

    def train(self, steps: int) -> None:
        for x, y in islice(self.batches, steps):
            self.step(self.w, *self.memory, self.done, x, y)

    def weights(self) -> dict[str, Array]:
        return {name: value.numpy().copy() for name, value in self.w.items()}


def step_of(job: Job, model: torch.nn.Module) -> Any:
    """A step as a function of weights, memory, steps done and a batch, which changes the first three in place."""
    criterion, lr, is_adam = loss_of(job), job.lr, job.rule == "adam"

    def loss(w: dict[str, Tensor], x: Tensor, y: Tensor) -> Any:
        return criterion(functional_call(model, w, (x,)), y)

    def step(w: Any, m: Any, v: Any, done: Tensor, x: Tensor, y: Tensor) -> Any:
        g, value = grad_and_value(loss)(w, x, y)
        done += 1
        for name in w:
            if is_adam:
                m[name].lerp_(g[name], 0.1)
                v[name].mul_(0.999).addcmul_(g[name], g[name], value=0.001)
                root = (v[name] / (1 - 0.999**done)).sqrt_().add_(1e-8)
                w[name].sub_(lr / (1 - 0.9**done) * m[name] / root)
            else:
                w[name].sub_(g[name], alpha=lr)
        return value

    return step
