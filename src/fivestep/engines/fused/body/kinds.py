"""The items that have a scalar form, as the whole numbers by which the compiled body knows them.

An item that is not here is no error: the engine hands over to `scratch` and says which one it was.
"""

LINEAR, DROPOUT, LAYER_NORM, RMS_NORM, BATCH_NORM, SCALE, BRANCH, JOIN, MIX, TIMES = range(10)

IDENTITY, RELU, TANH, SIGMOID, LEAKY_RELU, RELU_SQUARED, ELU, SELU = range(10, 18)
SILU, SOFTPLUS, GELU, GELU_TANH, HARDSWISH, MISH, SHIFT, FACTOR, LEAST, MOST, SOFTSIGN = range(18, 29)

COLUMNS = 29

MSE, MAE, HUBER, QUANTILE, POISSON, BINARY_CROSS_ENTROPY, HINGE, CROSS_ENTROPY, SMOOTH_L1 = range(30, 39)
GAMMA, TWEEDIE, GAUSSIAN_NLL = range(60, 63)

SGD, MOMENTUM, ADAM, ADAM_HAT, RMSPROP, ADAGRAD, LION, ADADELTA = range(40, 48)
AMSGRAD, NADAM, SCHEDULE_FREE, ADAMAX, RADAM, RPROP, MUON = range(50, 57)
