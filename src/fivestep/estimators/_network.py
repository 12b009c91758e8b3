"""A trained network that pickles as numbers and text."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from ..averages import to_prediction
from ..check import InputError
from ..engines._engine import Engine
from ..engines._make import make_engine
from ..machine.threads import threads_for

ROWS_AT_A_TIME = 8192


@final
class Network:
    """The engine of an estimator. A pickle has its spec, plan and state, from which the engine is made again."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def dtype(self) -> type:
        """NumPy's name for the type it computes in."""
        return np.float64 if self.engine.dtype == torch.float64 else np.float32

    @torch.no_grad()
    def logits(self, rows: Callable[[slice], np.ndarray], num_rows: int) -> Tensor:
        """The outputs (N, O) on the CPU for rows (N, width), which are asked for some at a time."""
        parts = []
        for start in range(0, num_rows, ROWS_AT_A_TIME):
            part = as_tensor(rows(slice(start, start + ROWS_AT_A_TIME)))
            with threads_for(self.engine, len(part)):
                parts.append(self.engine.predict(part.to(self.engine.device)).cpu())
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    @contextmanager
    def unchanged_if_it_fails(self) -> Iterator[None]:
        """A context after whose error, or Ctrl-C, the engine has the weights, and goes on, as before: for a copy."""
        engine = self.engine
        state, num_updates, is_averaged = engine.state(), engine.num_updates, engine.params.training is not None
        try:
            yield
        except BaseException:
            engine.load_state(state, num_updates)
            if is_averaged:
                to_prediction(engine)
            raise

    def matrices(self) -> list[str]:
        """The names of the weights of the linear layers, from input to output."""
        return [name for name, w in self.engine.named_parameters().items() if name.endswith("weight") and w.dim() == 2]

    def __getstate__(self) -> dict[str, Any]:
        engine = self.engine
        return {
            "engine": engine.choice,
            "spec": engine.spec,
            "plan": engine.plan,
            "dtype": engine.dtype_name,
            "device": str(engine.device),
            "state": {name: value.cpu().numpy() for name, value in engine.state().items()},
            "num_updates": engine.num_updates,
            "is_averaged": engine.params.training is not None,
        }

    def __setstate__(self, kept: dict[str, Any]) -> None:
        try:
            self.engine = _made(kept, kept["device"])
        except InputError:  # a device that this machine does not have
            self.engine = _made(kept, "cpu")
        state = {name: as_tensor(value).to(self.engine.device) for name, value in kept["state"].items()}
        self.engine.load_state(state, kept["num_updates"])
        if kept["is_averaged"]:  # not if the weights of the best epoch have replaced the average
            to_prediction(self.engine)


def as_tensor(array: np.ndarray) -> Tensor:
    """The array's memory as a tensor, or a copy where torch cannot share it: read-only, or of another order."""
    return torch.from_numpy(np.require(array, requirements=["C", "W"]))


def _made(kept: dict[str, Any], device: str) -> Engine:
    return make_engine(kept["engine"], kept["spec"], kept["plan"], dtype=kept["dtype"], device=device)
