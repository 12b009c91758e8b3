"""Run folders of strangers: whatever is in them, loading ends in one sentence, reads no other file and runs nothing."""

import io
import json
import pickle
import random
import shutil
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from fivestep.check import InputError
from fivestep.machine.files import write_tensors
from fivestep.run import Run
from fivestep.saved.checkpoint import checkpoints_in
from tests.runs import DATA, begun, trained, without_pictures

MUTANTS = 2000


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with everything that a run can remember."""
    with pytest.MonkeyPatch.context() as patch:
        without_pictures(patch)
        scenario = "adam, dropout, average, plateau, best epoch"
        return trained(begun("scratch", scenario, tmp_path_factory.mktemp("honest") / "run"), scenario).path


@pytest.fixture
def run(honest: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(honest, tmp_path / "run"))


class Trap:
    """A pickle that, when it is loaded, makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.path,)


def sentence_of(load: Callable[[], object]) -> str:
    """The sentence that loading ends in."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a checkpoint is not used
        with pytest.raises(InputError) as caught:
            load()
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert len(sentence) < 1000
    return sentence


def refused_twice(run: Path, content: bytes) -> None:
    """Puts the content in the place of the model and of every checkpoint, and loads and resumes the run."""
    (run / "model.safetensors").write_bytes(content)
    for path in checkpoints_in(run):
        path.write_bytes(content)
    sentence_of(lambda: Run.load(run, "cpu"))
    assert "step-" in sentence_of(lambda: Run.resume(run))


def test_a_pickle_is_not_run(run: Path, tmp_path: Path) -> None:
    for content in (pickle.dumps(Trap(tmp_path / "sprung")), torch_pickle(Trap(tmp_path / "sprung"))):
        refused_twice(run, content)
    assert not (tmp_path / "sprung").exists()


def torch_pickle(value: object) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


def test_a_zip_bomb_is_not_unpacked(run: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("data.pkl", bytes(10**7))
    refused_twice(run, stream.getvalue())


def header(text: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(dtype: object, shape: object, offsets: object, **more: object) -> bytes:
    return json.dumps({"engine.flat": {"dtype": dtype, "shape": shape, "data_offsets": offsets}, **more}).encode()


OVERLAP = {"dtype": "F64", "shape": [1], "data_offsets": [4, 12]}
LIES: dict[str, bytes] = {
    "a header of a gigabyte": header(b"{}", length=2**30),
    "a header of 2^63 bytes": header(b"{}", length=2**63),
    "a header that is not there": header(b"", length=100),
    "no text": header(b"\xff\xfe\x00"),
    "no object": header(b"[]"),
    "objects within objects": header(b'{"a":' * 100_000),
    "a name with a path": header(b'{"../../evil":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', bytes(4)),
    "more than there is": header(entry("F64", [10**6], [0, 8 * 10**6]), bytes(8)),
    "a negative shape": header(entry("F64", [-1], [0, 8]), bytes(8)),
    "a shape that overflows": header(entry("F64", [2**62, 2**62], [0, 8]), bytes(8)),
    "an unknown type": header(entry("PYOBJ", [1], [0, 8]), bytes(8)),
    "a type that is a number": header(entry(7, [1], [0, 8]), bytes(8)),
    "places out of order": header(entry("F64", [1], [8, 0]), bytes(8)),
    "places that overlap": header(entry("F64", [1], [0, 8], b=OVERLAP), bytes(12)),
    "texts that are numbers": header(entry("F64", [1], [0, 8], __metadata__={"about": 3, "checksum": []}), bytes(8)),
    "texts that are none": header(entry("F64", [1], [0, 8], __metadata__=7), bytes(8)),
    "a text of ten million": header(entry("F64", [1], [0, 8], __metadata__={"about": "x" * 10**7}), bytes(8)),
}


@pytest.mark.parametrize("content", LIES.values(), ids=LIES)
def test_a_header_that_lies_is_refused(content: bytes, run: Path) -> None:
    refused_twice(run, content)


@pytest.mark.parametrize("name", ["config.toml", "history.csv", "model.safetensors"])
@pytest.mark.parametrize("kind", ["link", "folder", "terabyte"])
def test_what_is_no_ordinary_file_is_refused(name: str, kind: str, run: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("password = 'mine'\n")
    (run / name).unlink()
    if kind == "link":
        (run / name).symlink_to(tmp_path / "secret")
    elif kind == "folder":
        (run / name).mkdir()
    else:
        with (run / name).open("wb") as file:
            file.truncate(2**40)
    sentence = sentence_of(lambda: Run.load(run, "cpu"))
    assert "mine" not in sentence
    assert sentence.count(name) == 1


def test_a_checkpoint_that_is_a_link_is_not_followed(run: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mine")
    for path in checkpoints_in(run):
        path.unlink()
        path.symlink_to(tmp_path / "secret")
    assert "an ordinary file, got a symbolic link" in sentence_of(lambda: Run.resume(run))
    assert (tmp_path / "secret").read_text() == "mine"


def test_links_where_files_are_written_are_not_followed(run: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    for name in ("config.toml", "history.csv", "model.safetensors", "curves.png"):
        for place in (run / name, run / f"{name}.part"):
            place.unlink(missing_ok=True)
            place.symlink_to(tmp_path / "precious")
    assert list(Run.resume(run).train(DATA)) == []
    assert (tmp_path / "precious").read_text() == "mine"


CONFIGS: dict[str, str] = {
    "nothing": "",
    "a version": "version = 1\n",
    "no toml": "[[[[",
    "brackets in brackets": "a = " + "[" * 50_000,
    "a key of many parts": ".".join("a" * 5000) + " = 1\n",
    "a number of a million digits": "version = " + "9" * 1_000_000 + "\n",
    "a file too large": "#" * 2**23,
}


@pytest.mark.parametrize("text", CONFIGS.values(), ids=CONFIGS)
def test_a_configuration_that_is_none_is_refused(text: str, run: Path) -> None:
    (run / "config.toml").write_text(text)
    assert "config.toml" in sentence_of(lambda: Run.load(run, "cpu"))


EDITS: dict[str, tuple[str, str]] = {
    "a task with a path": ('task = "data"', 'task = "../../etc/passwd"'),
    "an engine with a path": ('name = "scratch"', 'name = "..scratch"'),
    "an optimizer with a path": ('optimizer = "adam"', 'optimizer = "../adam"'),
    "code for an option": ('optimizer = "adam"', "optimizer = \"adam:eps=__import__('os')\""),
    "a date for a rate": ("lr = 0.3", "lr = 2020-01-01"),
    "a rate without a number": ("lr = 0.3", "lr = nan"),
    "epochs in a list": ("epochs = 6", "epochs = [6]"),
    "orders to the terminal": ('task = "data"', 'task = "\\u001b]0;mine\\u0007"'),
    "another device": ('device = "cpu"', 'device = "cuda:99"'),
    "inputs of a terabyte": ("in_features = 4", "in_features = 40000000000000"),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_configuration_that_says_something_else_is_refused(edit: tuple[str, str], run: Path) -> None:
    text = (run / "config.toml").read_text()
    assert edit[0] in text
    (run / "config.toml").write_text(text.replace(*edit))

    def load() -> None:
        Run.load(run).load_data()

    assert "\x1b" not in sentence_of(load)


NETWORKS: dict[str, tuple[str, str]] = {
    "another width": ("linear:out_features=", "linear:out_features=1"),
    "another activation": ('"tanh"', '"relu"'),
    "another loss": ('loss = "', 'loss = "hinge" # "'),
}


@pytest.mark.parametrize("edit", NETWORKS.values(), ids=NETWORKS)
def test_another_network_than_the_trained_one_is_refused_and_mended_by_resume(edit: tuple[str, str], run: Path) -> None:
    text = (run / "config.toml").read_text()
    assert edit[0] in text
    (run / "config.toml").write_text(text.replace(*edit, 1))
    sentence = sentence_of(lambda: Run.load(run, "cpu"))
    assert sentence.startswith(f"{run}/config.toml must describe the network of the weights beside it, with ")
    assert sentence.endswith(f"; fivestep train --resume {run} writes it anew.")
    assert list(Run.resume(run).train(DATA)) == []
    assert Run.load(run, "cpu").history


def test_weights_of_another_program_that_do_not_fit_are_refused(run: Path) -> None:
    write_tensors(run / "model.safetensors", {"0.weight": torch.zeros(3, 3)}, {})
    sentence = sentence_of(lambda: Run.load(run, "cpu"))
    assert sentence.startswith(
        f"{run}/model.safetensors must hold weights for the network in config.toml, got others ("
    )
    assert sentence.endswith("; put config.toml back as it was, or train a new run.")


@pytest.mark.parametrize("name", ["config.toml", "history.csv", "model.safetensors"])
@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_damaged_file_is_written_anew_from_the_checkpoint(name: str, damage: str, run: Path) -> None:
    content = (run / name).read_bytes()
    (run / name).unlink()
    if damage == "cut":
        (run / name).write_bytes(content[: len(content) // 2])
    assert f"fivestep train --resume {run}" in sentence_of(lambda: Run.load(run, "cpu"))
    assert list(Run.resume(run).train(DATA)) == []
    assert Run.load(run, "cpu").history


def test_without_a_checkpoint_a_damaged_file_is_trained_again(run: Path) -> None:
    shutil.rmtree(run / "checkpoints")
    (run / "history.csv").write_text("")
    assert sentence_of(lambda: Run.load(run, "cpu")).endswith("; train again.")


def test_checkpoints_of_which_all_are_damaged_are_refused_with_what_to_do(run: Path) -> None:
    for path in checkpoints_in(run):
        path.write_bytes(path.read_bytes()[:-1])
    assert sentence_of(lambda: Run.resume(run)).endswith("got damaged bytes; train again.")


@pytest.mark.parametrize(("old", "new"), [("epochs = 6", "epoch = 6"), ("lr = 0.3", "lr = -1.0")])
def test_a_wrong_setting_is_refused_with_the_name_of_the_file(old: str, new: str, run: Path) -> None:
    text = (run / "config.toml").read_text()
    (run / "config.toml").write_text(text.replace(old, new))
    assert sentence_of(lambda: Run.load(run, "cpu")).startswith(f"in {run}/config.toml, ")


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Content with some of it flipped, cut out, repeated, replaced by extremes, or cut off."""
    mutant = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        place = chance.randrange(len(mutant)) if chance.random() < 0.5 else chance.randrange(min(len(mutant), 1200))
        size = chance.choice((1, 2, 8, 40))
        kind = chance.randrange(5)
        if kind == 0:
            mutant[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del mutant[place : place + size]
        elif kind == 2:
            mutant[place:place] = mutant[place : place + size]
        elif kind == 3:
            mutant[place : place + size] = chance.choice((b"\x00", b"\xff", b"9", b'"', b"{", b"-")) * size
        else:
            del mutant[place + 1 :]
        if not mutant:
            return b"\x00"
    return bytes(mutant)


def refusal(run: Path, resumes: bool) -> str | None:
    """The sentence in which loading or resuming ends, or None."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            Run.resume(run) if resumes else Run.load(run, "cpu")
        except InputError as error:
            return str(error)
    return None


@pytest.mark.slow
@pytest.mark.usefixtures("without_shape_checks")
def test_two_thousand_mutated_files_load_or_end_in_one_sentence(run: Path) -> None:
    """Of the four files that are read; a mutated checkpoint never loads. A mutant that loads says what it was told."""
    files = [run / "config.toml", run / "history.csv", run / "model.safetensors", checkpoints_in(run)[0]]
    for other in checkpoints_in(run)[1:]:
        other.unlink()
    chance, refused = random.Random(0), 0
    for number in range(MUTANTS):
        path = files[number % len(files)]
        content = path.read_bytes()
        path.write_bytes(mutant := mutated(content, chance))
        sentence = refusal(run, path == files[3])
        if sentence is None:
            assert path != files[3] or mutant == content
        else:
            assert "\n" not in sentence
            assert len(sentence) < 2000
        refused += sentence is not None
        path.write_bytes(content)
    assert refused > MUTANTS / 2


def test_the_honest_run_loads_and_resumes(run: Path) -> None:
    """Else the tests above would prove nothing."""
    assert Run.load(run, "cpu").history == Run.resume(run).history
