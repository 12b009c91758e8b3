"""An engine by name, on a device and in a floating-point type by name."""

import importlib.util
from dataclasses import replace
from typing import Any

import pytest
import torch

from fivestep.check import InputError
from fivestep.datasets._load import load_dataset
from fivestep.engines._choose import choose
from fivestep.engines._engine import BlockEngine
from fivestep.engines._make import find_device, make_engine
from fivestep.engines.fused import _size
from fivestep.estimators.regressor import MLPRegressor
from fivestep.net import MLP, NetSpec, SoftmaxRegression
from fivestep.plan import TrainPlan
from tests.samples import ENGINES


@pytest.fixture
def few_registers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor on which no network is divided."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")


@pytest.fixture
def many_registers(monkeypatch: pytest.MonkeyPatch) -> None:
    """One on which those that can be are."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")


SPEC, WIDE, PLAN = MLP(4, 6, 3), SoftmaxRegression(784, 10), TrainPlan()
UNKNOWN = "has no scalar form, and the larger body needs none"
NARROW = "in layers too narrow to be divided"
LARGE = "a step has 116 million operations, more than 15 million"


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_knows_its_name(name: str) -> None:
    assert make_engine(name, SPEC, PLAN, device="cpu").name == name


@pytest.mark.usefixtures("few_registers")
@pytest.mark.parametrize(
    ("spec", "options", "num_rows", "name", "reason"),
    [
        (SPEC, {}, None, "fused", "a step has 64.5 thousand operations, no more than 40 million"),
        (MLP(64, 1024, 10), {}, None, "fused", "a step has 116 million operations, more than 15 million"),
        (MLP(10, 128, 128, 1), {}, None, "fused", "a step has 27.3 million operations, more than 15 million"),
        (
            MLP(10, 64, 64, 1),
            {"batch_size": 512},
            None,
            "fused",
            "a step has 14.7 million operations, no more than 40 million",
        ),
        (WIDE, {}, None, "fused", "a step gathers 201 thousand numbers, more than 100 thousand"),
        (WIDE, {"batch_size": None}, 100, "fused", "a step has 4.7 million operations, no more than 40 million"),
        (SPEC, {"batch_size": None}, 100, "fused", "a step has 25.2 thousand operations, no more than 40 million"),
        (SPEC, {"batch_size": None}, 10**6, "fused", "a step has 252 million operations, more than 40 million"),
        (MLP(4, 6, 3, activation="softmax"), {}, None, "fused", f"layer 'softmax' {UNKNOWN}"),
        (
            SPEC,
            {"optimizer": "adam:amsgrad=false"},
            None,
            "fused",
            "a step has 64.5 thousand operations, no more than 40 million",
        ),
        (
            MLP(4, 6, 3, norm="batch_norm"),
            {"optimizer": "muon"},
            None,
            "fused",
            "a step has 64.5 thousand operations, no more than 40 million",
        ),
        (SPEC, {"optimizer": "lbfgs"}, None, "scratch", "optimizer 'lbfgs' looks at the loss more than once in a step"),
        (MLP(64, 1024, 10, norm="rms_norm"), {"optimizer": "muon"}, None, "fused", LARGE),
        (MLP(64, 1024, 10, norm="rms_norm"), {"micro_batch_size": 32}, None, "fused", LARGE),
    ],
)
def test_auto_goes_by_operations_and_by_what_has_a_scalar_form(
    spec: NetSpec, options: dict[str, Any], num_rows: int | None, name: str, reason: str
) -> None:
    engine = make_engine("auto", spec, TrainPlan(**options), device="cpu", num_rows=num_rows)
    assert (engine.name, engine.reason) == (name, reason)


@pytest.mark.usefixtures("many_registers")
@pytest.mark.parametrize(
    ("spec", "options", "num_rows", "larger", "reason"),
    [
        (MLP(10, 128, 128, 1), {}, None, True, "a step has 27.3 million operations, more than 2 million"),
        (
            MLP(10, 128, 128, 1),
            {"batch_size": 16},
            None,
            False,
            "a step has 1.71 million operations, no more than 2 million",
        ),
        (MLP(10, 32, 32, 1), {"batch_size": None}, 10**5, False, f"a step has 826 million operations, {NARROW}"),
        (MLP(10, 256, 1), {"batch_size": None}, 4096, False, f"a step has 69.2 million operations, {NARROW}"),
        (
            MLP(10, 128, 128, 1),
            {"clip_norm": 1.0, "l2": 0.1},
            None,
            True,
            "a step has 27.3 million operations, more than 2 million",
        ),
        (
            MLP(10, 128, 128, 1, dropout=0.5),
            {},
            None,
            True,
            "a step has 27.3 million operations, more than 2 million",
        ),
        (
            MLP(10, 128, 128, 1, norm="layer_norm"),
            {},
            None,
            True,
            "a step has 27.3 million operations, more than 2 million",
        ),
        (WIDE, {"batch_size": None}, 10**4, True, "a step has 470 million operations, more than 40 million"),
        (WIDE, {}, None, True, "a step gathers 201 thousand numbers, more than 100 thousand"),
    ],
)
def test_where_units_can_be_divided_auto_goes_by_whether_they_fill_panels(
    spec: NetSpec, options: dict[str, Any], num_rows: int | None, larger: bool, reason: str
) -> None:
    assert _size.is_larger(spec, TrainPlan(**options), num_rows) == (larger, reason)


@pytest.mark.usefixtures("many_registers")
@pytest.mark.parametrize("num_rows", [16, 1024])
def test_a_run_on_the_full_batch_that_goes_on_is_divided_as_before(num_rows: int) -> None:
    spec, plan = MLP(4, 128, 128, 3), TrainPlan(batch_size=None)
    engine = make_engine("auto", spec, plan, device="cpu", num_rows=num_rows)
    again = make_engine(engine.choice, spec, plan, device="cpu")
    assert isinstance(engine, BlockEngine)
    assert isinstance(again, BlockEngine)
    assert again.row_access.as_stored == engine.row_access.as_stored == (num_rows > 16)


@pytest.mark.usefixtures("few_registers")
@pytest.mark.parametrize(
    ("choice", "epochs", "num_rows", "name", "reason"),
    [
        ("auto:alone=true", 1, 100, "scratch", "1 step is done within a second without compiled code"),
        ("auto:alone=true", 1000, 100, "scratch", "1,000 steps are done within a second without compiled code"),
        ("auto:alone=true", 12_000, 100, "fused", "a step has 25.2 thousand operations, no more than 40 million"),
        ("auto:alone=true", 1000, None, "fused", "a step has 64.5 thousand operations, no more than 40 million"),
        ("auto:alone=true", 1, 10**6, "scratch", "1 step is done within a second without compiled code"),
        ("auto:alone=true", 500, 10**6, "fused", "a step has 252 million operations, more than 40 million"),
        ("auto:alone=false", 1, 100, "fused", "a step has 25.2 thousand operations, no more than 40 million"),
        ("auto", 1, 100, "fused", "a step has 25.2 thousand operations, no more than 40 million"),
    ],
)
def test_auto_leaves_a_short_training_to_scratch_if_it_is_the_only_one_of_a_process(
    choice: str, epochs: int, num_rows: int | None, name: str, reason: str
) -> None:
    plan = TrainPlan(batch_size=None, epochs=epochs)
    engine = make_engine(choice, SPEC, plan, device="cpu", num_rows=num_rows)
    assert (engine.name, engine.reason) == (name, reason)


def test_a_longer_step_makes_a_training_long() -> None:
    """Five thousand steps of 25 million operations take two and a half seconds by themselves."""
    plan = TrainPlan(batch_size=None, epochs=5000)
    chosen = [make_engine("auto:alone=true", SPEC, plan, device="cpu", num_rows=rows).name for rows in (100, 10**5)]
    assert chosen == ["scratch", "fused"]


def test_an_engine_that_was_asked_for_says_so() -> None:
    assert make_engine("scratch", SPEC, PLAN, device="cpu").reason == "it was asked for"


def test_without_numba_scratch_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "numba" else find_spec(name))
    engine = make_engine("auto", SPEC, PLAN, device="cpu")
    assert (engine.name, engine.reason) == ("scratch", "numba is not installed (pip install numba)")


def test_on_cuda_steps_are_recorded_and_elsewhere_scratch_does_the_work() -> None:
    chosen = choose("auto:precision=tf32", SPEC, PLAN, torch.device("cuda:0"), None)
    assert (chosen.name, chosen.options) == ("fused", {"precision": "tf32"})
    assert chosen.reason.startswith("steps on cuda:0 are recorded as graphs, its products are in tf32")
    assert choose("fused:larger=true", SPEC, PLAN, torch.device("cuda:0"), None).options == {}
    chosen = choose("auto", SPEC, PLAN, torch.device("mps"), None)
    assert chosen[:2] == ("scratch", "the compiled body runs on the CPU, not on mps")


def test_what_cannot_be_recorded_is_done_by_scratch_on_cuda() -> None:
    chosen = choose("auto", SPEC, replace(PLAN, optimizer="nadam"), torch.device("cuda:0"), None)
    assert chosen.name == "scratch"
    assert chosen.reason == "optimizer 'nadam' looks at numbers in every step, which a recorded one cannot"


@pytest.mark.usefixtures("few_registers")
@pytest.mark.parametrize(
    ("name", "num_rows", "choice"),
    [
        ("auto", 100, "fused"),
        ("auto", 10**6, "fused:larger=true"),
        ("fused", 10**6, "fused:larger=true"),
        ("fused:larger=false", 10**6, "fused:larger=false"),
        ("fused:larger=true", 100, "fused:larger=true"),
    ],
)
def test_a_run_that_goes_on_has_the_same_body_as_before(name: str, num_rows: int, choice: str) -> None:
    """Where the number of rows decides, which it does not know when it begins again."""
    engine = make_engine(name, SPEC, TrainPlan(batch_size=None), device="cpu", num_rows=num_rows)
    assert str(engine.choice) == choice
    assert str(make_engine(engine.choice, SPEC, TrainPlan(batch_size=None), device="cpu").choice) == choice


@pytest.mark.parametrize(("dtype", "expected"), [("float32", torch.float32), ("float64", torch.float64)])
@pytest.mark.parametrize("name", ENGINES)
def test_everything_an_engine_holds_has_its_type(name: str, dtype: str, expected: torch.dtype) -> None:
    engine = make_engine(name, SPEC, PLAN, dtype=dtype, device="cpu")
    engine.train_step(torch.zeros(2, 4), torch.tensor([0, 1]))  # float32 rows: the engine converts them
    assert all(value.dtype == expected for value in engine.named_parameters().values())
    assert engine.predict(torch.zeros(2, 4)).dtype == expected


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"name": "scrath"}, "engine must be one of .* got 'scrath'; did you mean 'scratch'"),
        ({"name": "cuda"}, "engine must be auto, or one of .* got 'cuda'; it is a device: pass device='cuda'"),
        ({"dtype": "float46"}, "dtype must be one of float32, float64, got 'float46'; did you mean 'float64'"),
        ({"device": "gpu"}, "device must be one of auto, cpu, cuda, mps, got 'gpu'"),
    ],
)
def test_an_unknown_name_is_refused(options: dict[str, str], sentence: str) -> None:
    usual = {"name": "scratch", "dtype": "float32", "device": "cpu"}
    with pytest.raises(InputError, match=sentence):
        make_engine(spec=SPEC, plan=PLAN, **{**usual, **options})


def test_a_network_whose_sizes_are_not_known_is_refused() -> None:
    with pytest.raises(InputError, match=r"the network must know its sizes, got \?-6-\?"):
        make_engine("scratch", MLP(None, 6, None), PLAN, device="cpu")


def with_devices(monkeypatch: pytest.MonkeyPatch, *present: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in present)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1 if "cuda" in present else 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in present)


@pytest.mark.parametrize(
    ("present", "dtype", "device"),
    [
        (("cuda", "mps"), "float32", "cuda:0"),
        (("mps",), "float32", "mps"),
        (("mps",), "float64", "cpu"),
        ((), "float32", "cpu"),
    ],
)
def test_auto_takes_cuda_then_mps_then_cpu(
    present: tuple[str, ...], dtype: str, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_devices(monkeypatch, *present)
    assert find_device("auto", dtype) == torch.device(device)


@pytest.mark.parametrize("name", ["cuda", "cuda:1", "mps"])
def test_a_device_that_is_not_there_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_devices(monkeypatch)
    with pytest.raises(
        InputError, match=f"device must be one that this machine has, got '{name}'; use 'auto' or 'cpu'"
    ):
        find_device(name)


@pytest.mark.parametrize("name", ["cuda:7", "cuda:x", "cuda:", "cpu:", "auto:1"])
def test_a_number_that_is_no_device_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_devices(monkeypatch, "cuda")
    with pytest.raises(InputError, match=f"device must be one that this machine has, got '{name}'"):
        find_device(name)


def test_float64_on_mps_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with_devices(monkeypatch, "mps")
    with pytest.raises(
        InputError, match="dtype must be 'float32' on device 'mps', which has no float64, got 'float64'"
    ):
        find_device("mps", "float64")


def test_a_default_device_of_torch_other_than_the_cpu_is_refused() -> None:
    """ "meta" stands for "cuda": both make tensors where the rows and the draws are not."""
    sentence = r"torch's default device must be 'cpu', .* got 'meta'; call torch.set_default_device\(None\)"
    with torch.device("meta"):
        with pytest.raises(InputError, match=sentence):
            load_dataset("moons")
        with pytest.raises(InputError, match=sentence):
            make_engine("scratch", MLP(2, 3, 1), TrainPlan(loss="mse"))
        with pytest.raises(InputError, match=sentence):
            MLPRegressor().fit([[0.0], [1.0]], [0.0, 1.0])


def test_torchs_own_types_and_devices_are_taken() -> None:
    engine = make_engine("scratch", SPEC, PLAN, dtype=torch.float64, device=torch.device("cpu"))
    assert (engine.dtype, engine.device) == (torch.float64, torch.device("cpu"))
