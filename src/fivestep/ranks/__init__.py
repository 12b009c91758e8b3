"""Several processes that train one network, or divide a fleet: the rows of each, and sums over all of them.

`ranks.py` is the interface for the rest of the program, `joining.py` how a process becomes a rank. Below are
`shared_memory.py`, sums on one machine; `groups.py`, torch's way for others; `heartbeats.py`, which ranks are still at
work; `torchrun.py`, the store of the program that starts them.
"""

from .joining import join_ranks, leave_ranks
from .ranks import ALONE, NUM_EXTRA, Ranks, Requests, raise_first

__all__ = ["ALONE", "NUM_EXTRA", "Ranks", "Requests", "join_ranks", "leave_ranks", "raise_first"]
