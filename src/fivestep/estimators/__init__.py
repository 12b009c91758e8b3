"""scikit-learn estimators: `fivestep.MLPClassifier` and `fivestep.MLPRegressor`.

`_parameters.py` holds what both take, `_perceptron.py` what both do. `_reading.py`, `_inputs.py` and `_targets.py` turn
what a person has into rows and answers; `_settings.py` and `_design.py` translate scikit-learn's names for a recipe and
ask it; `_training.py` stands around `fivestep.train`, and `_lbfgs.py` hands loss and gradient of an engine to SciPy.
"""
