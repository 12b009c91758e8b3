"""Every kernel compiles, for cards of two generations, as steps start it: no card is needed for that."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interpreter import needs_interpreter

pytestmark = [needs_interpreter, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
OF_PRODUCTS = {*(f"tiles {name}" for name in ("forward", "head", "backward", "update")), "steps train_steps"}
ALL = OF_PRODUCTS | {f"passes {name}" for name in ("activate", "back", "squares", "update")}


@pytest.mark.parametrize(("capability", "kernels"), [("80", OF_PRODUCTS), ("90", ALL)])
def test_every_kernel_compiles(capability: str, kernels: set[str], tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "TRITON_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    environment.pop("TRITON_INTERPRET", None)
    found = subprocess.run(
        [sys.executable, Path(__file__).with_name("compile_kernels.py"), capability],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    lines = [line.split() for line in found.stdout.splitlines()]
    assert {f"{module} {name}" for module, name, _ in lines} == kernels
