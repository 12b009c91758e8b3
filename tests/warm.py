"""What a server that forks processes for tests imports first, so that none of them has to."""

import sklearn.metrics  # noqa: F401
import torch._dynamo  # torch's optimizers ask for it at their first step
import torch.distributed  # noqa: F401

import fivestep.fleet
import fivestep.run  # noqa: F401
import tests.samples  # noqa: F401
