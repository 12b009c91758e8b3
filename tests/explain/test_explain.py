"""One explained step: the five sections in order, and in them the numbers that autograd finds."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fivestep.batches import Batch
from fivestep.check import DivergenceError, InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.engines.nn import NnEngine
from fivestep.explain import Block, Section, explain, first_rows, train_to
from fivestep.explain._source import METHODS, PACKAGE, _numbered
from fivestep.explain._tensors import lines
from fivestep.find import Choice, names
from fivestep.net import MLP, NetSpec
from tests.samples import do_steps, numbers, small_engine, small_net, small_plan, three_classes
from tests.tolerances import DIFFERENCE_QUOTIENT, ENGINES_FLOAT64, EXACT, PARTS, distance

PLANS = [
    {"optimizer": "sgd"},
    {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 0.01},
    {"optimizer": "sgd", "clip_norm": 0.01},
    {"optimizer": "sgd", "clip_value": 0.001},
    {"optimizer": "adam", "weight_decay": 0.01},
    {"optimizer": "adamw"},
]
NETS = [small_net(), small_net(dropout=0.5), small_net(activation="gelu"), MLP(4, 3)]


def batch(num_rows: int = 6, *, weighted: bool = False) -> Batch:
    rows = three_classes(num_rows, weighted=weighted).train
    return Batch(rows.x, rows.y, None if rows.weight is None else rows.weight / rows.weight.sum())


@pytest.mark.parametrize("weighted", [False, True])
def test_rows_of_the_data_are_a_batch(weighted: bool) -> None:
    rows = three_classes(6, weighted=weighted).train
    (one, other) = (explain(small_engine("scratch"), of)[3].entries for of in (rows, batch(weighted=weighted)))
    assert [entry.name for entry in one] == [entry.name for entry in other]
    assert all(torch.equal(a.tensor, b.tensor) for a, b in zip(one, other, strict=True))


def explained(spec: NetSpec | None = None, rows: Batch | None = None, **plan: Any) -> list[Section]:
    """The second step on the same batch, so that the update rule has a memory."""
    engine = small_engine("scratch", small_plan(**plan), spec)
    do = engine.train_step_with_repeats if engine.optimizer.repeats else engine.train_step
    do(*(rows or batch()))
    return explain(engine, rows or batch())


def tensors(sections: list[Section]) -> dict[str, Tensor]:
    """The tensors of all steps but the third, whose names come again in the fourth."""
    entries = [entry for section in sections[:2] + sections[3:4] for entry in section.entries]
    return {entry.name: entry.tensor for entry in entries}


def by_autograd(spec: NetSpec, rows: Batch, **plan: Any) -> dict[str, Tensor]:
    """The same step with `torch.nn`: each layer's output and its gradient, parameters, their gradients, the loss."""
    engine = small_engine("nn", small_plan(**plan), spec)
    assert isinstance(engine, NnEngine)
    engine.train_step(*rows)
    found = {f"W{k}": layer.weight.clone() for k, layer in enumerate(engine.model) if isinstance(layer, nn.Linear)}
    found |= {f"b{k}": layer.bias.clone() for k, layer in enumerate(engine.model) if isinstance(layer, nn.Linear)}
    outputs, a = {}, rows.x
    engine.model.train()
    for k, layer in enumerate(engine.model):
        a = layer(a)
        a.retain_grad()
        letter = {nn.Linear: "z", nn.Tanh: "a", nn.GELU: "a"}.get(type(layer), "y")
        outputs["logits" if k == len(engine.model) - 1 else f"{letter}{k}"] = a
    found["loss"] = engine.loss(a, rows.y, rows.weight)
    engine.zero_grad()
    engine.backward()
    found |= outputs | {f"d{name}": output.grad for name, output in outputs.items() if output.grad is not None}
    for name, gradient in engine.named_gradients().items():
        number, _, own = name.partition(".")
        found[f"d{'W' if own == 'weight' else 'b'}{number}"] = gradient
    return found


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("spec", NETS, ids=["tanh", "dropout", "gelu", "linear"])
def test_each_tensor_equals_that_of_autograd(spec: NetSpec, weighted: bool) -> None:
    shown, expected = tensors(explained(spec, batch(weighted=weighted))), by_autograd(spec, batch(weighted=weighted))
    assert max(distance(shown[name], expected[name].detach()) for name in expected) <= ENGINES_FLOAT64


