from tests.contracts.cases import Case

CASES = [Case(), Case({"eps": 0.1, "elementwise_affine": False})]
