"""`fivestep verify`: what it prints, what it returns, what it refuses."""

import json
import re
import shutil
from pathlib import Path

import pytest

from fivestep.layers.linear import Linear
from tests.cli.conftest import Command

MODEL = """
import torch
from torch import nn

class Mine(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.act, self.fc2 = nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 1)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))

class Sigmoid(Mine):
    def forward(self, x):
        return torch.sigmoid(super().forward(x))
"""
pytestmark = pytest.mark.usefixtures("without_shape_checks")


@pytest.fixture
def model(tmp_path: Path) -> str:
    (tmp_path / "model.py").write_text(MODEL)
    return "model.py"


def test_two_engines_that_agree(fivestep: Command) -> None:
    code, out, err = fivestep("verify", "scratch", "nn", "--task", "moons", "--steps", 30, "--dtype", "float64")
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0] == "scratch and nn agree: 30 steps of MLP 2-8-1 on moons, adam, float64."
    assert [line.split()[:2] for line in lines[3:8]] == [
        ["1", "forward"],
        ["2", "loss"],
        ["3", "zero_grad"],
        ["4", "backward"],
        ["5", "update"],
    ]
    assert "Compared after each of the five steps: logits, loss, 4 gradients, 4 parameters." in out
    tolerance = "Tolerance after step t: 1e5 u t, where u = 1.1e-16 is one rounding in float64; 1.1e-11 at step 1,"
    assert tolerance in out.replace("\n", " ")


