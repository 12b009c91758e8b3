from tests.contracts.cases import Case

CASES = [
    Case(),
    Case({"weight_decay": 0.01}),
    Case({"momentum": 0.9}),
    Case({"momentum": 0.9, "nesterov": True}),
    Case({"momentum": 0.5, "nesterov": True, "weight_decay": 0.1}),
]
