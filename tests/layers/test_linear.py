from tests.contracts.cases import Case

CASES = [Case({"out_features": 4}), Case({"out_features": 4, "bias": False})]
