import torch
from torch import Tensor
from fivestep.find import Choice
from tests.contracts.cases import Case
from tests.contracts.combinations import Combination


def ids(shape: tuple[int, ...], stream: torch.Generator) -> Tensor:
    return torch.randint(0, 7, shape, generator=stream).double()


def not_tokens(combination):
    return combination.rows != "tokens"


NETWORK = (Choice("embedding", num_embeddings=7, embedding_dim=3), Choice("flatten"), Choice("linear"))
CASES = [Case({"num_embeddings": 7, "embedding_dim": 3}, draw=ids, layers=NETWORK, suits=not_tokens)]
