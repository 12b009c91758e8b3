"""Types that carry shapes, and the legend of the letters in them.

| letter | meaning                       |
|--------|-------------------------------|
| N      | rows of a batch               |
| I      | fan-in, inputs of a layer     |
| O      | fan-out, outputs of a layer   |
| C      | classes                       |
| K      | members of a fleet            |
| P      | all parameters of a network   |

A star, as in `*N`, stands for any number of leading axes: (N,) for a table, (N, T) for tokens. So `Weights` are those
of one network, or of each of K. `Features` are rows as a person has them, images (N, 28, 28) included; an engine
flattens them into the `Inputs` of its first layer.
"""

from collections.abc import Mapping

from jaxtyping import Float, Int, Num, Shaped
from torch import Tensor

Scalar = Float[Tensor, ""]
Vector = Float[Tensor, " P"]
Weights = Float[Tensor, "*K P"]
Features = Num[Tensor, "N ..."]
Logits = Float[Tensor, "N ... O"]
Inputs = Float[Tensor, "*N I"]
Outputs = Float[Tensor, "*N O"]
Elements = Float[Tensor, "..."]
Targets = Shaped[Tensor, "..."]
RowWeights = Float[Tensor, " N"]
Indices = Int[Tensor, " N"]

Tensors = Mapping[str, Tensor]
"""Tensors by name: the weights of one layer, its gradients, or those of a whole network."""

Shape = tuple[int, ...]
