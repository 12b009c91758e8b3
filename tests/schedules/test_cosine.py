from tests.contracts.cases import Case

CASES = [Case(), Case({"final": 0.1})]
