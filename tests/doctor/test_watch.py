"""`fs.watch()`: what it shows, what it leaves alone, and that nothing of it stays."""

import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F  # noqa: N812
from torch.nn.modules import module as hooks
from torch.nn.utils import clip_grad_norm_
from torch.utils.data import DataLoader, TensorDataset

import fivestep as fs
from fivestep.doctor._events import Clipped
from fivestep.doctor._window import EVERY, FIRST
from tests.doctor.loops import classify, net, rows, train
from tests.tolerances import DOCTOR_ATTENTION, distance


def test_torch_is_left_as_it_was_also_after_an_error() -> None:
    seen = fs.watch()
    with pytest.raises(ZeroDivisionError), seen:
        classify(net(), steps=2 // (seen.record.num_updates))
    with fs.watch() as other:
        pass
    classify(net(), steps=3)
    assert (seen.record.num_updates, other.record.num_updates) == (0, 0)
    assert not hooks._global_forward_hooks
    assert not hooks._global_forward_pre_hooks
    assert not torch.overrides._get_current_function_mode_stack()


def test_the_title_says_what_was_trained() -> None:
    with fs.watch() as seen:
        classify(net(), steps=3)
    assert str(seen).splitlines()[0] == "Sequential with 163 parameters; SGD, lr 0.1; 3 updates"


def test_models_that_are_made_anew_are_counted() -> None:
    with fs.watch() as seen:
        for _ in range(4):
            classify(net(), steps=3)
    assert seen.title == "4 times Sequential with 163 parameters; 4 times SGD, lr 0.1; 12 updates"


def test_one_update_is_one() -> None:
    with fs.watch() as seen:
        classify(net(), steps=1)
    assert seen.title.endswith("; 1 update")


def test_findings_can_be_asked_for_within_the_block() -> None:
    with fs.watch() as seen:
        classify(nn.Sequential(net(), nn.Softmax(dim=1)), steps=5)
        assert [one.sign for one in seen.findings] == ["softmax twice"]


def test_after_the_first_rounds_two_in_a_row_are_watched() -> None:
    with fs.watch() as seen:
        classify(net(), steps=2 * EVERY + 1)
    rounds = [event.round for event in seen.record.events if type(event).__name__ == "Updated"]
    assert rounds == [*range(FIRST), EVERY, EVERY + 1, 2 * EVERY]
    assert seen.record.num_updates == seen.record.num_backwards == 2 * EVERY + 1


def test_clipping_is_seen_also_under_a_name_from_before() -> None:
    own = clip_grad_norm_
    with fs.watch() as seen:
        (x, y), model = rows(), net()
        F.cross_entropy(model(x), y).backward()
        clip_grad_norm_(model.parameters(), 1.0)
    assert len(list(seen.record.of(Clipped))) == 1
    assert clip_grad_norm_ is own


def test_it_holds_no_model_alive() -> None:
    import gc
    import weakref

    with fs.watch() as seen:
        model = net()
        classify(model, steps=3)
        reference = weakref.ref(model)
        del model
        gc.collect()
        assert reference() is None
    assert seen.record.num_updates == 3


def test_workers_of_a_loader_are_left_alone() -> None:
    loader, model = DataLoader(TensorDataset(*rows()), 16, num_workers=1), net()
    with fs.watch() as seen:
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    assert (seen.findings, dict(seen.record.unseen), seen.record.num_updates) == ((), {}, 4)


@pytest.mark.parametrize(
    "wrap",
    [
        nn.DataParallel,
        lambda model: torch.jit.trace(model, torch.zeros(1, 6)),
        lambda model: torch.compile(model, backend="eager"),
    ],
    ids=["DataParallel", "traced", "compiled"],
)
@pytest.mark.filterwarnings("ignore")
def test_models_that_are_wrapped(wrap: object) -> None:
    assert callable(wrap)
    with fs.watch() as seen:
        classify(wrap(net()))
    assert (seen.findings, dict(seen.record.unseen), seen.record.num_updates) == ((), {}, 30)


@pytest.mark.parametrize("at_once", [False, True])
def test_backward_of_torch_autograd_is_seen_too(at_once: bool) -> None:
    own, model, (x, y) = torch.autograd.backward, net(), rows()
    with fs.watch() as seen:
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for _ in range(5):
            halves = [F.cross_entropy(model(x[part]), y[part]) for part in (slice(32), slice(32, 64))]
            torch.autograd.backward(halves if at_once else sum(halves))
            optimizer.step()
    assert [one.sign for one in seen.findings] == ["gradient kept"]
    assert seen.record.num_backwards == len(seen.record.losses) == 5
    assert torch.autograd.backward is own


def test_attention_in_evaluation_differs_by_rounding_alone() -> None:
    model, x = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval(), torch.randn(4, 5, 8)
    with torch.no_grad():
        alone = model(x)
        with fs.watch():
            watched = model(x)
    assert distance(watched, alone) < DOCTOR_ATTENTION


def test_importing_the_package_does_not_load_it() -> None:
    code = "import fivestep, sys; sys.exit('fivestep.doctor' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(fs.__file__).parents[1]).returncode == 0


@pytest.mark.parametrize(
    "difference",
    [
        lambda x, y: torch.sub(x, other=y),
        lambda x, y: torch.sub(input=x, other=y),
        lambda x, y: x.sub(other=y),
        lambda x, y: x.subtract(y, alpha=2),
        lambda x, _: 1 - x,
    ],
    ids=["one by name", "both by name", "of a tensor", "with a factor", "of a number"],
)
def test_however_a_difference_is_written_the_loop_goes_on(difference: Callable[[Tensor, Tensor], Tensor]) -> None:
    model = net(1)
    x, y = torch.randn(8, 6), torch.randn(8, 1)
    with fs.watch() as seen:
        train(model, lambda: difference(model(x), y).square().mean(), steps=3)
    assert (seen.findings, dict(seen.record.unseen), seen.record.num_updates) == ((), {}, 3)


@pytest.mark.parametrize("error", [ValueError(), ValueError("\n"), ValueError("no\nmore")])
def test_whatever_goes_wrong_while_looking_is_noted(monkeypatch: pytest.MonkeyPatch, error: ValueError) -> None:
    def fails(_: object) -> None:
        raise error

    monkeypatch.setattr("fivestep.doctor._look.facts_of", fails)
    with fs.watch() as seen:
        classify(net(), steps=2)
    (noted,) = seen.record.unseen
    assert noted == f"ValueError: {str(error).strip().partition(chr(10))[0]}".removesuffix(": ")
    assert seen.record.num_updates == 2


def test_a_sum_or_a_sigmoid_that_cannot_be_looked_at_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> None:
        raise RuntimeError("no notes")

    monkeypatch.setattr("fivestep.doctor._graph.notes_of", fails)
    x = torch.ones(3, requires_grad=True)
    with fs.watch() as seen:
        _ = x.sigmoid(), x - torch.ones(3, 1), x.sum() + 1
    assert seen.record.unseen == {"RuntimeError: no notes": 3}


def test_an_answer_that_cannot_be_looked_at_hides_no_later_call() -> None:
    model = nn.Linear(6, 3)  # one that has no parts
    with fs.watch() as seen:
        torch.func.vmap(model)(torch.randn(3, 2, 6))
        classify(model, steps=3)
    assert seen.record.unseen
    assert [event.round for event in seen.record.events if type(event).__name__ == "Predicted"] == [0, 1, 2]


@pytest.mark.parametrize("loss", [nn.MSELoss(), F.mse_loss, F.l1_loss])
def test_a_warning_names_the_line_that_it_names_without(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    def caught() -> list[tuple[str, int]]:
        with warnings.catch_warnings(record=True) as those:
            warnings.simplefilter("always")
            loss(torch.zeros(4, 1, requires_grad=True), torch.zeros(4))
            warnings.warn("careful", stacklevel=2)
            warnings.warn("careful", stacklevel=100)
        return [(one.filename, one.lineno) for one in those]

    own, alone = warnings.warn, caught()
    with fs.watch():
        watched = caught()
    assert watched[0] == alone[0]
    assert [file for file, _ in watched] == [file for file, _ in alone]
    assert warnings.warn is own


def test_what_is_replaced_is_put_back() -> None:
    def all_of_it() -> list[object]:
        scaler, schedule = torch.amp.GradScaler, optim.lr_scheduler.LRScheduler
        clips = [nn.utils.clip_grad_norm_, nn.utils.clip_grad_value_, nn.utils.clip_grad.clip_grad_norm_]
        return [*clips, scaler.scale, scaler.unscale_, scaler.step, schedule.step, DataLoader.__iter__]

    own = all_of_it()
    with fs.watch():
        assert not set(all_of_it()) & set(own)
    assert all_of_it() == own
