"""What `nn` offers beyond the five steps: bfloat16 autocast and torch.compile."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import fivestep
from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.engines._make import make_engine
from fivestep.engines.nn import NnEngine
from fivestep.evaluation import evaluate
from fivestep.find import Choice
from fivestep.net import MLP, NetSpec
from fivestep.run import Run
from tests.samples import do_steps, small_net, small_plan, three_classes
from tests.tolerances import BFLOAT16, ENGINES_FLOAT64, distance

DATA = three_classes(valid=20, weighted=True)


def stack(*layers: str) -> NetSpec:
    return NetSpec(tuple(map(Choice.parse, layers)), 4, 3)


NETS = {
    "plain": MLP(4, 6, 3),
    "with dropout": small_net(dropout=0.5),
    "with layer norm": stack("linear:out_features=6", "layer_norm", "gelu", "linear"),
    "with batch norm": stack("linear:out_features=6,bias=false", "batch_norm", "relu", "linear"),
}
nets = pytest.mark.parametrize("spec", [pytest.param(spec, id=name) for name, spec in NETS.items()])
needs_a_compiler = pytest.mark.skipif(
    not any(map(shutil.which, ("g++", "clang++", "c++"))), reason="torch.compile needs a C++ compiler, there is none"
)


def engine_of(name: str | Choice, spec: NetSpec | None = None, dtype: str = "float32", **options: Any) -> NnEngine:
    engine = make_engine(name, spec or small_net(), small_plan(**options), dtype=dtype, device="cpu")
    assert isinstance(engine, NnEngine)
    return engine


def losses(engine: NnEngine) -> Tensor:
    return torch.stack([step.loss for step in do_steps(engine, DATA, engine.plan, 1, 12)])


@nets
def test_losses_under_autocast_are_near_those_in_float32(spec: NetSpec) -> None:
    assert distance(losses(engine_of("nn:autocast=bfloat16", spec)), losses(engine_of("nn", spec))) < BFLOAT16


def test_autocast_works_in_bfloat16_and_keeps_everything_else_in_float32() -> None:
    engine, seen = engine_of("nn:autocast=bfloat16"), []
    engine.model[0].register_forward_hook(lambda _module, _inputs, output: seen.append(output.dtype))
    x, y = DATA.train.x.float(), DATA.train.y
    logits = engine.forward(x)
    loss = engine.loss(logits, y)
    engine.backward()
    prediction = engine.predict(x)
    assert seen == [torch.bfloat16] * 2
    assert {tensor.dtype for tensor in (logits, loss, prediction)} == {torch.float32}
    assert all(w.dtype == w.grad.dtype == torch.float32 for w in engine.model.parameters())


def test_gradients_under_autocast_are_the_flat_vector() -> None:
    engine = engine_of("nn:autocast=bfloat16")
    losses(engine)
    engine.params.grad.fill_(8)
    assert all((w.grad == 8).all() for w in engine.model.parameters())


@pytest.mark.parametrize("stop", [1, 6])
def test_a_continued_run_under_autocast_is_the_uninterrupted_run(stop: int) -> None:
    whole, first, second = (engine_of("nn:autocast=bfloat16", optimizer="adam") for _ in range(3))
    losses(whole)
    do_steps(first, DATA, first.plan, 1, stop)
    second.load_state(first.state(), first.num_updates)
    do_steps(second, DATA, second.plan, stop + 1, 12)
    assert torch.equal(second.params.flat, whole.params.flat)


CODES = Dataset(Rows(torch.arange(40).reshape(20, 2) % 7, torch.arange(20) % 3), num_outputs=3)
COMPILED_NETS: dict[str, tuple[NetSpec, Dataset]] = {
    "dropout, whose masks stay outside": (small_net(dropout=0.5), DATA),
    "embedding, batch norm, residual": (
        NetSpec(
            (
                Choice.parse("embedding:num_embeddings=7,embedding_dim=3"),
                Choice("flatten"),
                Choice("batch_norm"),
                Choice("residual", layers=("linear:out_features=6",)),
                Choice("linear"),
            ),
            2,
            3,
        ),
        CODES,
    ),
}
COMPILED = """
import torch
from tests.engines.test_nn_options import COMPILED_NETS, engine_of
from tests.samples import do_steps
from tests.tolerances import distance
for spec, data in COMPILED_NETS.values():
    engines = [engine_of(name, spec, "float64", batch_size=None) for name in ("nn:compile=true", "nn")]
    print(distance(*(torch.stack([step.loss for step in do_steps(e, data, e.plan, 1, 3)]) for e in engines)))
    print(distance(*(engine.predict(data.train.x) for engine in engines)))
"""


@pytest.mark.slow
@needs_a_compiler
def test_a_compiled_module_gives_the_numbers_of_the_module() -> None:
    """In float64, through three steps and a prediction. Without the checks of shapes, so in a process of its own.

    It compiles in its own thread: torch would start a process for each processor, each of which imports torch first.
    """
    root, source = Path(__file__).parents[2], Path(fivestep.__file__).parents[1]
    path = {"PYTHONPATH": os.pathsep.join([str(source), str(root)])}
    env = os.environ | path | {"TORCHINDUCTOR_COMPILE_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", COMPILED], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = [float(word) for word in done.stdout.split()]
    assert len(found) == 2 * len(COMPILED_NETS)
    assert max(found) < ENGINES_FLOAT64


def test_a_run_is_loaded_with_the_options_of_its_engine(tmp_path: Path) -> None:
    engine = engine_of(Choice("nn", autocast="bfloat16"))
    run = Run.start(engine, DATA, tmp_path / "run")
    list(run.train(DATA))
    loaded = Run.load(tmp_path / "run", device="cpu")
    assert str(loaded.engine.choice) == "nn:autocast=bfloat16"
    assert evaluate(loaded.engine, DATA.train) == evaluate(engine, DATA.train)


@pytest.mark.parametrize(
    ("name", "dtype", "sentence"),
    [
        (
            "nn:complie=true",
            "float32",
            "option of engine 'nn' must be one of compile, autocast, got 'complie'; did",
        ),
        ("scratch:compile=true", "float32", "engine 'scratch' must be used without options, got 'compile'; leave it"),
        ("auto:compile=true", "float32", "option of engine 'auto' must be one of precision, alone, got 'compile'"),
        ("nn:compile=yes", "float32", "compile must be true or false, got 'yes'"),
        ("nn:autocast=float16", "float32", "autocast must be one of bfloat16, got 'float16'; did you mean 'bfloat16'"),
        ("nn:autocast=true", "float32", "autocast must be one of bfloat16, got 'True'; choose one of them"),
        ("nn:autocast=bfloat16", "float64", "autocast must be used with dtype float32, got 'bfloat16'; leave one of"),
        ("nn:compile", "float32", "a choice must read 'name:key=value,key=value', got 'nn:compile'"),
    ],
)
def test_an_option_that_cannot_work_is_refused(name: str, dtype: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        engine_of(name, dtype=dtype)


def test_compile_without_a_compiler_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(InputError, match=r"compile must be used where there is a C\+\+ compiler, got none on the PATH"):
        engine_of("nn:compile=true")
