"""The folder is the registry, and a choice reads the same everywhere."""

import importlib
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import fivestep.activations
from fivestep.activations.relu import ReLU
from fivestep.check import InputError
from fivestep.find import SINGULAR, Choice, build, find, names, settings_of, shown_names
from fivestep.net import MLP
from fivestep.optim.sgd import SGD
from tests.samples import ENGINES, small_engine, small_plan, three_classes, weights_of
from tests.tolerances import ENGINES_FLOAT64, worst

words = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)
numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none())
values = st.one_of(numbers, st.text(), st.lists(numbers, max_size=3).map(tuple), st.lists(st.text(), max_size=3))


@given(name=words, options=st.dictionaries(words, values, max_size=4))
def test_a_choice_written_as_text_reads_back_the_same(name: str, options: dict[str, Any]) -> None:
    choice = Choice(name, **options)
    again = Choice.parse(str(choice))
    assert again == choice
    assert repr(again.options) == repr(choice.options)  # 1, 1.0 and True are equal but not the same


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("sgd", Choice("sgd")),
        ("sgd:momentum=0.9", Choice("sgd", momentum=0.9)),
        ("sgd:momentum=0.9,nesterov=true", Choice("sgd", momentum=0.9, nesterov=True)),
        ("adam:betas=(0.8, 0.95),eps=1e-6", Choice("adam", betas=(0.8, 0.95), eps=1e-6)),
        (" sgd : momentum = 0.9 ", Choice("sgd", momentum=0.9)),
        ("fashion-mnist", Choice("fashion_mnist")),
        ("x:kind=plain", Choice("x", kind="plain")),
    ],
)
def test_text_is_read_as_a_choice(text: str, choice: Choice) -> None:
    assert Choice.parse(text) == choice


def test_a_choice_is_its_own_choice() -> None:
    choice = Choice("sgd", momentum=0.9)
    assert Choice.parse(choice) is choice


@pytest.mark.parametrize("name", [None, 3, {}])
def test_a_choice_without_a_name_is_refused(name: Any) -> None:
    with pytest.raises(InputError, match="a choice must be a name such as 'sgd'"):
        Choice(name)


@pytest.mark.parametrize("text", ["sgd:momentum", "sgd:=0.9", "sgd:0.9", "sgd:a b=1"])
def test_a_choice_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"must read 'name:key=value,key=value', got .* for example"):
        Choice.parse(text)


def test_several_values_without_brackets_are_told_their_form() -> None:
    with pytest.raises(InputError, match=r"stand in brackets, as in pos_weight=\(1,2\)\.$"):
        Choice.parse("binary_cross_entropy:pos_weight=1,2")


def test_a_choice_that_is_no_text_is_refused() -> None:
    with pytest.raises(InputError, match="a choice must be a name such as 'sgd'"):
        Choice.parse(3)  # type: ignore[arg-type]


def test_choices_can_be_kept_in_a_set() -> None:
    assert len({Choice("sgd", momentum=0.9), Choice("sgd", momentum=0.9), Choice("sgd")}) == 2


@pytest.mark.parametrize("family", SINGULAR)
def test_every_family_is_a_folder(family: str) -> None:
    assert isinstance(names(family), tuple)


def test_names_are_the_public_files_of_the_folder() -> None:
    folder = Path(fivestep.activations.__path__[0])
    assert names("activations") == tuple(sorted(f.stem for f in folder.glob("*.py") if not f.stem.startswith("_")))


def test_an_item_is_the_class_in_its_file() -> None:
    assert find("activations", "relu") is ReLU


def test_tasks_are_shown_with_hyphens_and_found_either_way() -> None:
    assert all("_" not in name for name in shown_names("datasets"))
    assert find("datasets", shown_names("datasets")[0]) is find("datasets", names("datasets")[0])


