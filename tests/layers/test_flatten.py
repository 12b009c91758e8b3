from tests.contracts.cases import Case


def not_tokens(combination):
    return combination.rows != "tokens"


CASES = [Case(suits=not_tokens)]