def test_two_engines_that_differ(fivestep: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bias left out of the hand-written forward pass; `nn` has torch's own."""
    forward = Linear.forward
    monkeypatch.setattr(
        Linear, "forward", lambda self, w, x, memo: forward(self, {**w, "bias": w["bias"] * 0}, x, memo)
    )
    code, out, _ = fivestep("verify", "scratch", "nn", "--steps", 3)
    assert code == 1
    assert out.startswith("scratch and nn differ at step 1, after 1 forward: MLP 2-8-1 on moons, adam,\nfloat32.")
    assert re.search(
        r"  tensor +logits \[\d+,0\] of \(200, 1\)\n  scratch +-?[\d.]+\n  nn +-?[\d.]+\n  difference +", out
    )
    assert "  likely " in out


@pytest.mark.parametrize("columns", [40, 60, 80, 100])
def test_a_pipe_gets_plain_lines_of_eighty(fivestep: Command, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    out = fivestep("verify", "scratch", "nn", "--steps", 3).out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 80


def test_json_holds_the_same(fivestep: Command) -> None:
    code, out, err = fivestep("verify", "autograd", "nn", "--steps", 3, "--json")
    report = json.loads(out)
    assert (code, err, report["agrees"], report["first_difference"]) == (0, "", True, None)
    assert report["engines"] == ["autograd", "nn"]
    assert list(report["largest"]) == ["1 forward", "2 loss", "3 zero_grad", "4 backward", "5 update"]


def test_json_of_a_difference_without_end_is_json(fivestep: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    forward = Linear.forward
    monkeypatch.setattr(Linear, "forward", lambda self, w, x, memo: forward(self, w, x, memo) * float("inf"))
    code, out, _ = fivestep("verify", "scratch", "nn", "--steps", 3, "--json")
    report = json.loads(out, parse_constant=lambda text: pytest.fail(f"{text} is not JSON"))
    assert code == 1
    assert report["first_difference"]["absolute"] == "inf"


@pytest.mark.parametrize(
    ("arguments", "head"),
    [
        (
            ("scratch", "autograd", "--task", "iris", "--dropout", 0.2),
            "scratch and autograd agree: 5 steps of MLP 4-16-3 on iris",
        ),
        (("nn", "accumulate", "--batch-size", 40), "nn in parts of 10 and nn in whole batches of 40 agree: 5 steps"),
        (("accumulate", "nn", "--batch-size", 40), "nn in parts of 10 and nn in whole batches of 40 agree: 5 steps"),
        (("fused", "scratch"), "fused and scratch agree: 5 steps of MLP 2-8-1 on moons, adam, float32."),
        (("nn", "bfloat16"), "nn:autocast=bfloat16 and nn agree: 5 steps of MLP 2-8-1 on moons"),
        (("scratch", "finite-differences"), "scratch and finite differences agree: 33 gradients of MLP 2-8-1 on moons"),
        (
            ("scratch", "nn", "--task", "line", "--optimizer", "sgd", "--momentum", 0.9),
            "scratch and nn agree: 5 steps of linear",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_can_be_compared(fivestep: Command, arguments: tuple[object, ...], head: str) -> None:
    code, out, _ = fivestep("verify", *arguments, "--steps", 5)
    assert code == 0, out
    assert out.replace("\n", " ").startswith(head)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs a C++ compiler, there is none")
def test_a_compiled_module(tmp_path: Path) -> None:
    """In a process of its own, without the checks of shapes, which torch.compile cannot look through."""
    import os
    import subprocess
    import sys

    import fivestep

    env = {**os.environ, "PYTHONPATH": str(Path(fivestep.__file__).parents[1])}
    command = [sys.executable, "-m", "fivestep", "verify", "nn", "compile", "--steps", "5"]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("nn:compile=true and nn agree: 5 steps of MLP 2-8-1 on moons")


def test_an_engine_that_hands_over_is_called_what_it_is(fivestep: Command, recwarn: pytest.WarningsRecorder) -> None:
    """`fused` has no L-BFGS: what is compared is `scratch`, and it says so."""
    out = fivestep("verify", "fused", "nn", "--optimizer", "lbfgs", "--steps", 3).out
    assert out.startswith("scratch and nn agree: 3 steps of MLP 2-8-1 on moons, lbfgs, float32.")
    assert any("falls back to 'scratch'" in str(warning.message) for warning in recwarn)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("all", "--cases", 1, "--hidden", 8),
            "--hidden has no meaning for fivestep verify all, which draws",
        ),
        (("all", "--cases", 1, "--lr-factor", "bias=2"), "--lr-factor has no meaning for fivestep verify all"),
        (("scratch", "nn", "--steps", 2, "--cases", 9), "--cases has a meaning for fivestep verify all only"),
    ],
)
def test_an_option_that_is_ignored_warns(fivestep: Command, arguments: tuple[object, ...], sentence: str) -> None:
    with pytest.warns(UserWarning, match=sentence):
        assert fivestep("verify", *arguments).code == 0


def test_all_on_random_cases(fivestep: Command) -> None:
    code, out, _ = fivestep("verify", "all", "--cases", 3, "--seed", 1)
    assert code == 0
    assert out.startswith("All engines agree with nn: 3 random cases, seed 1, 7 steps each, float64.")
    assert re.search(r"^scratch +3 +0  ", out, re.MULTILINE)


def test_ones_own_module_with_its_network_read_from_its_layers(fivestep: Command, model: str) -> None:
    code, out, _ = fivestep("verify", f"{model}:Mine", "scratch", "--steps", 20)
    assert code == 0
    assert out.startswith("model.py:Mine and scratch agree: 20 steps of Mine 2-5-1 on moons, adam, float32.")


@pytest.mark.parametrize("sides", [("model.py:Sigmoid", "scratch"), ("scratch", "model.py:Sigmoid")])
def test_ones_own_module_that_differs(fivestep: Command, model: str, sides: tuple[str, str]) -> None:
    """On whichever side it stands: the textbook is what is due."""
    code, out, _ = fivestep("verify", *sides, "--steps", 20)
    assert code == 1
    assert out.startswith(f"{model}:Sigmoid and scratch differ at step 1, after 1 forward")
    assert "these are sigmoid(logits)" in out


def test_options_that_describe_another_network_count_more_than_the_layers(fivestep: Command, model: str) -> None:
    code, out, err = fivestep("verify", f"{model}:Mine", "scratch", "--hidden", 8)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "the module must have the parameters of MLP 2-8-1, 0.weight (8, 2)" in err
    assert "got fc1.weight (5, 2)" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("scratch",), "OTHER must be what to compare scratch with (an engine such as nn, finite-differences, accum"),
        (("scratch", "nm"), "got 'nm'; did you mean 'nn'?"),
        (("scratch", "finite-difference"), "got 'finite-difference'; did you mean 'finite-differences'?"),
        (("nn", "acumulate"), "got 'acumulate'; did you mean 'accumulate'?"),
        (("scratc", "nn"), "did you mean 'scratch'?"),
        (("scratch", "nn", "--task", "moon"), "did you mean 'moons'?"),
        (
            ("scratch", "nn", "--task", "a.csv"),
            "--task must be a name that fivestep tasks lists, got 'a.csv'; a file is for fivestep train, sweep and lr.",
        ),
        (("scratch", "nn", "--steps", 0), "--steps must be a whole number of at least 1, got 0"),
        (("scratch", "nn", "--dtype", "float16"), "dtype must be one of float32, float64, got 'float16'"),
        (("scratch", "compile"), "compile must be compared with engine 'nn', which has it as an option, got 'scratch'"),
        (("scratch", "finite-differences", "--dtype", "float32"), "dtype must be 'float64' for finite differences"),
        (
            ("scratch", "finite-differences", "--hidden", 9000),
            "at most 20,000 parameters for finite differences, got 36,001",
        ),
        (("all", "nn"), "all must stand alone, got 'nn' after it"),
        (("all", "--cases", 0), "cases must be a whole number of at least 1, got 0"),
        (("nowhere.py:make", "scratch"), "must name a file that exists, got 'nowhere.py'"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(
    fivestep: Command, arguments: tuple[object, ...], sentence: str
) -> None:
    code, out, err = fivestep("verify", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert sentence in err


def test_two_modules_are_refused(fivestep: Command, model: str) -> None:
    code, _, err = fivestep("verify", f"{model}:Mine", f"{model}:Sigmoid")
    assert code == 2
    assert "one of the two must be an engine, got two modules; compare each with scratch." in err
