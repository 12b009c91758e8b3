"""A new file in a folder is covered by the contracts, without being listed anywhere, and fails them if it is wrong."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import fivestep
from tests.conftest import SNAKE

ROOT = Path(__file__).parents[2]
SOURCE = Path(fivestep.__file__).parents[1]
PLUGIN = """
from pathlib import Path
import tests.conftest  # the shape checks come before fivestep
import fivestep.activations
fivestep.activations.__path__.append(str(Path(__file__).parent / "activations"))
"""
FAULTS = {
    "a slip of the pen": ("1 + torch.sin(2 * z)", "1 + torch.sin(z)"),
    "a value that is not the twin's": ("z, torch.sin(z).square()", "z, torch.cos(z).square()"),
    "a value that forgets the buffer": ("torch.add(z, torch.sin(z).square(), out=out)", "z + torch.sin(z).square()"),
    "a value that overwrites its input": ("torch.add(z, torch.sin(z).square(), out=out)", "z.add_(torch.sin(z) ** 2)"),
}


def outcomes(folder: Path, texts: Mapping[str, str], *files: str) -> dict[str, str]:
    """The outcome of each contract test that the new activations, by name, or `silu` beside them, are in."""
    (folder / "activations").mkdir()
    for name, text in texts.items():
        (folder / "activations" / f"{name}.py").write_text(text, encoding="utf-8")
    (folder / "one_more_file.py").write_text(PLUGIN, encoding="utf-8")
    paths = [str(ROOT / "tests" / "contracts" / file) for file in files]
    chosen = "(snake or silu) and not pair_of_items and not float32 and not fused"  # which hands over what is new
    options = ["-p", "one_more_file", "-p", "no:cacheprovider", "-rA", "--tb=no", "-q", "-k", chosen]
    path = os.pathsep.join([str(folder), str(SOURCE), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *paths],
        env={**os.environ, "PYTHONPATH": path},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = re.findall(r"^(PASSED|FAILED) \S+::(\w+\[.*?\])(?: - .*)?$", done.stdout, flags=re.MULTILINE)
    return {test: outcome for outcome, test in found}


@pytest.mark.slow
def test_a_new_file_is_held_to_every_contract_that_others_are_and_keeps_them(tmp_path: Path) -> None:
    files = ("test_activations.py", "test_layers.py", "test_engines.py", "../export/test_onnx_file.py")
    found = outcomes(tmp_path, {"snake": SNAKE}, *files)
    snake = {test for test in found if "snake" in test}
    assert len(snake) > 20
    assert {test.replace("snake", "silu") for test in snake} == set(found) - snake
    assert set(found.values()) == {"PASSED"}


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The outcomes for all faults together, each in a file of its own."""
    assert all(right in SNAKE for right, _ in FAULTS.values())
    texts = {f"snake_{k}": SNAKE.replace(*fault) for k, fault in enumerate(FAULTS.values())}
    return outcomes(tmp_path_factory.mktemp("wrong"), texts, "test_activations.py")


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(FAULTS)), ids=FAULTS)
def test_a_new_file_that_is_wrong_fails_some_contract(wrong: dict[str, str], number: int) -> None:
    assert "FAILED" in {outcome for test, outcome in wrong.items() if f"snake_{number}" in test}
    assert {outcome for test, outcome in wrong.items() if "silu" in test} == {"PASSED"}
