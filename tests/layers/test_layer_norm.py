from tests.contracts.cases import Case

CASES = [Case(), Case({"elementwise_affine": False})]
