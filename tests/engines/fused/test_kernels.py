"""Whether kernels of our own can do a step; what they do is tested on a device (tests/gpu)."""

import importlib.util
import shutil
import sys
from types import SimpleNamespace

import pytest
import torch

from fivestep.engines.fused.recorded.own_kernels import has_triton, lacks_for_triton


def test_they_need_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert lacks_for_triton() == "triton is not installed"


def test_they_need_a_compiler_where_triton_looks_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    _install(monkeypatch, "3.6.0")
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.delenv("CC", raising=False)
    assert lacks_for_triton() == "triton finds no C compiler"
    monkeypatch.setenv("CC", "cc")
    assert lacks_for_triton() is None


def test_they_need_a_triton_that_compiles_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "cc")
    _install(monkeypatch, "3.3.1")
    assert lacks_for_triton() == "triton 3.3.1 is older than 3.4"
    _install(monkeypatch, "3.10.0+git0")
    assert lacks_for_triton() is None


def _install(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.setitem(sys.modules, "triton", SimpleNamespace(__version__=version))


def test_there_are_none_for_a_cpu() -> None:
    assert not has_triton(torch.device("cpu"))
