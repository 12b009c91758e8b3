"""Whether kernels of our own can do a step; what they do is tested on a device (tests/gpu)."""

import importlib.util
import shutil

import pytest
import torch

from fivestep.engines.fused._kernels import has_triton, lacks_for_triton


def test_they_need_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert lacks_for_triton() == "triton is not installed"


def test_they_need_a_compiler_where_triton_looks_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.delenv("CC", raising=False)
    assert lacks_for_triton() == "triton finds no C compiler"
    monkeypatch.setenv("CC", "cc")
    assert lacks_for_triton() is None


def test_there_are_none_for_a_cpu() -> None:
    assert not has_triton(torch.device("cpu"))
