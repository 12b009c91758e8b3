"""Random cases: a function of seed and number, on which right engines agree and a wrong one is caught."""

import re
from typing import Any

import pytest

from fivestep.check import InputError
from fivestep.find import find, names
from fivestep.layers.linear import Linear
from fivestep.verify import verify_all
from fivestep.verify._random import Case, random_case

pytestmark = pytest.mark.usefixtures("without_shape_checks")


def test_engines_agree_on_random_cases() -> None:
    found = verify_all(6, seed=1)
    assert found.agrees, str(found)
    assert set(found.reports) == set(names("engines")) - {"nn"}
    assert all(len(found.reports[name]) == 6 for name in ("scratch", "autograd"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_engines_agree_on_many_random_cases(seed: int) -> None:
    found = verify_all(50, seed=seed)
    assert found.agrees, str(found)
    assert sum(bool(report.roundings) for report in found.reports["scratch"].values()) <= 5


def as_plain(case: Case) -> tuple[Any, ...]:
    return case.spec, case.plan, case.data.train.x.tolist(), case.data.train.y.tolist()


def test_a_case_is_a_function_of_seed_and_number() -> None:
    assert as_plain(random_case(3, 8)) == as_plain(random_case(3, 8))
    assert as_plain(random_case(3, 8)) != as_plain(random_case(4, 8))
    assert as_plain(random_case(3, 8)) != as_plain(random_case(3, 9))


def test_one_case_alone_is_the_same_case() -> None:
    alone, among = verify_all(1, seed=1, only=4), verify_all(4, seed=1)
    assert alone.reports["scratch"][4] == among.reports["scratch"][4]
    assert list(alone.reports["scratch"]) == [4]
    assert "Case 4: linear" in str(alone)


def test_cases_reach_most_of_every_family() -> None:
    cases = [random_case(0, number) for number in range(1, 181)]
    assert {case.plan.loss.name for case in cases} == set(names("losses"))  # type: ignore[union-attr]
    assert len({case.plan.optimizer.name for case in cases}) >= len(names("optim")) - 2  # type: ignore[union-attr]
    layers = {choice.name for case in cases for choice in case.spec.layers}
    assert {"linear", "dropout", "batch_norm", "layer_norm", "residual"} <= layers
    assert any(case.plan.micro_batch_size for case in cases)
    assert any(case.data.train.weight is not None for case in cases)
    assert any(find("optim", case.plan.optimizer.name).repeats for case in cases)  # type: ignore[union-attr]


def test_a_fault_is_reported_with_the_command_that_repeats_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bias gradient forgotten in `scratch`; the others do not use this method."""
    right = Linear.backward

    def wrong(self: Linear, w: Any, dw: Any, dy: Any, memo: Any, need_dx: bool = True) -> Any:
        before = dw["bias"].clone() if self.bias else None
        dx = right(self, w, dw, dy, memo, need_dx)
        if before is not None:
            dw["bias"].copy_(before)
        return dx

    monkeypatch.setattr(Linear, "backward", wrong)
    found = verify_all(3, seed=1)
    text = str(found)
    assert not found.agrees
    assert re.match(r"3 of \d+ comparisons differ, seed 1. The first is scratch on case 1:", text)
    assert "fivestep verify all --seed 1 --case 1" in text
    assert "bias" in text


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"num_cases": 0}, "cases must be a whole number of at least 1, got 0"),
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"only": 0}, "case must be a whole number of at least 1, got 0"),
    ],
    ids=str,
)
def test_numbers_below_their_least_are_refused(options: dict[str, int], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        verify_all(**options)


@pytest.mark.parametrize(("seed", "number"), [(189, 3), (197, 5)])
def test_gradients_that_cancel_exactly_in_one_order_of_summation_only_are_rounding(seed: int, number: int) -> None:
    """The bias of `mae` and `quantile` under adagrad: noise of 1e-18, divided by its own size."""
    found = verify_all(number, seed, number)
    assert found.agrees, str(found)


@pytest.mark.parametrize(("seed", "number"), [(111, 4), (142, 5)])
def test_another_branch_of_a_line_search_is_rounding(seed: int, number: int) -> None:
    """L-BFGS far from its end: one rounding in the weights decides how often a step is halved."""
    found = verify_all(number, seed, number)
    assert found.agrees, str(found)
