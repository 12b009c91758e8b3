"""Several processes that train one network, or divide a fleet: which rows are whose, and sums over all of them.

`ranks.py` is what the rest of the program sees. Below it are `shared_memory.py`, sums on one machine; `signs.py`, which
of the others still works; `torchrun.py`, what the program that starts them keeps for them.
"""

from .ranks import ALONE, NUM_EXTRA, Ranks, Wishes, join_ranks, leave_ranks, raise_first

__all__ = ["ALONE", "NUM_EXTRA", "Ranks", "Wishes", "join_ranks", "leave_ranks", "raise_first"]
