"""The three products of a linear layer: the same numbers by either library, and by which one when."""

import pytest
import torch
from torch import Tensor

from fivestep import products
from fivestep.products import (
    LEAST,
    LEAST_OUTER,
    LEAST_SIDE,
    add_outer_,
    affine,
    back,
    onednn_is_faster,
    outer,
    wants_transposed,
)
from tests.samples import numbers
from tests.tolerances import FLOAT32, distance

N, I, O = 200, 400, 300
LARGE = N * I * O
needs_onednn = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch is built without oneDNN")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """oneDNN taken to be the faster one, and the shapes of what it was asked to multiply."""
    asked: list[tuple[int, ...]] = []
    real = products._onednn

    def noted(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        asked.append((*x.shape, weight.shape[0]))
        return real(x, weight, bias)

    monkeypatch.setattr(products, "onednn_is_faster", lambda: True)
    monkeypatch.setattr(products, "_onednn", noted)
    return asked


def single(*shape: int, seed: int = 0) -> Tensor:
    return numbers(*shape, seed=seed).float()


@needs_onednn
def test_the_sizes_of_this_file_are_large_enough_to_leave_the_plain_products() -> None:
    assert LARGE > LEAST_OUTER > LEAST
    assert min(I, O) >= LEAST_SIDE


@needs_onednn
@pytest.mark.parametrize("has_bias", [True, False])
def test_z_equals_the_product_in_float64(calls: list[tuple[int, ...]], has_bias: bool) -> None:
    x, w, b = single(N, I), single(O, I, seed=1), single(O, seed=2)
    z = affine(x, w, b if has_bias else None, None)
    expected = x.double() @ w.double().T + (b.double() if has_bias else 0)
    assert distance(z.double(), expected) < FLOAT32
    assert calls == [(N, I, O)]


@needs_onednn
def test_dx_equals_the_product_in_float64(calls: list[tuple[int, ...]]) -> None:
    dz, w = single(N, O), single(O, I, seed=1)
    assert distance(back(dz, w, None).double(), dz.double() @ w.double()) < FLOAT32
    assert calls == [(N, O, I)]


@needs_onednn
def test_dw_is_added(calls: list[tuple[int, ...]]) -> None:
    dz, x, before = single(N, O), single(N, I, seed=1), single(O, I, seed=2)
    dw = before.clone()
    add_outer_(dw, dz, x)
    assert distance(dw.double(), before.double() + dz.double().T @ x.double()) < FLOAT32
    assert calls == [(O, N, I)]


@needs_onednn
@pytest.mark.parametrize("is_turned", [True, False])
def test_dw_is_written_from_either_form_of_dz(calls: list[tuple[int, ...]], is_turned: bool) -> None:
    dz, x, dw = single(N, O), single(N, I, seed=1), torch.full((O, I), torch.nan)
    outer(dz, x, dw, dz.T.contiguous() if is_turned else None)
    assert distance(dw.double(), dz.double().T @ x.double()) < FLOAT32
    assert calls == [(O, N, I)]


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize(("rows", "wanted"), [(LEAST // (50 * O) + 1, True), (LEAST // (50 * O) - 1, False)])
def test_dz_is_wanted_turned_where_that_is_faster(monkeypatch: pytest.MonkeyPatch, rows: int, wanted: bool) -> None:
    assert wants_transposed(torch.zeros(rows, O), torch.zeros(rows, 50)) is wanted
    monkeypatch.setattr(products, "onednn_is_faster", lambda: False)
    assert not wants_transposed(torch.zeros(rows, O), torch.zeros(rows, 50))


@needs_onednn
@pytest.mark.parametrize("most", [I, 7 * I, 1000 * I])
def test_a_gradient_is_computed_a_few_rows_at_a_time(
    calls: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(products, "MOST_APART", most)
    dz, x, dw, added = single(N, O), single(N, I, seed=1), torch.full((O, I), torch.nan), torch.ones(O, I)
    outer(dz, x, dw)
    add_outer_(added, dz, x, alpha=-1.0)
    assert distance(dw.double(), dz.double().T @ x.double()) < FLOAT32
    assert distance(added.double(), 1 - dz.double().T @ x.double()) < FLOAT32
    assert max(rows * inputs for rows, _, inputs in calls) == min(most, O * I)


@needs_onednn
def test_it_repeats(calls: list[tuple[int, ...]]) -> None:
    x, w, b = single(N, I), single(O, I, seed=1), single(O, seed=2)
    assert torch.equal(affine(x, w, b, None), affine(x, w, b, None))
    assert len(calls) == 2


@pytest.mark.parametrize("rows", [1, LEAST // (I * O) - 1])
def test_small_products_are_plain(calls: list[tuple[int, ...]], rows: int) -> None:
    affine(single(rows, I), single(O, I), single(O), None)
    back(single(rows, O), single(O, I), None)
    add_outer_(torch.zeros(O, I), single(rows, O), single(rows, I))
    assert calls == []


def test_a_narrow_gradient_is_plain(calls: list[tuple[int, ...]]) -> None:
    rows = 2 * LEAST_OUTER // (50 * O)
    add_outer_(torch.zeros(O, 50), torch.zeros(rows, O), torch.zeros(rows, 50))
    assert calls == []


def test_float64_is_plain(calls: list[tuple[int, ...]]) -> None:
    affine(numbers(N, I), numbers(O, I), numbers(O), None)
    assert calls == []


def test_what_autograd_follows_is_plain(calls: list[tuple[int, ...]]) -> None:
    w = single(O, I).requires_grad_()
    affine(single(N, I), w, single(O), None).sum().backward()
    assert w.grad is not None
    assert calls == []


def test_a_given_buffer_is_used_by_the_plain_product() -> None:
    out = torch.empty(2, 4)
    assert affine(single(2, 3), single(4, 3), single(4), out).data_ptr() == out.data_ptr()


@pytest.mark.parametrize(
    ("processor", "capability", "faster"),
    [
        ("AuthenticAMD", "AVX512", True),
        ("AuthenticAMD", "AVX2", False),  # MKL uses all of AVX2 there
        ("GenuineIntel", "AVX512", False),
    ],
)
@needs_onednn
def test_onednn_is_chosen_by_processor(
    monkeypatch: pytest.MonkeyPatch, processor: str, capability: str, faster: bool
) -> None:
    monkeypatch.setattr(products, "_processor", lambda: processor)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: True)
    assert onednn_is_faster.__wrapped__() is faster


def test_a_torch_without_the_operation_multiplies_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> Tensor:
        raise AttributeError("_linear_pointwise")

    monkeypatch.setattr(products, "_onednn", missing)
    assert onednn_is_faster.__wrapped__() is False
