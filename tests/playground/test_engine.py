"""The engine in JavaScript is one more engine: after each of the five steps, its tensors are those of `scratch`."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor

from fivestep.datasets._load import load_dataset
from fivestep.draws import order
from fivestep.engines._engine import initial_weights
from fivestep.engines._make import make_engine
from fivestep.engines.scratch import ScratchEngine
from fivestep.find import find, names
from fivestep.layer import Memo
from fivestep.net import MLP, NetSpec
from fivestep.plan import TrainPlan
from fivestep.playground import TASKS, offered, settings_of
from fivestep.playground._settings import FOLDER
from fivestep.steps import upcoming_steps
from tests.browser import Opened
from tests.tolerances import EXACT, NORMALS_OF_A_BROWSER, PLAYGROUND, distance

NUM_STEPS = 7

WALK = """([settings, numSteps]) => {
  const training = new Training({...defaultsOf(settings.task), ...settings});
  const seen = [];
  for (let step = 0; step < numSteps; step++) {
    for (let line = 0; line < 5; line++) {
      training.line();
      const {engine} = training;
      const {memos} = engine;
      const made = [
        () => memos.map((memo) => [...(memo.a ?? memo.z).data]),
        () => [[training.made]],
        () => [[...engine.dw]],
        () => [[...engine.dw]],
        () => [[...engine.w]],
      ][line];
      seen.push(made());
    }
  }
  return seen;
}"""
"""What each of the five lines left, step by step; of forward what every layer gave, a linear one z, an activation a."""


def in_the_browser(browser: Opened, task: str, network: NetSpec, plan: TrainPlan) -> list[Tensor]:
    seen = browser.page.evaluate(WALK, [{"task": task, **settings_of(network, plan)}, NUM_STEPS])
    return [torch.tensor([number for each in made for number in each], dtype=torch.float64) for made in seen]


def in_scratch(task: str, network: NetSpec, plan: TrainPlan) -> Iterator[Tensor]:
    data = load_dataset(task, seed=0)  # the rows of the page
    engine = make_engine("scratch", plan.sized(network, data), plan, dtype="float64", device="cpu")
    assert isinstance(engine, ScratchEngine)
    for upcoming in islice(upcoming_steps(engine, data, plan, 0), NUM_STEPS):
        x, y, _ = upcoming.batch
        logits = engine.forward(x)
        yield flat(outputs_of(engine, x, logits))
        yield engine.loss(logits, y).reshape(1)
        engine.zero_grad()
        yield flat(engine.named_gradients().values())
        engine.backward()
        yield flat(engine.named_gradients().values())
        engine.update()
        yield flat(engine.named_parameters().values())


def outputs_of(engine: ScratchEngine, x: Tensor, logits: Tensor) -> list[Tensor]:
    """What every layer gives, each in memory of its own: the engine writes some over others."""
    outputs = [engine.as_input(x)]
    for layer, w in zip(engine.layers, engine.params.weights, strict=True):
        outputs.append(layer.forward(w, outputs[-1], Memo(training=True)))
    assert torch.equal(outputs[-1], logits)
    return outputs[1:]


def flat(tensors: Any) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])


def case(**settings: Any) -> Any:
    """A network with two hidden layers on moons, in batches of 64 rows, with one thing chosen."""
    usual = {"loss": "binary_cross_entropy", "optimizer": "adam", "lr": 0.05, "batch_size": 64, "epochs": 7, "seed": 3}
    of_network = {key: settings.pop(key) for key in ("activation", "init") if key in settings}
    task = settings.pop("task", "moons")
    name = "-".join(str(value) for value in {**of_network, **settings}.values()) or task
    return pytest.param(task, MLP(None, 5, 4, None, **of_network), TrainPlan(**{**usual, **settings}), id=name)


def task_for(loss: str) -> str:
    """A task with the targets that a loss compares."""
    return {"numbers": "line", "yes_no": "moons", "classes": "three-spirals"}[find("losses", loss).target]


CASES = [
    *[case(activation=name) for name in offered("activations")],
    *[case(loss=name, task=task_for(name), batch_size=6, activation="tanh") for name in offered("losses")],
    *[case(optimizer=name, weight_decay=0.02) for name in offered("optim")],
    case(optimizer="sgd", momentum=0.9, weight_decay=0.02),
    case(loss="mse", batch_size=None),
    *[case(init=name, activation="tanh") for name in ("torch", "xavier", "zeros")],
    *[case(task=task) for task in TASKS if task not in ("line", "wave", "three-spirals")],
    case(task="wave", loss="mse", batch_size=16),
    case(task="three-spirals", loss="cross_entropy", optimizer="sgd", momentum=0.9, batch_size=None),
]


@pytest.mark.parametrize(("task", "network", "plan"), CASES)
def test_after_each_of_the_five_steps_all_tensors_are_those_of_scratch(
    browser: Opened, task: str, network: NetSpec, plan: TrainPlan
) -> None:
    got = in_the_browser(browser, task, network, plan)
    expected = list(in_scratch(task, network, plan))
    assert len(got) == len(expected) == 5 * NUM_STEPS
    worst = max(map(distance, got, expected))
    assert worst <= PLAYGROUND


def test_a_run_repeats_to_the_bit(browser: Opened) -> None:
    task, network, plan = case(activation="gelu_tanh").values
    first, second = (in_the_browser(browser, task, network, plan) for _ in range(2))
    worst = max(map(distance, first, second))
    assert worst == EXACT


@pytest.mark.parametrize(
    ("init", "bar"),
    [
        *[(name, EXACT) for name in offered("inits") if name not in ("normal", "kaiming")],
        *[(name, NORMALS_OF_A_BROWSER) for name in ("normal:std=0.5", "kaiming")],
    ],
)
@pytest.mark.parametrize("hidden", [(3,), (8, 5), (20,)], ids=str)
def test_initial_weights_are_those_of_the_program(
    browser: Opened, init: str, bar: float, hidden: tuple[int, ...]
) -> None:
    network, plan = MLP(2, *hidden, 1, init=init), TrainPlan(loss="mse", seed=2**40 + 7)
    drawn = browser.page.evaluate(
        "(settings) => [...new Engine({inFeatures: 2, numOutputs: 1, ...settings}).w]", settings_of(network, plan)
    )
    assert distance(torch.tensor(drawn), flat(initial_weights(network, plan.seed).values())) <= bar


@pytest.mark.parametrize(("seed", "epoch", "num_rows"), [(0, 0, 200), (3, 5, 1000), (2**53 - 1, 7, 10)])
def test_orders_of_rows_are_those_of_the_program(browser: Opened, seed: int, epoch: int, num_rows: int) -> None:
    drawn = browser.page.evaluate("([seed, epoch, rows]) => orderOf(seed, epoch, rows)", [seed, epoch, num_rows])
    assert drawn == order(seed, epoch, num_rows).tolist()


@pytest.mark.parametrize(("task", "part"), [("moons", "train"), ("three-spirals", "valid"), ("line", "train")])
def test_rows_are_those_of_the_task(browser: Opened, task: str, part: str) -> None:
    x, y = browser.page.evaluate(
        "([task, part]) => { const {x, y} = rowsOf(task, part); return [[...x.data], [...y.data]]; }", [task, part]
    )
    rows = getattr(load_dataset(task, seed=0), part)
    assert torch.equal(torch.tensor(x, dtype=torch.float64), rows.x.double().flatten())
    assert torch.equal(torch.tensor(y, dtype=torch.float64), rows.y.double())


@pytest.mark.parametrize("family", ["activations", "losses", "optim", "inits"])
def test_every_item_is_one_of_the_program(family: str) -> None:
    assert set(offered(family)) <= set(names(family))


@pytest.mark.parametrize("family", ["activations", "losses", "optim", "inits", "mistakes"])
def test_every_item_has_the_name_of_its_file_and_what_all_others_have(browser: Opened, family: str) -> None:
    keys: dict[str, list[str]] = browser.page.evaluate(
        "(family) => Object.fromEntries(Object.entries(ITEMS[family]).map(([name, it]) => [name, Object.keys(it)]))",
        family,
    )
    assert set(keys) == set(offered(family))
    others = {name: [set(own) for other, own in keys.items() if other != name] for name in keys}
    lacking = {
        name: set.intersection(*others[name]) - {*keys[name], "boundary"} for name in keys
    }  # of two classes alone
    assert {name: words for name, words in lacking.items() if words} == {}


@pytest.mark.parametrize("name", TASKS)
def test_every_task_that_is_offered_can_be_drawn(name: str) -> None:
    assert not find("datasets", name).has_files
    assert load_dataset(name, seed=0).in_features <= 2


def test_every_check_that_a_mistake_names_is_one_of_the_doctor(browser: Opened) -> None:
    named = browser.page.evaluate("Object.keys(ITEMS.mistakes).filter((name) => ITEMS.mistakes[name].hasCheck)")
    assert len(named) >= 5
    assert set(named) <= set(names("doctor.checks"))


@pytest.mark.parametrize("ending", ["js", "css", "html"])
def test_no_line_of_the_page_is_too_long_and_no_file(ending: str) -> None:
    texts = {path.name: path.read_text(encoding="utf-8").splitlines() for path in FOLDER.rglob(f"*.{ending}")}
    assert {name: line for name, lines in texts.items() for line in lines if len(line) > 120} == {}
    assert {name: len(lines) for name, lines in texts.items() if len(lines) > 400} == {}
