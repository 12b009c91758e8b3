from tests.contracts.cases import Case

CASES = [Case(), Case({"betas": (0.8, 0.95), "weight_decay": 0.2}), Case({"weight_decay": 0.0})]