@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_new_parameters_are_those_of_an_ordinary_step(plan: dict[str, Any]) -> None:
    engine, other = (small_engine("scratch", small_plan(**plan)) for _ in range(2))
    other.train_step(*batch())
    blocks = {block.title: block.entries for block in explain(engine, batch())[4].blocks}
    new = {name: blocks[name][1].tensor for name in engine.named_parameters()}
    assert max(distance(new[name], w) for name, w in other.named_parameters().items()) == EXACT
    assert torch.equal(engine.params.flat, other.params.flat)


@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_new_parameters_equal_those_of_torch(plan: dict[str, Any]) -> None:
    engine = small_engine("nn", small_plan(**plan))
    engine.train_step(*batch())
    engine.train_step(*batch())
    blocks = {block.title: block.entries for block in explained(**plan)[4].blocks}
    found = {name: blocks[name][1].tensor for name in engine.named_parameters()}
    assert max(distance(found[name], w) for name, w in engine.named_parameters().items()) <= ENGINES_FLOAT64


def test_the_sections_are_the_five_steps_in_order() -> None:
    sections = explained()
    assert [(section.number, section.name) for section in sections] == [
        (1, "predict"),
        (2, "measure"),
        (3, "forget"),
        (4, "find"),
        (5, "step"),
    ]


def test_the_forgotten_gradient_is_that_of_the_step_before() -> None:
    engine = small_engine("scratch")
    engine.train_step(*batch())
    before = engine.named_gradients()["0.weight"].clone()
    held = {entry.name: entry.tensor for entry in explain(engine, batch())[2].entries}
    assert torch.equal(held["dW0"], before)


def test_clipping_shows_the_norm_before_and_after() -> None:
    clipping = explained(clip_norm=0.01)[4].blocks[0]
    norms = {entry.name: entry.tensor.item() for entry in clipping.entries}
    assert clipping.title == "clipping"
    assert norms["norm before"] > 0.01
    assert norms["norm after"] == pytest.approx(0.01, rel=1e-3)  # 1e-6 is added to the norm, as in torch


def test_momentum_after_is_the_rule_applied_to_momentum_before() -> None:
    blocks = {block.title: block.entries for block in explained(optimizer="sgd", momentum=0.9)[4].blocks}
    shown = {entry.name: entry.tensor for entry in blocks["0.weight"]}
    expected = 0.9 * shown["velocity before"] + shown["dW0"]
    assert distance(shown["velocity after"], expected) <= PARTS


def test_dropout_shows_its_mask() -> None:
    shown = tensors(explained(small_net(dropout=0.5)))
    assert set(shown["scaled_mask2"].unique().tolist()) == {0.0, 2.0}
    assert torch.equal(shown["y2"], shown["a1"] * shown["scaled_mask2"])


def test_formulas_are_in_the_names_of_this_network() -> None:
    formulas = {entry.name: entry.formula for section in explained() for entry in section.entries}
    assert formulas["z0"] == "x W0^T + b0"
    assert formulas["a1"] == "tanh(z0)"
    assert formulas["logits"] == "a1 W2^T + b2"
    assert formulas["dz0"] == "da1 * f'(z0)"
    assert formulas["f'(z0)"] == "1 - a1^2"


