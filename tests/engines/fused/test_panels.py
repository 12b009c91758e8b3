"""Products in panels beside torch's, for sizes around whole panels; what lies beside a result is left alone."""

import pytest
import torch
from torch import Tensor

from fivestep.engines.fused._compiled import one_pass
from fivestep.engines.fused.body.lanes import BYTES
from fivestep.engines.fused.body.panels import BESIDE, ROWS
from tests.samples import numbers
from tests.tolerances import FLOAT32, FORMULA, distance

types = pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, FLOAT32), (torch.float64, FORMULA)])


def wide(dtype: torch.dtype) -> int:
    """The columns of a panel."""
    return BESIDE * BYTES // dtype.itemsize


def in_panels(matrix: Tensor, capacity: int) -> Tensor:
    """A matrix (rows, columns) as a row of panels with room for so many rows, and 7 wherever there is nothing."""
    rows, columns = matrix.shape
    panels = -(-columns // wide(matrix.dtype))
    out = torch.full((panels, capacity, wide(matrix.dtype)), 7.0, dtype=matrix.dtype)
    for c in range(columns):
        out[c // wide(matrix.dtype), :rows, c % wide(matrix.dtype)] = matrix[:, c]
    return out


@types
@pytest.mark.parametrize("count", [0, 1, 15, 16, 33, 100])
@pytest.mark.parametrize("first", [0, 8])
def test_rows_times_a_panel_are_torchs(count: int, first: int, dtype: torch.dtype, tolerance: float) -> None:
    a, b = numbers(16, count).to(dtype), numbers(count, wide(dtype), seed=1).to(dtype)
    tile, panels = torch.full((ROWS, wide(dtype)), torch.nan, dtype=dtype), in_panels(a, 20)
    rows = panels.view(-1).numpy(), first * wide(dtype), 20 * wide(dtype)
    one_pass("rows_times_panel")(tile.view(-1).numpy(), rows, (b.reshape(-1).numpy(), 0), count)
    assert distance(tile, a[first : first + ROWS] @ b) < 10 * tolerance


@types
@pytest.mark.parametrize("count", [1, 7, 64])
@pytest.mark.parametrize("block", [0, 1, 2, 3])
def test_columns_times_a_panel_are_torchs(count: int, block: int, dtype: torch.dtype, tolerance: float) -> None:
    """A block after another, of which some begin in one panel and end in the next, or beyond the last one."""
    first, num_columns = block * ROWS, 3 * wide(dtype)
    a, b = numbers(count, num_columns).to(dtype), numbers(count, wide(dtype), seed=1).to(dtype)
    tile, panels = torch.full((ROWS, wide(dtype)), torch.nan, dtype=dtype), in_panels(a, 70)
    panel, column = divmod(first, wide(dtype))
    step, is_last = 70 * wide(dtype), panel + 1 == len(panels)
    left = panels.view(-1).numpy(), panel * step + column, wide(dtype) if is_last else step
    one_pass("columns_times_panel")(tile.view(-1).numpy(), left, (b.view(-1).numpy(), 0), count)
    some = min(ROWS, num_columns - first)
    assert distance(tile[:some], a[:, first : first + some].T @ b) < 10 * tolerance


@types
@pytest.mark.parametrize("shape", [(ROWS, 16), (3, 7), (1, 1), (5, 13)])
@pytest.mark.parametrize("later", [False, True])
def test_a_part_of_a_tile_goes_where_it_belongs_and_nowhere_else(
    shape: tuple[int, int], later: bool, dtype: torch.dtype, tolerance: float
) -> None:
    tile, before = numbers(ROWS, wide(dtype)).to(dtype), numbers(12, 40, seed=1).to(dtype)
    shape, out = (shape[0], min(shape[1], wide(dtype))), before.clone()
    one_pass("add_tile")(tile.view(-1).numpy(), 0.5, (out.view(-1).numpy(), 2 * 40 + 3, 40), shape, later)
    expected = before.clone()
    place = slice(2, 2 + shape[0]), slice(3, 3 + shape[1])
    expected[place] = 0.5 * tile[: shape[0], : shape[1]] + (before[place] if later else 0)
    assert distance(out, expected) < tolerance


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("rows", "columns"), [(16, 48), (3, 50), (9, 7), (13, 33)])
def test_weights_in_panels_are_weights(rows: int, columns: int, dtype: torch.dtype) -> None:
    """Turned on their side, or as they lie; from the middle of a matrix, without a touch of what is around."""
    w, there, rows = numbers(20, 60).to(dtype), 5, min(rows, wide(dtype))
    at = w.view(-1).numpy(), 2 * 60 + 4, 60
    cut, some = w[2 : 2 + rows, 4 : 4 + columns], min(columns, wide(dtype))
    transposed = torch.full((there + columns * wide(dtype),), 7.0, dtype=dtype)
    one_pass("transpose_into_panel")(at, (rows, columns), (transposed.numpy(), there))
    assert torch.equal(transposed[there:].view(columns, -1)[:, :rows], cut.T)
    assert (transposed[:there] == 7).all()
    copied = torch.full((there + rows * wide(dtype),), 7.0, dtype=dtype)
    one_pass("copy_into_panel")(at, (rows, some), (copied.numpy(), there))
    assert torch.equal(copied[there:].view(rows, -1)[:, :some], cut[:, :some])
    assert (copied[there:].view(rows, -1)[:, some:] == 7).all()
