"""What five thousand steps on fresh rows do."""

import numpy as np

from tests.facts.setup import prepare
from tests.tolerances import CONVERGED_FLOAT32, OTHER_DRAWS


def test_sum_loss_of_the_perceptron_falls_as_in_the_reference():
    losses = prepare("sum", "mlp").losses()
    assert len(losses) == 5000
    ratios = np.array([losses[step - 1] for step in (1, 500, 1000, 5000)]) / (10.8, 0.043, 0.031, 0.0004)
    assert max(ratios.max(), 1 / ratios.min()) < OTHER_DRAWS


def test_sum_linear_network_learns_it_exactly():
    setup = prepare("sum", "linear")
    setup.losses()
    learned, true = setup.engine.named_parameters(), setup.data.known_weights["true"]
    assert (learned["0.weight"] - true["0.weight"]).abs().max() < CONVERGED_FLOAT32
    assert abs(learned["0.bias"].item()) < CONVERGED_FLOAT32