@pytest.mark.parametrize("name", names("activations"))
def test_each_activation_explains_itself(name: str) -> None:
    formulas = {entry.name: entry.formula for s in explained(small_net(activation=name)) for entry in s.entries}
    output = next(key for key in ("a1", "y1") if key in formulas)
    assert "z0" in formulas[output]
    assert f"d{output}" in formulas["dz0"]
    assert formulas.get("f'(z0)", "of its own") != ""


def words(block: Block) -> str:
    return " ".join([block.text, *(entry.formula for entry in block.entries)])


@pytest.mark.parametrize("name", names("losses"))
def test_each_loss_explains_itself(name: str) -> None:
    rows = batch()
    y = {"classes": rows.y, "yes_no": (numbers(6, 3) > 0).double(), "numbers": numbers(6, 3).abs()}
    engine = small_engine("scratch", small_plan(loss=name))
    if engine.criterion.target not in y or engine.criterion.outputs_per_target > 1:
        pytest.skip("needs targets of its own shape")
    sections = explain(engine, Batch(rows.x, y[engine.criterion.target], None))
    measure, find = (words(sections[k].blocks[0]) for k in (1, 3))
    assert "y" in measure
    assert "gradient" in find or "y" in find


def test_formulas_of_a_loss_hold_without_its_options_only() -> None:
    formulas = {entry.name: entry.formula for entry in explained(loss="cross_entropy:label_smoothing=0.1")[1].entries}
    text = explained(loss="cross_entropy:label_smoothing=0.1")[1].blocks[0].text
    assert formulas["l"] == ""
    assert "`label_smoothing`" in text


@pytest.mark.parametrize("name", names("optim"))
def test_each_update_rule_explains_itself(name: str) -> None:
    blocks = explained(optimizer=name, lr=0.01)[4].blocks
    assert "lr" in " ".join(block.text for block in blocks)


@pytest.mark.parametrize("layer", ["layer_norm", "batch_norm", "rms_norm"])
def test_a_normalization_shows_what_it_works_with(layer: str) -> None:
    spec = NetSpec((Choice("linear", out_features=5), Choice(layer), Choice("tanh"), Choice("linear")), 4, 3)
    shown = tensors(explained(spec))
    assert shown["normalized1"].shape == (6, 5)
    assert shown["dW1"].shape == (5,)


def test_one_layer_can_be_shown_alone() -> None:
    sections = explain(small_engine("scratch"), batch(), layer=1)
    assert {block.layer for section in sections for block in section.blocks} == {None, 1}


def test_the_steps_before_are_those_of_training() -> None:
    plan, data = small_plan(optimizer="adam", schedule="cosine"), three_classes()
    engine, other = (small_engine("scratch", plan) for _ in range(2))
    do_steps(other, data, plan, 1, 5)
    upcoming = train_to(engine, data, plan, 6)
    assert torch.equal(engine.params.flat, other.params.flat)
    assert (upcoming.number, engine.num_updates) == (6, 5)
    assert engine.lr == upcoming.lr < plan.lr


@pytest.mark.parametrize("number", [0, 13])
def test_a_step_that_the_plan_does_not_have_is_refused(number: int) -> None:
    with pytest.raises(InputError, match=f"step must be a step that is still to do, 1 to 12, got {number}"):
        train_to(small_engine("scratch"), three_classes(), small_plan(), number)


def test_a_run_that_breaks_on_the_way_says_where() -> None:
    plan = small_plan(loss="mse", optimizer="sgd", lr=1e6, epochs=100)
    data = Dataset(Rows(numbers(50, 4), numbers(50, 3, seed=1)), num_outputs=3)
    with pytest.raises(DivergenceError, match="the loss must stay finite"):
        train_to(small_engine("scratch", plan, MLP(4, 6, 3)), data, plan, 390)


def test_the_weights_of_the_first_rows_sum_to_one() -> None:
    part = first_rows(batch(weighted=True), 2)
    assert part.weight is not None
    assert part.weight.sum().item() == pytest.approx(1)
    assert len(part.x) == 2


