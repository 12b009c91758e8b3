"""A trained network as an ordinary torch module."""

from typing import final

import torch
from torch import Tensor, nn

from ..check import instance
from ..draws import BITS
from ..engines._engine import Engine
from ..layer import Memo
from ..layers.dropout import _DrawnDropout


def to_torch(engine: Engine) -> nn.Sequential:
    """The network as a standalone `nn.Sequential`, with copies of the weights to predict with, in evaluation mode.

    It gives the outputs of `engine.predict`, has the engine's type and device, and its `state_dict` has the names and
    shapes of `model.safetensors`. Layers that torch has are torch's own, as `nn.Linear` and `nn.Dropout`; others are
    modules of this package, and draw with torch's generator. It ends with logits: the loss is not in it.
    """
    instance("engine", engine, Engine, "of an estimator pass its engine_")
    model = nn.Sequential()
    with torch.random.fork_rng(devices=[]):  # torch draws initial weights of its own, which are replaced
        for k, layer in enumerate(engine.layers):
            model.append(layer.module(Memo(training=True, draws=_FromTorch(), layer=k)))
    for parent in [*model.modules()]:
        for name, child in parent.named_children():
            if isinstance(child, _DrawnDropout):
                setattr(parent, name, nn.Dropout(child.layer.p))
    model.to(engine.device, engine.dtype).load_state_dict(engine.params.named_with_buffers())
    return model.eval()


@final
class _FromTorch:
    """Random bits from torch's own generator, as for `nn.Dropout`: new ones at every call."""

    def bits(self, layer: int, like: Tensor) -> Tensor:
        return torch.randint(2**BITS, like.shape, dtype=torch.int16, device=like.device)
