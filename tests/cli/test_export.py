"""`fivestep export`: one file for other programs."""

from pathlib import Path

import torch
from safetensors.torch import load_file

import fivestep as fs
from tests.cli.conftest import Command
from tests.tolerances import FLOAT32, distance


def test_torch_takes_the_weights(fivestep: Command, tmp_path: Path) -> None:
    fivestep("train", "iris", "--epochs", 1)
    code, out, _ = fivestep("export", "runs/iris-1", "--to", "torch", "-o", "weights.safetensors")
    lines = out.splitlines()
    assert (code, lines[0]) == (0, "The network is in weights.safetensors")
    assert "safetensors.torch.load_file('weights.safetensors')" in lines[1]
    assert "fs.to_torch(fs.Run.load('runs/iris-1').engine)" in lines[1]
    model = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
    model.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    x = fs.load_dataset("iris").test.x
    assert distance(model(x).detach(), fs.Run.load("runs/iris-1", device="cpu").engine.predict(x)) < FLOAT32


def test_onnx_is_written_into_the_run_unless_told_otherwise(fivestep: Command, tmp_path: Path) -> None:
    fivestep("train", "iris", "--epochs", 1)
    assert fivestep("export", "runs/iris-1").out == "The network is in runs/iris-1/model.onnx\n"
    assert (tmp_path / "runs" / "iris-1" / "model.onnx").stat().st_size > 1000


def test_what_cannot_be_written_is_refused(fivestep: Command) -> None:
    fivestep("train", "iris", "--epochs", 1)
    code, _, err = fivestep("export", "runs/iris-1", "-o", "/proc/nowhere/m.onnx")
    assert (code, "--out must be a file that can be written" in err) == (2, True)
    assert fivestep("export", "runs/nothing").code == 2
