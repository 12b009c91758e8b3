"""Every planted fault: what a person gets wrong when writing the loop by hand, in the order of the five steps."""

from tests.verify import faulty_backward, faulty_forward, faulty_loss, faulty_update

FAULTS = [*faulty_forward.FAULTS, *faulty_loss.FAULTS, *faulty_backward.FAULTS, *faulty_update.FAULTS]
