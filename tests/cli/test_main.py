"""The program as a whole: help without torch, versions, exit codes."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import fivestep as fs
from fivestep.cli import write_whatever
from tests.cli.conftest import Command
from tests.cli.processes import PROGRAM


def test_help_names_every_command(fivestep: Command) -> None:
    code, out, _ = fivestep("--help")
    assert code == 0
    assert all(command in out for command in ("train", "evaluate", "predict", "explain", "tasks"))


def test_version_is_the_package_version(fivestep: Command) -> None:
    assert fivestep("--version").out.strip() == fs.__version__


def test_help_of_train_lists_every_item_of_the_folders(fivestep: Command) -> None:
    out = fivestep("train", "--help").out
    assert all(name in out for name in ("tanh", "adamw", "cosine", "kaiming", "cross_entropy"))


def test_help_shows_a_default_where_there_is_something_to_show(fivestep: Command) -> None:
    assert "[default: 0]" in fivestep("sweep", "--help").out  # the seed of the sampler
    out = fivestep("train", "--help").out
    assert not any(nothing in out for nothing in ("default: False", "default: ()", 'default: ""'))


def test_help_is_printed_before_anything_heavy_is_imported() -> None:
    program = (
        "import sys; from fivestep.cli._app import run; run(['--help']);"
        "sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'polars', 'sklearn', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, stdout=subprocess.DEVNULL).returncode == 0


def test_python_searches_for_garbage_while_a_command_works_but_not_through_what_was_imported() -> None:
    program = (
        "import atexit, gc, sys; from fivestep.cli import _app, main; sys.argv[1:] = ['tasks'];"
        "_app.app['tasks'].default_command = lambda: print(gc.isenabled(), gc.get_freeze_count() > 10_000);"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "True True\n"


@pytest.mark.slow
def test_what_an_encoding_has_no_letters_for_is_written_all_the_same() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    write_whatever(stream)
    print("Größe", file=stream, end="", flush=True)
    assert stream.buffer.getvalue() == rb"Gr\xf6\xdfe"  # type: ignore[attr-defined]  # a BytesIO has it


def test_matplotlib_is_quiet_where_the_home_is_no_folder(tmp_path: Path) -> None:
    """It keeps what it knows elsewhere then, and would say so in two lines."""
    (tmp_path / "home").touch()
    program = (
        "import sys; from fivestep.cli import _app, main; sys.argv[1:] = ['tasks'];"
        "_app.app['tasks'].default_command = lambda: print(__import__('matplotlib').get_cachedir());"
        "main()"
    )
    env = {name: value for name, value in os.environ.items() if name not in ("MPLCONFIGDIR", "XDG_CACHE_HOME")}
    env |= {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, env=env)
    assert (done.stdout.startswith(str(tmp_path / "matplotlib-")), done.stderr) == (True, "")


def test_train_does_not_load_the_compiler_of_torch(tmp_path: Path) -> None:
    """It takes as long to load as all else, and torch's own optimizers bring it along."""
    program = (
        "import sys; from fivestep.cli._app import run; code = run(['train', 'moons', '--epochs', '2']);"
        "sys.exit(code or 'torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, cwd=tmp_path).returncode == 0


def test_python_does_not_search_at_the_end() -> None:
    """What holds itself is found by a search alone, so who is frozen is never told that he goes."""
    program = (
        "import sys; from fivestep.cli import main; sys.argv[1:] = ['--version'];"
        "A = type('A', (), {'__del__': lambda self: print('searched')}); a = A(); a.itself = a; del a;"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == f"{fs.__version__}\n"


@pytest.mark.parametrize("module", ["cyclopts", "torch"])
def test_ctrl_c_while_modules_are_imported_is_quiet_and_exits_130(module: str, tmp_path: Path) -> None:
    """Before the first command is known, and while it waits for torch."""
    (tmp_path / f"{module}.py").write_text("import signal; signal.raise_signal(signal.SIGINT)", encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), str(Path(fs.__file__).parents[1])])
    done = subprocess.run(
        [sys.executable, "-m", "fivestep", "train", "moons"],
        env={**os.environ, "PYTHONPATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr in ("", "fivestep: interrupted.\n")


def test_ctrl_c_that_a_module_swallows_while_it_is_imported_ends_the_program(tmp_path: Path) -> None:
    """Some clear whatever error comes, and are half there afterwards."""
    swallowed = "import contextlib, signal\nwith contextlib.suppress(KeyboardInterrupt):\n    signal.raise_signal(2)\n"
    (tmp_path / "torch.py").write_text(swallowed, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), str(Path(fs.__file__).parents[1])])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "train", "moons"],
        env={**os.environ, "PYTHONPATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize("arguments", [("tasks",), ("items", "relu", "--json")])
def test_output_that_finds_no_room_is_one_sentence(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        command = [sys.executable, "-m", "fivestep", *arguments]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "fivestep: the disk must take what is written, got No space left on device; make room"
    )
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="a shell closes it")
def test_closed_output_is_no_failure() -> None:
    command = ["sh", "-c", '"$0" -m fivestep --version >&-', sys.executable]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "moons", "extra"), "'extra'"),
        (("tasks", "extra", "more"), "'extra more'"),
        (("sweep", "moons", "--loss", "mse", "mae"), "'mae' after --loss, which takes one value"),
        (("train", "moons", "--json", "extra"), "'extra'"),
    ],
)
def test_words_too_many_are_one_sentence(fivestep: Command, arguments: tuple[str, ...], words: str) -> None:
    sentence = f"the command must be written without further words, got {words}; leave them out"
    assert fivestep(*arguments) == (2, "", f"fivestep: {sentence}; see fivestep {arguments[0]} --help.\n")