@pytest.mark.parametrize("num_rows", [0, 7])
def test_more_rows_than_the_batch_has_are_refused(num_rows: int) -> None:
    with pytest.raises(InputError, match=f"rows must be a whole number from 1 to the batch's 6, got {num_rows}"):
        first_rows(batch(), num_rows)


def test_a_layer_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="layer must be a layer's number, 0 to 2, got 3"):
        explain(small_engine("scratch"), batch(), layer=3)


@pytest.mark.parametrize("name", ["autograd", "nn"])
def test_another_engine_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"engine must be 'scratch', got '{name}'"):
        explain(small_engine(name), batch())


COMPOSITES = {
    "residual": NetSpec(
        (
            Choice("linear", out_features=5),
            Choice("residual", layers=("layer_norm", "linear:out_features=7", "gelu", "linear:out_features=5")),
            Choice("linear"),
        ),
        4,
        3,
    ),
    "gated": NetSpec((Choice("gated", out_features=6, activation="silu", bias=True), Choice("linear")), 4, 3),
    "gated in the middle": NetSpec(
        (Choice("linear", out_features=5), Choice("gated", out_features=6, activation="tanh"), Choice("linear")), 4, 3
    ),
    "gated in a residual": NetSpec(
        (
            Choice("linear", out_features=5),
            Choice("residual", layers=("gated:out_features=6,activation=silu", "linear:out_features=5")),
            Choice("residual", layers=("dropout:p=0.5",)),
            Choice("linear"),
        ),
        4,
        3,
    ),
}


