"""scikit-learn estimators: `fivestep.MLPClassifier` and `fivestep.MLPRegressor`.

`_parameters.py` has the parameters of both, `_perceptron.py` their common methods. `_reading.py`, `_inputs.py` and
`_targets.py` turn user data into rows and targets; `_settings.py` and `_design.py` translate scikit-learn's names for a
recipe and call it; `_training.py` wraps `fivestep.train`, and `_lbfgs.py` gives loss and gradient of an engine to
SciPy.
"""
