"""Several processes that train one network, or divide a fleet: which rows are whose, and sums over all of them.

`ranks.py` is what the rest of the program sees, `joining.py` how a process becomes one of them. Below are
`shared_memory.py`, sums on one machine; `groups.py`, torch's way for others; `signs.py`, which of the others still
works; `torchrun.py`, what the program that starts them keeps for them.
"""

from .joining import join_ranks, leave_ranks
from .ranks import ALONE, NUM_EXTRA, Ranks, Wishes, raise_first

__all__ = ["ALONE", "NUM_EXTRA", "Ranks", "Wishes", "join_ranks", "leave_ranks", "raise_first"]
