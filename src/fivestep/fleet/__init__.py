"""Many networks at once, each trained as it would be alone.

`fitting.py` makes them and divides them among ranks; `pool.py` shares them out among threads; `lots.py` says who takes
which next; `member.py` is one of them; `alike.py` trains those that differ in seed and rate only on one engine, in
turns; on a device with thousands of lanes `batched/` makes one batch of those of one shape.
"""

from .fitting import fit_many
from .pool import train_members

__all__ = ["fit_many", "train_members"]
