from tests.contracts.cases import Case

CASES = [Case(), Case({"std": 0.3})]
