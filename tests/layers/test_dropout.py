from tests.contracts.cases import Case

CASES = [Case(), Case({"p": 0.1}), Case({"p": 0.0})]
