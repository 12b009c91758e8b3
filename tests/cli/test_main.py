"""The program as a whole: help without torch, versions, exit codes."""

import subprocess
import sys

import fivestep as fs
from tests.cli.conftest import Command


def test_help_names_every_command(fivestep: Command) -> None:
    code, out, _ = fivestep("--help")
    assert code == 0
    assert all(command in out for command in ("train", "evaluate", "predict", "explain", "tasks"))


def test_version_is_the_package_version(fivestep: Command) -> None:
    assert fivestep("--version").out.strip() == fs.__version__


def test_help_of_train_lists_every_item_of_the_folders(fivestep: Command) -> None:
    out = fivestep("train", "--help").out
    assert all(name in out for name in ("tanh", "adamw", "cosine", "kaiming", "cross_entropy"))


def test_help_is_printed_before_anything_heavy_is_imported() -> None:
    program = (
        "import sys; from fivestep.cli import run; run(['--help']);"
        "sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'polars', 'sklearn', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, stdout=subprocess.DEVNULL).returncode == 0
