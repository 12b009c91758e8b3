from fivestep.find import Choice
from tests.contracts.cases import Case
from tests.contracts.combinations import Combination

BATCHES = ((6, 5), (6, 3, 5))
NETWORK = (Choice("linear", out_features=5, bias=False), Choice("batch_norm"), Choice("tanh"), Choice("linear"))


def no_part_is_a_single_row(combination: Combination) -> bool:
    return combination.micro_batch_size is None or combination.rows == "tokens"


CASES = [
    Case(batches=BATCHES, suits=no_part_is_a_single_row, layers=NETWORK),
    Case({"momentum": None, "affine": False}, batches=BATCHES, suits=no_part_is_a_single_row, layers=NETWORK),
]
