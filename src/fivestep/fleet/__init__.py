"""Many networks at once, each trained as it would be alone.

`fitting.py` makes them and divides them among ranks; `pool.py` has the threads that train them, and `chunks.py` says
which takes what next; `member.py` is one of them; `alike.py` trains packs of those that differ only in seed and rate on
one engine; on a GPU `batched/` makes one batch of those of one shape.
"""

from .fitting import fit_many
from .pool import train_members

__all__ = ["fit_many", "train_members"]
