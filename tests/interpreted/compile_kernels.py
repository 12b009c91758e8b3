"""Has every kernel compiled for a card of the compute capability in argument 1, as steps start it, without the card.

A process of its own: where kernels are interpreted, none can be compiled. Prints the names of those that were, the
registers of a thread, the bytes of numbers that had no room in them, how often innermost loops move such numbers, and,
of a kernel for fleets, the most operations on whole numbers for a hundred multiplications in a loop through its units.
"""

import sys
from collections import Counter
from dataclasses import replace
from typing import Any

import torch
from triton.backends.compiler import GPUTarget
from triton.runtime.driver import driver
from triton.runtime.jit import JITFunction

from fivestep.datasets._base import Dataset, Rows
from fivestep.engines._batched import compiled
from fivestep.engines._batched.drawn import bits_of_steps
from fivestep.engines._make import make_engine
from fivestep.engines.fused.recorded import own_kernels
from fivestep.fleet import fit_many
from fivestep.fleet.batched import kinds
from fivestep.net import MLP
from fivestep.steps import steps
from tests.interpreted.machine_code import innermost_loops, usage
from tests.kernels import NUM_IN, Case, data_of, plan_of
from tests.samples import numbers, small_plan, three_classes

CASES = [
    Case(plan=(("momentum", 0.9),), rows="bytes"),
    Case("mse", "tanh", (64, 70, 33), (("optimizer", "adamw"), ("batch_size", None)), "weighted"),
    Case("binary_cross_entropy", "sigmoid", plan=(("optimizer", "rmsprop:centered=true,momentum=0.5"),)),
    Case("mse", "gelu", plan=(("optimizer", "adam"),), num_outputs=24),
    Case("mse", "mish", plan=(("optimizer", "lion"),), num_outputs=24, rows="weighted"),
]
FLEETS: list[dict[str, Any]] = [
    {"activation": "relu", "optimizer": "adam"},
    {"sizes": (10, 32, 1), "activation": "relu", "optimizer": "adam", "batch_size": None},
    {"sizes": (2, 8, 1), "activation": "tanh", "optimizer": "adam", "loss": "binary_cross_entropy", "batch_size": None},
    {"sizes": (16, 80, 8), "activation": "relu", "optimizer": "rmsprop:centered=true,momentum=0.5", "batch_size": None},
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
    used, spilled, hot = usage(made.asm["cubin"]), 0, list[Counter[str]]()
    if module == "steps" or used.spilled:  # without room on the stack no number goes there and back
        loops = innermost_loops(made.asm["cubin"])
        spilled = sum(loop["LDL"] + loop["STL"] for loop in loops)
        hot = [loop for loop in loops if module == "steps" and loop["FFMA"] >= HOT]
    found = (*used, spilled, max(map(whole_numbers_of, hot), default=0))
    sys.stdout.write(f"{module} {kernel.fn.__name__} {' '.join(map(str, found))}\n")


def whole_numbers_of(loop: Counter[str]) -> int:
    """Operations on whole numbers, of each thread and not of all at once ("U..."), for a hundred multiplications."""
    count = sum(count for name, count in loop.items() if name.startswith(("IADD", "IMAD", "LEA")))
    return 100 * count // loop["FFMA"]


HOT = 60
"""Multiplications of a loop through the units of a fleet's network: eight rows of each thread."""

start = JITFunction.run


def data_of_fleet(num_in: int, num_out: int, options: dict[str, Any]) -> Dataset:
    """Rows for a fleet, as many as its benchmark has where all are in one step."""
    if num_in == 4:
        return three_classes(20)
    options.setdefault("loss", "mse")
    x = numbers(200, num_in)
    return Dataset(Rows(x, (x.sum(1, keepdim=True) > 0).double().expand(-1, num_out)), num_outputs=num_out)


def main() -> None:
    """Goes through the steps of each network; what they compute is of no use."""
    driver.set_active(NoCard())
    JITFunction.run = only_compiled
    own_kernels.has_triton = lambda _device: True
    compiled.lacks_for_triton = lambda: None
    kinds.DEVICES = compiled.DEVICES = ("cpu",)
    networks, fleets, epochs = (CASES, FLEETS, 2) if sys.argv[1] == "90" else (CASES[:3], FLEETS[:2], 1)  # of products
    for case in networks:
        plan = replace(plan_of(case), epochs=epochs)
        spec = MLP(NUM_IN, *case.hidden, case.num_outputs, activation=case.activation)
        for precision in ("", ",precision=bfloat16")[: 1 + (case.num_outputs > 16)]:
            engine = make_engine(f"fused:recorded=true{precision}", spec, plan, device="cpu")
            next(steps(engine, data_of(case), plan))
    bits_of_steps([0, 1], range(2), 1, 30, torch.device("cpu"))
    for options in fleets:
        sizes, activation = options.pop("sizes", (4, 6, 3)), options.pop("activation")
        data = data_of_fleet(sizes[0], sizes[-1], options)
        plans = [small_plan(**options, seed=seed, epochs=1) for seed in range(2)]
        members = fit_many(MLP(*sizes, activation=activation), data, plans, "scratch", device="cpu")
        assert all(member.how.endswith("by one kernel") for member in members), members[0].how


if __name__ == "__main__":
    main()
