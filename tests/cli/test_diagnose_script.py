"""`fivestep diagnose SCRIPT.py`: a script of someone's own, run as it is."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.cli.forked import two_ranks
from tests.cli.processes import PATIENCE, start

LOOP = """
import sys, torch
from torch import nn
import besides
model = nn.Linear(3, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x, y = torch.randn(20, 3), torch.arange(20) % 2
for step in range({steps}):
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    if step == 0:
        print("arguments", sys.argv[1:], __name__, flush=True)
{end}
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In a folder of its own, with a module beside it."""
    monkeypatch.chdir(tmp_path)
    Path("code").mkdir()
    Path("code/besides.py").touch()
    return write()


def write(steps: int = 25, end: str = "") -> Path:
    path = Path("code/train.py")
    path.write_text(LOOP.format(steps=steps, end=end), encoding="utf-8")
    return path


def test_it_says_what_is_wrong_and_where(fivestep: Command, script: Path) -> None:
    code, out, err = fivestep("diagnose", script)
    assert code == 0
    title, losses, _, finding = out.splitlines()[:4]
    assert title == "Linear with 8 parameters; SGD, lr 0.1; 25 updates"
    assert re.fullmatch(r"Loss: \S+ at the start, \S+ at the end \(mean of the last 5 seen\)", losses)
    assert finding.startswith("1  gradient kept: In 24 of 25 updates")
    assert "\n   code/train.py:11  optimizer.step()\n" in out
    assert err == "arguments [] __main__\n"


def test_what_follows_the_script_is_its_own(fivestep: Command, script: Path) -> None:
    _, out, err = fivestep("diagnose", "--steps", 3, script, "--lr_x", "-1", "--json", "b.py")
    assert err == "arguments ['--lr_x', '-1', '--json', 'b.py'] __main__\n"
    assert "3 updates" in out


def test_for_programs_it_is_one_object(fivestep: Command, script: Path) -> None:
    report = json.loads(fivestep("diagnose", "--json", script).out)
    (found,) = report["findings"]
    assert (found["sign"], found["where"]) == ("gradient kept", "code/train.py:11  optimizer.step()")
    assert (report["num_updates"], len(report["losses"])) == (25, 25)


@pytest.mark.usefixtures("script")
@pytest.mark.parametrize(
    ("end", "code", "said"),
    [("sys.exit(7)", 7, ""), ("sys.exit('no data')", 1, "no data\n"), ("sys.exit()", 0, "")],
)
def test_the_exit_code_is_the_script_s(fivestep: Command, end: str, code: int, said: str) -> None:
    done = fivestep("diagnose", write(end=end))
    assert done.code == code
    assert done.err.endswith("__main__\n" + said)
    assert "gradient kept" in done.out


@pytest.mark.slow
def test_an_error_of_the_script_is_shown_as_python_shows_it(script: Path) -> None:
    write(end="def f(x): return nn.functional.mse_loss(x, None)\nf(x)")
    own = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    process = start(Path.cwd(), "diagnose", str(script))
    out, err = process.communicate(timeout=PATIENCE)
    assert (err, process.returncode) == (own.stdout + own.stderr, 1)
    assert "gradient kept" in out


def test_a_folder_of_files_is_ignored_where_a_script_is_named(fivestep: Command, script: Path) -> None:
    with pytest.warns(UserWarning, match="--data-dir is ignored, as a script finds its own files, got 'data'"):
        fivestep("diagnose", "--data-dir", "data", script)


@pytest.mark.usefixtures("script")
def test_an_error_in_this_package_keeps_its_lines(fivestep: Command) -> None:
    done = fivestep("diagnose", write(end="import fivestep; fivestep.MLP(0, 1)"))
    assert done.code == 1
    assert "/fivestep/net.py" in done.err
    assert not any(name in done.err for name in ("/doctor/", "runpy", "overrides.py"))


@pytest.mark.usefixtures("script")
def test_a_warning_of_the_script_looks_as_it_does_alone(fivestep: Command) -> None:
    done = fivestep("diagnose", write(end="import warnings; warnings.simplefilter('always'); warnings.warn('careful')"))
    assert "code/train.py:14: UserWarning: careful\n" in done.err


@pytest.mark.slow
def test_ctrl_c_gives_what_was_seen_until_then(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        LOOP.format(steps=10**9, end="").replace("import besides\n", ""), encoding="utf-8"
    )
    process = start(tmp_path, "diagnose", "train.py")
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (err, process.returncode) == ("", 130)
    assert "Nothing was found" in out or "gradient kept" in out


def test_a_script_without_a_loop(fivestep: Command) -> None:
    Path("a.py").write_text("print(1)", encoding="utf-8")
    done = fivestep("diagnose", "a.py")
    said = " ".join(done.out.split())
    assert "there was no loop to watch. What runs in other processes, as those of torch.multiprocessing.spawn" in said


def test_a_script_that_ends_before_its_loop_says_its_own_error_alone(fivestep: Command) -> None:
    Path("a.py").write_text("import no_such_module", encoding="utf-8")
    done = fivestep("diagnose", "a.py")
    assert (done.code, done.out) == (1, "")
    assert done.err.endswith("ModuleNotFoundError: No module named 'no_such_module'\n")


PACKAGE_LOOP = (
    "from .besides import number\nimport os, sys\nprint(number, sys.argv, __name__, __package__, sys.path[0])\n"
)


@pytest.mark.slow
def test_a_module_of_a_package_is_run_as_python_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("__init__", ""), ("besides", "number = 7"), ("train", PACKAGE_LOOP)):
        (tmp_path / "package").mkdir(exist_ok=True)
        (tmp_path / "package" / f"{name}.py").write_text(text, encoding="utf-8")
    words = ("-m", "package.train", "--lr_x", "-m", "b.py")
    own = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True)
    process = start(tmp_path, "diagnose", "--steps", "3", *words)
    out, err = process.communicate(timeout=PATIENCE)
    assert err == own.stdout
    assert "there was no loop" in out
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nowhere.py",), "must be a Python file that is there, got 'nowhere.py'"),
        (("-m", "no_package.train"), "must be named as for python -m, such as package.train, got 'no_package.train'"),
        (("-m", "json.no_module"), "got 'json.no_module'; look at its name"),
        (("-m", "json.tool.py"), "got 'json.tool.py'; look at its name"),
        (("--steps", 0, "nowhere.py"), "--steps must be a whole number of at least 1, got 0"),
        (("--steps", 3, "runs/moons-1"), "must belong to a script, got '--steps 3' for the run 'runs/moons-1'"),
        (("runs/moons-1", "more"), "must belong to a script, got 'more' for the run 'runs/moons-1'"),
    ],
)
def test_what_cannot_be_done_is_said(fivestep: Command, arguments: tuple[object, ...], sentence: str) -> None:
    code, _, err = fivestep("diagnose", *arguments)
    assert (code, sentence in err) == (2, True)


RANKS = """
import os, torch
from torch import distributed, nn
distributed.init_process_group("gloo")
torch.manual_seed(0)
model = nn.parallel.DistributedDataParallel(nn.Linear(3, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x = torch.randn(20, 3)
y = (x[:, 0] > 0).long()
for _ in range(25):
    optimizer.zero_grad()
    nn.functional.cross_entropy({model}, y).backward()
    optimizer.step()
print("rank %d of %d\\n" % (distributed.get_rank(), distributed.get_world_size()), end="", flush=True)
distributed.destroy_process_group()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "said"),
    [("model(x)", "Nothing was found that keeps it from learning."), ("model(x).softmax(1)", "1  softmax twice")],
)
def test_of_several_ranks_all_run_the_script_and_the_first_says_what_it_saw(
    tmp_path: Path, model: str, said: str
) -> None:
    (tmp_path / "train.py").write_text(RANKS.format(model=model), encoding="utf-8")
    ended = two_ranks(["diagnose", "train.py"], tmp_path)
    assert (ended.first, ended.later) == (0, 0), ended.err
    assert {"rank 0 of 2", "rank 1 of 2"} <= set(ended.err.splitlines())
    assert ended.out.startswith("DistributedDataParallel with 8 parameters; SGD, lr 0.1; 25 updates\nLoss: ")
    assert ended.out.splitlines()[3].startswith(said)
    assert ended.out.count("updates\n") == 1


@pytest.mark.slow
def test_of_several_ranks_one_says_that_there_is_no_script(tmp_path: Path) -> None:
    ended = two_ranks(["diagnose", "nowhere.py"], tmp_path)
    assert (ended.first, ended.err.count("got 'nowhere.py'")) == (2, 1)
