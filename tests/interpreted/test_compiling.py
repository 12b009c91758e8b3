"""Every kernel compiles, for cards of two generations, as steps start it, and its numbers have room in registers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interpreter import needs_interpreter

pytestmark = [needs_interpreter, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
OF_PRODUCTS = {
    *(f"tiles {name}" for name in ("forward", "head", "backward", "update")),
    "steps train_steps",
    "uniform draw",
    "bits draw",
}
ALL = OF_PRODUCTS | {f"passes {name}" for name in ("activate", "back", "squares", "update")}

MOST_SPILLED = 64
"""Bytes of a thread that had no room in registers, outside of the innermost loops."""

MOST_WHOLE_NUMBERS = 25
"""Of a fleet's loops, for a hundred multiplications: places of 64 bits are counted once for all threads.

None where a thread has eight rows; 20 in the largest network, of which it has two.
"""


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
    assert {f"{module} {name}" for module, name, *_ in lines} == kernels
    assert [line for line in lines if int(line[4])] == []  # no number goes to memory and back within a loop
    assert [line for line in lines if int(line[3]) > MOST_SPILLED or int(line[5]) > MOST_WHOLE_NUMBERS] == []
