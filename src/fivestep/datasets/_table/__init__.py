"""Data sets from files: tables in memory, and as streams where they are larger than that.

Begin with `load.py`. `source.py` is what a user says about a file; `in_memory.py` reads it whole, `split.py` divides
its rows, `leaks.py` looks for leaks between parts and from the target, `encoded.py` encodes them. `streamed.py` makes
one pass over files that may not fit into memory, `table_stream.py` yields their rows in every epoch, block by block.
"""

from .labeled import labeled_rows
from .load import load_table
from .source import SHARE, LoadedTable, TableSource

__all__ = ["SHARE", "LoadedTable", "TableSource", "labeled_rows", "load_table"]