def outputs_by_autograd(spec: NetSpec, rows: Batch) -> dict[str, tuple[Tensor, Tensor]]:
    """The output of every module of the twin, of those inside too, with its gradient, by the module's path."""
    engine = small_engine("nn", small_plan(), spec)
    assert isinstance(engine, NnEngine)
    engine.train_step(*rows)
    outputs: dict[str, Tensor] = {}

    def keep(path: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            output.retain_grad()
            outputs[path] = output

        return hook

    for path, module in engine.model.named_modules():
        if path and not isinstance(module, nn.Sequential):
            module.register_forward_hook(keep(path))
    engine.loss(engine.forward(rows.x), rows.y, rows.weight)
    engine.zero_grad()
    engine.backward()
    return {path: (output.detach(), output.grad) for path, output in outputs.items() if output.grad is not None}


@pytest.mark.parametrize("spec", COMPOSITES.values(), ids=COMPOSITES)
def test_the_inside_of_a_layer_of_layers_is_shown_as_autograd_sees_it(spec: NetSpec) -> None:
    """Each output z1.0 stands under the label of its layer, and so does its gradient, wherever one is printed."""
    shown, expected = tensors(explained(spec)), outputs_by_autograd(spec, batch())
    found = {}
    for path, (output, gradient) in expected.items():
        label = path.replace(".body.", ".")
        name = next((key for key in (f"{letter}{label}" for letter in "zay") if key in shown), "logits")
        found[path] = distance(shown[name], output), distance(shown[f"d{name}"], gradient)
    assert len(found) > len(spec.layers)
    assert max(max(pair) for pair in found.values()) <= ENGINES_FLOAT64


@pytest.mark.parametrize("spec", COMPOSITES.values(), ids=COMPOSITES)
def test_looking_inside_changes_no_number(spec: NetSpec) -> None:
    engine, other = (small_engine("scratch", small_plan(optimizer="adam"), spec) for _ in range(2))
    other.train_step(*batch())
    explain(engine, batch())
    assert torch.equal(engine.params.flat, other.params.flat)


def test_formulas_of_a_residual_name_what_is_inside() -> None:
    formulas = {entry.name: entry.formula for s in explained(COMPOSITES["residual"]) for entry in s.entries}
    assert formulas["z1.1"] == "y1.0 W1.1^T + b1.1"
    assert formulas["y1"] == "z0 + z1.3"
    assert formulas["dz1.3"] == "dy1"
    assert formulas["dz0"] == "dy1 + dz0 by 1.0"


def test_formulas_of_a_gate_follow_the_product_rule() -> None:
    formulas = {entry.name: entry.formula for s in explained(COMPOSITES["gated in the middle"]) for entry in s.entries}
    assert formulas["y1"] == "a1.activation * z1.up"
    assert formulas["da1.activation"] == "dy1 * z1.up"
    assert formulas["dz1.up"] == "dy1 * a1.activation"
    assert formulas["dz0"] == "dz0 by 1.gate + dz0 by 1.up"


@pytest.mark.parametrize("name", names("engines"))
def test_each_step_says_where_it_is_written_in_each_engine(name: str) -> None:
    for section in explain(small_engine("scratch"), batch()):
        place = next(place for place in section.places if place.name == name)
        lines = (PACKAGE / place.file).read_text(encoding="utf-8").splitlines()
        first = place.code.splitlines()[0]
        assert lines[place.line - 1].strip() == first.strip()
        assert first.startswith((f"def {METHODS[section.name]}(", "@", f"# {section.number}  "))


def test_the_formulas_of_the_items_are_found_beside_the_engines() -> None:
    sections = explain(small_engine("scratch"), batch())
    files = [{place.file for place in section.places} for section in sections]
    assert {"layers/linear.py", "activations/_base.py"} <= files[0]
    assert "losses/cross_entropy.py" in files[1]
    assert "layers/linear.py" in files[3]
    assert "optim/sgd.py" in files[4]


def test_an_engine_that_is_one_body_is_found_by_its_numbered_comments(tmp_path: Path) -> None:
    steps = "\n".join(f"    # {k}  step {k}\n    do({k})" for k in range(1, 6))
    (tmp_path / "body.py").write_text(f"def train(x):\n{steps}\n    return x\n\n\ndef other():\n    pass\n")
    places = [_numbered("one", tmp_path, k) for k in (1, 5)]
    assert [(place.file, place.line, place.code) for place in places] == [
        ("body.py", 2, "# 1  step 1\ndo(1)"),
        ("body.py", 10, "# 5  step 5\ndo(5)\nreturn x"),
    ]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("spec", [small_net(), small_net(dropout=0.5), MLP(4, 3), COMPOSITES["residual"]])
def test_the_other_engines_find_the_same_gradient(spec: NetSpec, weighted: bool) -> None:
    blocks = explained(spec, batch(weighted=weighted))[3].blocks
    found = {entry.name: entry.tensor.item() for entry in blocks[-1].entries}
    assert {"autograd", "nn"} <= set(found)
    assert max(found.values()) <= ENGINES_FLOAT64


@pytest.mark.parametrize("spec", [small_net(), small_net(dropout=0.5), small_net(activation="gelu"), MLP(4, 3)])
def test_one_number_by_hand_is_what_the_loss_answers(spec: NetSpec) -> None:
    """The difference quotient over a step of 0.001, as the page gives it, against the gradient on the same page."""
    block = next(one for one in explained(spec)[3].blocks if one.title.startswith("one number by hand"))
    gradient = float(re.findall(r"added up: (\S+)", block.text)[0])
    before, after, quotient = map(float, re.findall(r"from (\S+) to (\S+), which is (\S+) for", block.text)[0])
    assert quotient == pytest.approx((after - before) / 0.001, abs=2e-5)
    assert quotient == pytest.approx(gradient, rel=DIFFERENCE_QUOTIENT)


def test_many_rows_are_not_added_up_by_hand() -> None:
    titles = [block.title for block in explained(rows=batch(11))[3].blocks]
    assert not any(title.startswith("one number by hand") for title in titles)


def test_a_tensor_with_nothing_in_it_says_so() -> None:
    """Such as the columns of a table that are no numbers, where there are none."""
    assert lines(torch.empty(4, 0), 80) == ["      nothing in it"]