@pytest.mark.parametrize(
    "arguments",
    [("train", "h.csv", "--target", "a", "a price"), ("sweep", "--lr", "1", "--target", "a", "a price", "h.csv")],
)
def test_an_option_that_is_repeated_says_so(fivestep: Command, arguments: tuple[str, ...]) -> None:
    """Behind --target stands one column, and what follows was taken for the file, or for words too many."""
    Path("h.csv").touch()
    advice = f"write several as --target a --target 'a price'; see fivestep {arguments[0]} --help."
    assert fivestep(*arguments).err.strip().endswith(advice)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("trian", "moons"), "got 'trian'; did you mean fivestep train?"),
        (("frobnicate",), "got 'frobnicate'; see fivestep --help."),
        (
            ("train", "moons", "--optimiser=adam"),
            "an option must be one that fivestep train has, got '--optimiser'; did you mean --optimizer?",
        ),
        (
            ("tasks", "--wrong"),
            "an option must be one that fivestep tasks has, got '--wrong'; see fivestep tasks --help.",
        ),
        (("predict", "runs/moons-1"), "FILE must be given, got nothing; see fivestep predict --help."),
        (
            ("predict", "runs/moons-1", "-"),
            "got '-' for standard input; write what comes out of it to a file first.",
        ),
        (("train", "moons", "--lr"), "--lr must have a value behind it, got none; see fivestep train --help."),
    ],
)
def test_words_that_nobody_knows_or_misses_are_one_sentence(
    fivestep: Command, arguments: tuple[str, ...], sentence: str
) -> None:
    code, out, err = fivestep(*arguments)
    assert (code, out, err.count("\n"), err.strip().endswith(sentence)) == (2, "", 1, True)


@pytest.mark.slow
def test_a_shell_completes_commands_and_options(tmp_path: Path) -> None:
    home = {**os.environ, "HOME": str(tmp_path), "SHELL": "/bin/bash"}
    command = [sys.executable, "-m", "fivestep", "--install-completion", "--shell", "bash"]
    assert subprocess.run(command, env=home, check=False, capture_output=True).returncode == 0
    [script] = (tmp_path / ".local").rglob("fivestep")
    asked = f". {script}; for words in 'fivestep tra' 'fivestep train --optim'; do COMP_WORDS=($words); "
    asked += "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _fivestep; echo ${COMPREPLY[@]}; done"
    done = subprocess.run(["bash", "-c", asked], env=home, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["train", "--optimizer"]


@pytest.mark.parametrize(("rank", "size", "speaks"), [("0", "2", True), ("1", "2", False), ("1", "1", True)])
def test_what_ranks_do_not_share_the_first_one_does_alone(
    fivestep: Command, rank: str, size: str, speaks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`evaluate` under torchrun would print twice, and `predict` write one file twice at a time."""
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setenv("WORLD_SIZE", size)
    code, out, err = fivestep("tasks")
    assert (code, "moons" in out, err) == (0, speaks, "")
