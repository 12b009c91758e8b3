from tests.contracts.cases import Case

CASES = [Case({"layers": ("layer_norm", "linear:out_features=7", "gelu", "dropout:p=0.3", "linear:out_features=5")})]
