"""The spec of a module, read from the layers that it runs through."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import torch
from torch import nn

from ..datasets._base import Dataset
from ..find import Choice
from ..net import NetSpec

KNOWN: dict[type[nn.Module], Callable[..., Choice | None]] = {
    nn.Linear: lambda m: Choice(
        "linear", out_features=m.out_features, **({} if m.bias is not None else {"bias": False})
    ),
    nn.ReLU: lambda _: Choice("relu"),
    nn.Tanh: lambda _: Choice("tanh"),
    nn.Sigmoid: lambda _: Choice("sigmoid"),
    nn.GELU: lambda m: Choice("gelu_tanh" if m.approximate == "tanh" else "gelu"),
    nn.SiLU: lambda _: Choice("silu"),
    nn.Mish: lambda _: Choice("mish"),
    nn.ELU: lambda m: Choice("elu", alpha=m.alpha),
    nn.CELU: lambda m: Choice("celu", alpha=m.alpha),
    nn.SELU: lambda _: Choice("selu"),
    nn.Hardtanh: lambda m: Choice("hardtanh", min_val=m.min_val, max_val=m.max_val),
    nn.ReLU6: lambda _: Choice("relu6"),
    nn.Hardsigmoid: lambda _: Choice("hardsigmoid"),
    nn.Softsign: lambda _: Choice("softsign"),
    nn.LeakyReLU: lambda m: Choice("leaky_relu", slope=m.negative_slope),
    nn.Softplus: lambda m: Choice("softplus", beta=m.beta),
    nn.Hardswish: lambda _: Choice("hardswish"),
    nn.LayerNorm: lambda m: Choice("layer_norm", eps=m.eps, **_without_affine(m)),
    nn.RMSNorm: lambda m: Choice("rms_norm", eps=m.eps, **_without("elementwise_affine", m)),
    nn.BatchNorm1d: lambda m: Choice("batch_norm", eps=m.eps, momentum=m.momentum, **_without("affine", m)),
    nn.Dropout: lambda _: None,
    nn.Flatten: lambda _: None,
    nn.Identity: lambda _: None,
}
"""The counterparts of torch's layers; None for a layer that does nothing to a row of numbers."""


def spec_like(module: nn.Module, usual: NetSpec, data: Dataset) -> NetSpec | None:
    """The stack of layers that two rows go through, with the sizes of `usual`; None if it cannot be determined.

    It cannot if a parameter belongs to an unknown layer, or if two linear layers follow each other: then `forward` may
    apply an activation between them as a function, which cannot be seen.
    """
    run = _layers_in_order(module, data)
    held = {id(parameter) for layer in run for parameter in layer.parameters()}
    if not run or any(id(parameter) not in held for parameter in module.parameters()):
        return None
    choices = [choice for layer in run if (choice := KNOWN[type(layer)](layer)) is not None]
    if any(one.name == other.name == "linear" for one, other in pairwise(choices)):
        return None
    if choices[-1].name == "linear":  # its width is set by the task
        choices[-1] = Choice("linear", **{key: value for key, value in choices[-1].options.items() if key == "bias"})
    return replace(usual, layers=tuple(choices), title=type(module).__name__)


def _without(option: str, module: nn.Module) -> dict[str, bool]:
    """The option that switches a feature off, if the module lacks it."""
    return {} if getattr(module, option) else {option: False}


def _without_affine(norm: nn.LayerNorm) -> dict[str, bool]:
    """The options for what a layer normalization lacks: weight and bias, or the bias."""
    held = dict(norm.named_parameters())
    return _without("elementwise_affine", norm) | ({} if "bias" in held or not held else {"bias": False})


def _layers_in_order(module: nn.Module, data: Dataset) -> list[nn.Module]:
    """The known leaf layers in the order in which two rows pass them; empty if the module cannot run."""
    run: list[nn.Module] = []
    leaves = [layer for layer in module.modules() if type(layer) in KNOWN]
    hooks = [layer.register_forward_hook(lambda layer, _inputs, _output: run.append(layer)) for layer in leaves]
    kept = {key: value.clone() for key, value in module.state_dict().items()}
    x = data.train.take(slice(2)).x.flatten(1)
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            module(x.to(next(module.parameters()).dtype))
    except Exception:
        return []
    finally:
        for hook in hooks:
            hook.remove()
        module.load_state_dict(kept)
    return run
