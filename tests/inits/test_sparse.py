import pytest
import torch
from torch import nn

from fivestep.check import InputError
from fivestep.inits.sparse import Sparse
from tests.contracts.cases import Case
from tests.inits.depth import WIDTH, factors
from tests.inits.twins import drawn, shapes
from tests.tolerances import DEPTH

CASES = [Case(), Case({"sparsity": 0.5, "std": 0.5}, pairs=False)]


@shapes
def test_it_is_torchs_sparse_where_that_draws_all_from_one_stream(shape: tuple[int, ...]) -> None:
    """torch 2.13 draws the places of the zeros from its global stream; without a generator, the numbers as well."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        twin = nn.init.sparse_(torch.empty(shape), 0.5, 0.3)
    assert torch.equal(drawn("sparse:sparsity=0.5,std=0.3", shape), twin)


@pytest.mark.parametrize(("sparsity", "zeros"), [(0.0, 0), (0.1, 1), (0.5, 4), (0.9, 8)])
def test_each_column_has_its_share_of_zeros_rounded_up(sparsity: float, zeros: int) -> None:
    """Of eight units: 0, 0.8, 4 and 7.2."""
    assert (drawn(f"sparse:sparsity={sparsity}", (8, 5)) == 0).sum(0).tolist() == [zeros] * 5


@pytest.mark.parametrize(("sparsity", "std"), [(0.25, 0.01), (0.5, 0.125)])
def test_each_layer_multiplies_the_mean_square_by_what_is_left_of_it(sparsity: float, std: float) -> None:
    """(1 - sparsity) I std^2: 0.75 * 128 * 0.0001 = 0.0096 vanishes, 0.5 * 128 / 64 = 1 keeps."""
    factor = (1 - sparsity) * WIDTH * std**2
    assert factors(f"sparse:sparsity={sparsity},std={std}") == pytest.approx((factor, factor), rel=DEPTH)


@pytest.mark.parametrize("options", [{"sparsity": 1.0}, {"sparsity": -0.1}, {"sparsity": "0.1"}, {"std": 0}], ids=str)
def test_options_outside_their_ranges_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match="must be a"):
        Sparse(**options)