@pytest.mark.parametrize(
    ("family", "name", "sentence"),
    [
        ("activations", "rleu", "activation must be one of .* got 'rleu'; did you mean 'relu'?"),
        ("optim", "adm", "optimizer must be one of .* got 'adm'; did you mean 'adam'?"),
        ("losses", "cross_entrpy", "loss must be one of .* did you mean 'cross_entropy'?"),
        ("datasets", "mons", "task must be one of .* did you mean 'moons'?"),
        ("engines", "scrath", "engine must be one of .* did you mean 'scratch'?"),
    ],
)
def test_an_unknown_name_suggests_the_nearest(family: str, name: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        find(family, name)


def test_an_item_is_built_with_its_options() -> None:
    assert build("optim", "sgd:momentum=0.9", nesterov=True) == SGD(momentum=0.9, nesterov=True)


def test_an_option_written_out_at_its_default_is_no_setting() -> None:
    assert settings_of("optim", Choice("adam", amsgrad=False, betas=(0.9, 0.999), eps=0.1)) == {"eps": 0.1}
    assert settings_of("layers", Choice("linear", out_features=3, bias=True)) == {"out_features": 3}


@pytest.mark.parametrize(
    ("family", "choice", "sentence"),
    [
        ("optim", "sgd:momentun=0.9", "option of optimizer 'sgd' must be one of .* did you mean 'momentum'?"),
        ("activations", "relu:slope=0.1", "activation 'relu' must be used without options, got 'slope'; leave it out"),
        ("layers", "linear", "layer 'linear' must be given out_features, got 'linear'; write linear:out_features="),
        ("optim", "sgd:momentum=much", r"momentum must be a number in \[0, 1\), got 'much'"),
    ],
)
def test_an_option_that_cannot_work_is_refused(family: str, choice: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        build(family, choice)


def test_the_example_for_contributors_fits_the_line(snake: str) -> None:
    assert max(map(len, snake.splitlines())) <= 120


@pytest.mark.usefixtures("snake")
@pytest.mark.parametrize("name", [name for name in ENGINES if name != "nn"])
def test_a_new_file_in_the_folder_is_an_activation_in_every_engine(name: str) -> None:
    spec, data = MLP(4, 6, 3, activation="snake"), three_classes()
    engine, oracle = small_engine(name, small_plan(), spec), small_engine("nn", small_plan(), spec)
    for one in (engine, oracle):
        one.train_step(data.train.x, data.train.y)
    assert worst(weights_of(engine), weights_of(oracle)).distance < ENGINES_FLOAT64


@pytest.mark.usefixtures("snake")
def test_a_new_file_in_the_folder_is_named_in_the_error_sentence() -> None:
    assert torch.equal(build("activations", "snake").value(torch.zeros(2)), torch.zeros(2))
    with pytest.raises(InputError, match="did you mean 'snake'"):
        find("activations", "snak")


@pytest.mark.usefixtures("snake")
def test_a_file_with_two_public_names_is_told_how_to_hide_one(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("fivestep.activations.snake")
    monkeypatch.setattr(module, "Second", type("Second", (), {"__module__": module.__name__}), raising=False)
    with pytest.raises(AssertionError, match=r"got Snake, Second; begin the names of all others with an underscore"):
        find("activations", "snake")


def test_an_item_that_is_no_dataclass_is_told_to_become_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Plain:
        pass

    monkeypatch.setattr("fivestep.find._public_of", lambda _name: Plain)
    with pytest.raises(AssertionError, match=r"Plain must be a dataclass, .* write @dataclass\(frozen=True\) above it"):
        build("activations", "relu")


def test_choices_are_told_apart_by_their_options_in_a_cache() -> None:
    """Else a look among a thousand networks that differ in widths alone compares it with each."""
    assert len({hash(Choice("linear", out_features=width)) for width in range(1, 101)}) == 100
    assert hash(Choice("linear", out_features=1)) == hash(Choice("linear", out_features=1.0))
    assert hash(Choice("residual", layers=["relu"])) == hash(Choice("residual", layers=["relu"]))
