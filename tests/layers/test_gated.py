from tests.contracts.cases import Case

CASES = [Case({"out_features": 4}), Case({"out_features": 4, "activation": "gelu", "bias": True})]
