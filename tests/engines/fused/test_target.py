"""Smaller processors than this one: numba, and torch beside it, are made to believe in one, in a process of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import llvmlite.binding as llvm
import numba
import numpy as np
import pytest

from fivestep.engines.fused._compiled import OPTIONS, fingerprint
from fivestep.engines.fused._size import TILES
from fivestep.engines.fused.body import panels
from fivestep.engines.fused.body.forward_active import looks_up
from fivestep.engines.fused.body.lanes import BYTES
from fivestep.engines.fused.body.panels import BESIDE, ROWS, Block, block_of
from fivestep.engines.fused.body.target import Registers, registers_of, target
from tests.tolerances import ENGINES_FLOAT32

SYSTEM, _, FEATURES = target()
has_avx2 = pytest.mark.skipif("+avx2" not in FEATURES.split(","), reason="the processor has no AVX2")
ON_ARM = ("arm64-apple-darwin", "apple-m1"), ("aarch64-linux-gnu", "neoverse-n1")
PRODUCTS = """
from tests.engines.fused.test_target import products
for text in products():
    print(text)
"""
TRAINING = """
import torch
from fivestep import MLP, make_engine
from fivestep.engines.fused._compiled import fingerprint
from fivestep.engines.fused.body.panels import BESIDE, ROWS
from tests.samples import numbers, small_plan
from tests.tolerances import distance
torch.set_num_threads(2)
plan, spec = small_plan(optimizer="adam", lr=0.01), MLP(20, 70, 50, 3, activation="tanh", dropout=0.2)
x, y = numbers(50, 20).float(), torch.arange(50) % 3
names = "fused:larger=true", "scratch"
for rows in (x, x.clamp(min=0.0)):
    engines = [make_engine(name, spec, plan, dtype="float32", device="cpu") for name in names]
    for engine in engines:
        for _ in range(5):
            engine.train_step(rows, y)
    skips = bool(engines[0]._body._division._first.nonzeros)
    print(skips, ROWS, BESIDE, fingerprint(), distance(*(engine.params.flat for engine in engines)))
"""

SMALL = """
import torch
from fivestep import MLP, make_engine
from fivestep.engines.fused.body.forward_active import looks_up
from tests.samples import numbers, small_plan
from tests.tolerances import distance
plan, spec = small_plan(loss="mse", optimizer="adam", lr=0.01), MLP(10, 32, 1)
engines = [make_engine(name, spec, plan, dtype="float32", device="cpu") for name in ("fused:larger=false", "scratch")]
x, y = numbers(50, 10).float(), numbers(50, 1, seed=1).float()
for engine in engines:
    for _ in range(5):
        engine.train_step(x, y)
print(looks_up(16), distance(*(engine.params.flat for engine in engines)))
"""


def products() -> list[str]:
    """The two products of panels as LLVM's own text, for the processor that numba believes in."""
    a, found = np.zeros(4000, np.float32), []
    columns = BESIDE * BYTES // a.itemsize
    for name in ("rows_times_panel", "columns_times_panel"):
        made = numba.njit(getattr(panels, name).py_func, **OPTIONS)
        made(a, (a, 0, 20 * columns), (a, 0), 5)
        found.extend(made.inspect_llvm().values())
    return found


def with_avx2_only(program: str, cache: Path) -> str:
    """What a program prints on a processor that has AVX2 and nothing beyond."""
    smaller = [f"-{name[1:]}" if re.match(r"\+(avx512|avx10|amx)", name) else name for name in FEATURES.split(",")]
    env = {
        **os.environ,
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": ",".join(smaller),
        "ATEN_CPU_CAPABILITY": "avx2",
        "FIVESTEP_CACHE": str(cache),
    }
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def assembly(text: str, system: str, processor: str, features: str = "") -> str:
    """LLVM's text as the instructions of a processor, which need not be this one."""
    text = re.sub(r"(?m)^target (triple|datalayout) = .*$|^attributes #\d+ = .*\"target-.*$", "", text)
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(system).create_target_machine(cpu=processor, features=features, opt=3)
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    return machine.emit_assembly(module)


