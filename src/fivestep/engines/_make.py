"""An engine by name, with a device and a dtype by name."""

import inspect

import torch

from ..check import InputError, instances, one_of, refuse, warn
from ..find import Choice, find, names
from ..machine.default_device import check_default_device
from ..machine.memory import give_back_large
from ..net import NetSpec
from ..plan import TrainPlan
from ..ranks import ALONE, Ranks
from ._choose import choose
from ._engine import Engine
from ._memory import check_memory, is_large
from .fused.recorded.precision import PRECISIONS, check_precision

DTYPES = {"float32": torch.float32, "float64": torch.float64}
DEVICES = ("auto", "cpu", "cuda", "mps")


def make_engine(
    name: str | Choice,
    spec: NetSpec,
    plan: TrainPlan,
    *,
    dtype: str | torch.dtype = "float32",
    device: str | torch.device = "auto",
    num_rows: int | None = None,
    ranks: Ranks = ALONE,
) -> Engine:
    """The engine "scratch", "autograd", "nn" or "fused" for a network and a plan; "auto" is the fastest one.

    That is `fused` on CUDA and on the CPU (there in one of two forms, by the floating-point operations of a step), and
    `scratch` elsewhere and for what `fused` cannot do; `engine.reason` says why. `num_rows` is the number of rows of a
    full batch. If requested by name, `fused` falls back to `scratch` with a warning. An engine's own options follow its
    name: "nn:compile=true", "nn:autocast=bfloat16", "fused:precision=bfloat16". "auto:alone=true", for the only
    training in a process, uses `scratch` for what it does within a second. `dtype` is "float32" or "float64", or
    torch's own; `device` is "cpu", "cuda", "cuda:1", "mps", a `torch.device`, or "auto" for the first available one of
    cuda, mps and cpu. `ranks` (`join_ranks`), each of which calls this, share every batch; each takes a cuda device of
    its own. Raises an `InputError` for an unknown name, a missing device, or a network whose sizes are not known yet.
    Warns if the network ends with an activation that the loss applies itself.
    """
    dtype = str(dtype).removeprefix("torch.")
    choice, found = check_engine(name, dtype, str(device))
    instances(spec=(spec, NetSpec), plan=(plan, TrainPlan), ranks=(ranks, Ranks))
    place = device_of(ranks, found)
    check_memory(spec, plan, dtype, place, num_rows, alone=ranks.are_alone)
    if place.type == "cpu" and is_large(spec):
        give_back_large()
    if choice.name in ("auto", "fused") and choice.options.get("precision") is not None:
        check_precision(choice.options["precision"], spec, DTYPES[dtype], place)
    chosen = choose(choice, spec, plan, place, num_rows, ranks)
    engine: Engine = find("engines", chosen.name)(spec, plan, DTYPES[dtype], place, ranks, **chosen.options)
    engine.reason = chosen.reason
    if spec.layers[-1].name == engine.criterion.inverse_link != "identity":
        warn(
            f"a network for {plan.loss} should end with logits, got {spec.layers[-1].name} as its last layer, which "
            f"the loss applies itself: applied twice, the loss cannot get near 0; leave the layer out."
        )
    return engine


def check_engine(name: str | Choice, dtype: str, device: str) -> tuple[Choice, torch.device]:
    """The engine as a choice, and the device; raises an `InputError` for one that is unknown or missing."""
    one_of("dtype", dtype, DTYPES)
    choice = Choice.parse(name)
    if choice.name in DEVICES[1:]:
        advice = f"it is a device: pass device={choice.name!r} and leave the engine 'auto'"
        raise refuse("engine", choice.name, f"auto, or one of {', '.join(names('engines'))}", advice)
    one_of("engine", choice.name, ("auto", *names("engines")))
    _check_options(choice, find("engines", "fused" if choice.name == "auto" else choice.name))
    if choice.name in ("auto", "fused") and choice.options.get("precision") is not None:
        one_of("precision", str(choice.options["precision"]), PRECISIONS)
    return choice, find_device(device, dtype)


def _check_options(choice: Choice, kind: type[Engine]) -> None:
    """Raises an `InputError` for an option that the engine does not have: its own are the keyword-only arguments."""
    for key in choice.options:
        known = [p.name for p in inspect.signature(kind).parameters.values() if p.kind is p.KEYWORD_ONLY]
        known = ["precision", "alone"] if choice.name == "auto" else known  # of the engine that will be made
        if not known:
            raise InputError(f"engine {choice.name!r} must be used without options, got {key!r}; leave it out.")
        one_of(f"option of engine {choice.name!r}", key, known)


def device_of(ranks: Ranks, device: torch.device) -> torch.device:
    """This rank's device of that kind: the second rank on a machine takes cuda:1."""
    if ranks.are_alone or device.type != "cuda":
        return device
    if ranks.local >= torch.cuda.device_count():
        raise refuse(
            "ranks",
            ranks.size,
            f"at most {torch.cuda.device_count()} on this machine, one for each cuda device",
            "start fewer",
        )
    return torch.device("cuda", ranks.local)


def find_device(name: str, dtype: str = "float32") -> torch.device:
    """The device of that name; "auto" takes cuda, then mps (which has no float64), then cpu."""
    check_default_device()
    one_of("device", name.partition(":")[0], DEVICES)
    has_mps = torch.backends.mps.is_available()
    if name == "mps" and has_mps and dtype == "float64":
        raise InputError(
            "dtype must be 'float32' on device 'mps', which has no float64, got 'float64'; use device 'cpu' for it."
        )
    num_cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    present = [*(f"cuda:{k}" for k in range(num_cuda)), *(["mps"] if has_mps and dtype != "float64" else []), "cpu"]
    full_name = {"auto": present[0], "cuda": "cuda:0"}.get(name, name)
    if full_name not in present:
        raise InputError(f"device must be one that this machine has, got {name!r}; use 'auto' or 'cpu'.")
    return torch.device(full_name)
