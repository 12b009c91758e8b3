"""The examples, each run as it stands: they print the engines' numbers."""

import importlib.util
import struct
from pathlib import Path
from types import ModuleType

import pytest
import torch

import fivestep as fs
from tests.tolerances import EXAMPLES

EXAMPLES_FOLDER = Path(__file__).parent.parent / "examples"


def example(name: str) -> ModuleType:
    """The example as a module: a file of its own, which imports nothing but torch."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES_FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def step_losses(engine_name: str, x: torch.Tensor, y: torch.Tensor, num_steps: int) -> list[float]:
    """The loss of each step, by one of our engines on the example's own data."""
    plan = fs.TrainPlan(loss="binary_cross_entropy", optimizer="adam", lr=0.05, batch_size=None, epochs=num_steps)
    engine = fs.make_engine(engine_name, fs.MLP(2, 8, 1, activation="tanh"), plan, device="cpu")
    return [step.loss.item() for step in fs.steps(engine, fs.Dataset(fs.Rows(x, y)), plan)]


@pytest.mark.parametrize("name", ["scratch", "autograd", "nn"])
def test_five_steps_example_gives_the_losses_of_its_engine(name: str) -> None:
    module = example(f"five_steps_{name}")
    x, y = module.moons(200, torch.Generator().manual_seed(42))
    assert module.main(num_steps=200) == pytest.approx(step_losses(name, x, y, 200), rel=EXAMPLES)


@pytest.mark.parametrize("name", ["scratch", "autograd", "nn"])
def test_five_steps_example_learns_what_it_says(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    losses = example(f"five_steps_{name}").main()
    assert losses[-1] < 0.1
    assert capsys.readouterr().out.splitlines()[-1].startswith("accuracy 0.9")


def write_part(folder: Path, part: str, num_rows: int, generator: torch.Generator) -> None:
    """Made-up images whose brightest band is their class, in the format of the real files."""
    labels = torch.randint(0, 10, (num_rows,), generator=generator)
    images = torch.randint(0, 100, (num_rows, 784), generator=generator)
    images[torch.arange(num_rows), labels * 70] += 150
    (folder / f"{part}-images-idx3-ubyte").write_bytes(
        struct.pack(">4i", 2051, num_rows, 28, 28) + images.to(torch.uint8).numpy().tobytes()
    )
    (folder / f"{part}-labels-idx1-ubyte").write_bytes(
        struct.pack(">2i", 2049, num_rows) + labels.to(torch.uint8).numpy().tobytes()
    )


@pytest.mark.parametrize("name", ["scratch", "nn"])
def test_fashion_mnist_example_gives_the_test_losses_of_its_engine(name: str, tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(1)
    write_part(tmp_path, "train", 1000, generator)
    write_part(tmp_path, "t10k", 300, generator)
    module = example(f"fashion_mnist_{name}")
    rows = fs.Rows(*module.load(tmp_path, "train"))
    test = fs.Rows(*module.load(tmp_path, "t10k"))
    plan = fs.TrainPlan(epochs=3)
    engine = fs.make_engine(name, fs.MLP(784, 256, 10, init="normal"), plan, device="cpu")
    expected = [
        fs.evaluate(engine, test).loss for _ in fs.train(engine, fs.Dataset(rows, test=test, num_outputs=10), plan)
    ]
    assert module.main(tmp_path, num_epochs=3) == pytest.approx(expected, rel=EXAMPLES)


@pytest.mark.parametrize("path", sorted(EXAMPLES_FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_example_imports_torch_and_the_standard_library_alone(path: Path) -> None:
    lines = [line.split() for line in path.read_text().splitlines() if line.startswith(("import ", "from "))]
    assert {words[1].split(".")[0] for words in lines} <= {"torch", "math", "gzip", "sys", "pathlib"}
