"""Networks that learned from smoothed labels are as sure of their classes as rows set aside tell."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import fivestep as fs
from fivestep.check import InputError
from fivestep.datasets._base import Dataset, Rows
from fivestep.find import Choice
from fivestep.run import Run
from fivestep.temperature import LARGEST, best_temperature, validation_rows
from tests.tolerances import BEST_TEMPERATURE

PLAN = fs.TrainPlan(
    loss="cross_entropy:label_smoothing=0.2",
    lr=0.5,
    epochs=4,
    batch_size=100,
    restore_best=True,
    temperature_scaling=True,
)


@pytest.mark.parametrize("truth", [0.5, 2.0])
def test_the_best_temperature_has_the_least_loss_by_torchs_own_derivative(truth: float) -> None:
    z = 3 * torch.randn(200, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    y = torch.multinomial((z / truth).softmax(1), 1, generator=torch.Generator().manual_seed(1))[:, 0]
    weight = torch.ones(200, dtype=torch.float64)
    found = torch.tensor(best_temperature(Choice("cross_entropy"), z, y, weight), requires_grad=True)
    torch.nn.functional.cross_entropy(z / found, y, label_smoothing=1 / 201).backward()  # type: ignore[no-untyped-call]
    assert found.grad == pytest.approx(0, abs=BEST_TEMPERATURE)
    assert found.item() == pytest.approx(truth, rel=0.25)  # of 200 rows


def test_a_row_of_weight_2_is_two_rows() -> None:
    z, y = torch.tensor([[2.0], [1.0], [-1.0]]).double(), torch.tensor([[1.0], [0.0], [0.0]]).double()
    loss, both = Choice("binary_cross_entropy"), [0, 1, 1, 2]
    ones = torch.full((4,), 1.0).double()
    again = best_temperature(loss, z[both], y[both], ones)
    assert best_temperature(loss, z, y, torch.tensor([1.0, 2.0, 1.0]).double()) == pytest.approx(again, rel=0.1)


def test_where_all_rows_are_right_the_temperature_ends_at_its_bound() -> None:
    z, y = torch.tensor([[0.1, 0.0], [0.0, 0.1]]).double(), torch.tensor([0, 1])
    found = best_temperature(Choice("cross_entropy"), z, y, torch.ones(2).double())
    assert found == pytest.approx(1 / LARGEST, rel=1e-3)


def part(seed: int, num_rows: int = 600) -> Rows:
    """Three classes that overlap."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(num_rows) % 3
    return Rows(torch.randn(num_rows, 4, generator=generator) + y[:, None], y)


DATA = Dataset(part(0), valid=part(1), num_outputs=3, name="overlapping")


def run_of(plan: fs.TrainPlan, out: Path, data: Dataset = DATA) -> Run:
    return fs.fit(fs.MLP(4, 8, 3), data, plan, "scratch", dtype="float64", out=out)


def logits(run: Run) -> Tensor:
    return run.engine.predict(part(2).x.double())


def best_of(run: Run) -> float:
    assert DATA.valid is not None
    z = run.engine.predict(DATA.valid.x.double())
    return best_temperature(Choice("cross_entropy"), z, DATA.valid.y, torch.ones(len(z)).double())


def test_a_run_ends_with_the_temperature_of_its_validation_part(tmp_path: Path) -> None:
    plain = run_of(replace(PLAN, temperature_scaling=False), tmp_path / "plain")
    scaled = run_of(PLAN, tmp_path / "scaled")
    temperature = best_of(plain)
    assert temperature < 0.95  # labels were smoothed, so it was not sure enough
    torch.testing.assert_close(logits(scaled) * temperature, logits(plain))
    assert scaled.info["temperature"] == round(temperature, 4)


def test_what_is_kept_predicts_the_same(tmp_path: Path) -> None:
    run = run_of(PLAN, tmp_path)
    assert torch.equal(logits(Run.load(tmp_path)), logits(run))
    assert Run.load(tmp_path).info["temperature"] == run.info["temperature"]


def test_a_finished_run_that_is_resumed_is_as_it_was(tmp_path: Path) -> None:
    run, again = run_of(PLAN, tmp_path), Run.resume(tmp_path)
    assert not list(again.train(DATA))
    assert torch.equal(logits(again), logits(run))


def test_a_finished_run_that_is_asked_to_train_again_stays_as_it_is(tmp_path: Path) -> None:
    run = run_of(PLAN, tmp_path)
    before, temperature = logits(run), run.info["temperature"]
    assert not list(run.train(DATA))
    assert torch.equal(logits(run), before)
    assert run.info["temperature"] == temperature


def test_a_run_that_is_made_longer_is_the_longer_one(tmp_path: Path) -> None:
    run_of(replace(PLAN, epochs=2), tmp_path / "longer")
    longer = Run.resume(tmp_path / "longer", epochs=4)
    assert list(longer.train(DATA))
    assert torch.equal(logits(longer), logits(run_of(PLAN, tmp_path / "at once")))


def test_an_average_of_weights_is_scaled_and_training_goes_on_from_others(tmp_path: Path) -> None:
    averaging = replace(PLAN, ema=0.9, restore_best=False)
    plain = run_of(replace(averaging, temperature_scaling=False), tmp_path / "plain")
    scaled = run_of(averaging, tmp_path / "scaled")
    torch.testing.assert_close(logits(scaled) * best_of(plain), logits(plain))
    assert torch.equal(scaled.engine.state()["flat"], plain.engine.state()["flat"])


def test_without_a_validation_part_the_network_stays_as_it_is(tmp_path: Path) -> None:
    without = replace(DATA, valid=None)
    plain = run_of(replace(PLAN, temperature_scaling=False), tmp_path / "plain", without)
    scaled = run_of(PLAN, tmp_path / "scaled", without)
    assert torch.equal(logits(scaled), logits(plain))
    assert "temperature" not in scaled.info


def test_validation_rows_weigh_what_their_class_weighs_in_training() -> None:
    engine = fs.make_engine("scratch", fs.MLP(4, 3), replace(PLAN, class_weight=(1, 2, 5)))
    found = validation_rows(engine, DATA)
    assert found is not None
    assert found.weight is not None
    assert found.weight[:3].tolist() == [1, 2, 5]


def test_answers_are_judged_by_labels_as_they_are(tmp_path: Path) -> None:
    run = run_of(PLAN, tmp_path)
    plain = torch.nn.functional.cross_entropy(logits(run), part(2).y)
    assert fs.evaluate(run.engine, part(2)).loss == pytest.approx(plain.item(), rel=1e-12)


def test_a_last_layer_that_is_no_linear_one_is_refused(tmp_path: Path) -> None:
    spec = fs.NetSpec((Choice("linear", out_features=3), Choice("dropout", p=0.1)))
    with pytest.raises(InputError, match="used with a last layer of linear or ntk_linear"):
        fs.fit(spec, DATA, PLAN, out=tmp_path / "run")


def test_a_loss_without_probabilities_is_refused() -> None:
    with pytest.raises(
        InputError, match="temperature_scaling must be used with a loss of classes, such as cross_entropy, got True"
    ):
        replace(PLAN, loss="hinge")
