"""Has every kernel compiled for a card of the compute capability in argument 1, as steps start it, without the card.

A process of its own: where kernels are interpreted, none can be compiled. Prints the names of those that were, and the
bytes of their code.
"""

import sys
from typing import Any

from triton.backends.compiler import GPUTarget
from triton.runtime.driver import driver
from triton.runtime.jit import JITFunction

from fivestep.engines._batched import compiled
from fivestep.engines._make import make_engine
from fivestep.engines.fused import _kernels
from fivestep.fleet import fit_many
from fivestep.fleet.batched import kinds
from fivestep.net import MLP
from fivestep.steps import steps
from tests.kernels import NUM_IN, Case, data_of, plan_of
from tests.samples import small_plan, three_classes

CASES = [
    Case(plan=(("momentum", 0.9),), rows="bytes"),
    Case("mse", "tanh", (64, 70, 33), (("optimizer", "adamw"), ("batch_size", None)), "weighted"),
    Case("binary_cross_entropy", "sigmoid", plan=(("optimizer", "rmsprop:centered=true,momentum=0.5"),)),
    Case("mse", "gelu", plan=(("optimizer", "adam"),), num_outputs=24),
    Case("mse", "mish", plan=(("optimizer", "lion"),), num_outputs=24, rows="weighted"),
]
FLEETS: list[dict[str, Any]] = [
    {"activation": "relu", "optimizer": "adam"},
    {"activation": "elu", "optimizer": "sgd:momentum=0.9", "clip_norm": 0.1, "clip_value": 0.05, "l2": 0.1, "ema": 0.9},
    {"activation": "tanh", "optimizer": "adagrad", "batch_size": None},
]


class NoCard:
    """What Triton asks a device, answered for a card that is not there."""

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", int(sys.argv[1]), 32)

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, _device: int) -> int:
        return 0


def only_compiled(kernel: Any, *args: Any, **options: Any) -> None:
    """In place of a start."""
    made = start(kernel, *args, **{**options, "warmup": True})
    module = kernel.fn.__module__.rpartition(".")[2]
    sys.stdout.write(f"{module} {kernel.fn.__name__} {len(made.asm['cubin'])}\n")


start = JITFunction.run


def main() -> None:
    """Goes through the steps of each network; what they compute is of no use."""
    driver.set_active(NoCard())
    JITFunction.run = only_compiled
    _kernels.has_triton = lambda _device: True
    compiled.lacks_for_triton = lambda: None
    kinds.DEVICES = compiled.DEVICES = ("cpu",)
    networks, fleets = (CASES, FLEETS) if sys.argv[1] == "90" else (CASES[:3], FLEETS[:1])  # their products differ
    for case in networks:
        spec = MLP(NUM_IN, *case.hidden, case.num_outputs, activation=case.activation)
        for precision in ("", ",precision=bfloat16")[: 1 + (case.num_outputs > 16)]:
            engine = make_engine(f"fused:recorded=true{precision}", spec, plan_of(case), device="cpu")
            next(steps(engine, data_of(case), plan_of(case)))
    for options in fleets:
        spec = MLP(4, 6, 3, activation=options.pop("activation"))
        plans = [small_plan(**options, seed=seed, epochs=1) for seed in range(2)]
        members = fit_many(spec, three_classes(20), plans, "scratch", device="cpu")
        assert all(member.how.endswith("by one kernel") for member in members), members[0].how


if __name__ == "__main__":
    main()