def innermost(code: str, product: str) -> list[str]:
    """The instructions of the loop with the most products."""
    blocks = re.split(r"(?m)^\S+:.*$", code)
    lines = [line.strip() for line in max(blocks, key=lambda block: block.count(product)).splitlines()]
    last = max(k for k, line in enumerate(lines) if product in line)
    jump = next(k for k in range(last, len(lines)) if re.match(r"j[a-z]+|b\.[a-z]+", lines[k]))
    return lines[: jump + 1]


@pytest.mark.parametrize(
    ("system", "features", "registers", "block"),
    [
        ("x86_64-unknown-linux-gnu", "+avx2,+avx512f,+fma", Registers(32, 64), Block(8, 2)),
        ("x86_64-pc-windows-msvc", "+avx,+avx2,-avx512f", Registers(16, 32), Block(6, 1)),
        ("x86_64-apple-darwin", "+sse2,-avx2", Registers(16, 16), Block(2, 1)),
        ("arm64-apple-darwin23", "+neon", Registers(32, 16), Block(6, 1)),
        ("aarch64-unknown-linux-gnu", "+neon,+sve", Registers(32, 16), Block(6, 1)),
    ],
)
def test_a_block_fills_the_registers_that_there_are(
    system: str, features: str, registers: Registers, block: Block
) -> None:
    assert registers_of(system, features) == registers
    assert block_of(registers) == block
    beside = block.lanes * BYTES // registers.size
    assert block.rows * beside + beside + 1 <= registers.number


def test_estimates_know_the_blocks() -> None:
    """`_size.py` does not load numba, so it says them once more."""
    for name, registers in (("AVX512", Registers(32, 64)), ("AVX2", Registers(16, 32))):
        block = block_of(registers)
        assert TILES[name][:2] == (block.lanes * BYTES // 4, block.rows)


def test_products_of_this_processor_stay_in_registers() -> None:
    for text in products():
        loop = innermost(assembly(text, *target()), "fmla" if "arm" in SYSTEM or "aarch" in SYSTEM else "vfmadd")
        assert not [line for line in loop if "sp" in line]
        assert len([line for line in loop if re.match("fmla|vfmadd", line)]) % (ROWS * BESIDE) == 0


@has_avx2
@pytest.mark.slow
def test_products_stay_in_the_registers_of_avx2_and_of_neon(tmp_path: Path) -> None:
    """The same block is for both: two registers of AVX2 beside each other are four of NEON."""
    texts = [f"; ModuleID{part}" for part in with_avx2_only(PRODUCTS, tmp_path).split("; ModuleID")[1:]]
    assert len(texts) == 2
    for text in texts:
        loop = innermost(assembly(text, SYSTEM, "haswell"), "vfmadd")
        assert not [line for line in loop if "(%rsp" in line and "ymm" in line]
        assert not [line for line in loop if "zmm" in line]
        for system, processor in ON_ARM:
            loop = innermost(assembly(text, system, processor), "fmla")
            assert not [line for line in loop if "[sp" in line]
            assert len([line for line in loop if line.startswith("fmla")]) % (6 * 4) == 0


@has_avx2
@pytest.mark.slow
def test_a_network_divided_with_avx2_is_that_of_scratch(tmp_path: Path) -> None:
    """And its code is not taken for that of this processor."""
    lines = [line.split() for line in with_avx2_only(TRAINING, tmp_path).splitlines()]
    assert [line[:3] for line in lines] == [["False", "6", "1"], ["True", "6", "1"]]
    for *_, place, distance in lines:
        assert place != fingerprint()
        assert float(distance) < ENGINES_FLOAT32


@has_avx2
@pytest.mark.slow
def test_a_small_network_of_relu_is_that_of_scratch_with_avx2_too(tmp_path: Path) -> None:
    """There it takes sums under masks; with AVX-512 it looks them up."""
    looks, distance = with_avx2_only(SMALL, tmp_path).split()
    assert looks == "False"
    assert looks_up(16) == ("+avx512f" in FEATURES.split(","))
    assert float(distance) < ENGINES_FLOAT32
