from tests.contracts.cases import Case

CASES = [Case(), Case({"betas": (0.8, 0.95), "eps": 1e-6}), Case({"weight_decay": 0.1})]
