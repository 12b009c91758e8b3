"""A table of every kind of column in several files, and what is learned of it as a stream."""

from pathlib import Path

import numpy as np
import polars as pl

from fivestep.datasets._table import LoadedTable, TableSource, load_table

NUM_ROWS, NUM_FILES = 900, 3

TRAIN = "train part-*.parquet --target y --stream --ignore z --window 150 --recipe plain".split()  # noqa: SIM905  (as typed)
"""Words of the command line that trains on the table where it lies."""


def table(num_rows: int = NUM_ROWS, seed: int = 0) -> pl.DataFrame:
    """Numbers with and without gaps, levels, dates, yes and no, an identifier, and classes that can be learned."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=num_rows), rng.normal(size=num_rows)
    gaps = pl.Series(rng.random(num_rows) < 0.1)
    frame = pl.DataFrame(
        {
            "a": a,
            "b": b,
            "count": rng.integers(0, 50, num_rows),
            "flag": rng.integers(0, 2, num_rows),
            "town": rng.choice([f"town {k}" for k in range(12)], num_rows),
            "sex": rng.choice(["f", "m", None], num_rows),
            "day": [f"2024-{1 + k % 12:02d}-{1 + k % 28:02d}" for k in range(num_rows)],
            "same": ["x"] * num_rows,
            "id": [f"row-{k}" for k in range(num_rows)],
            "weight": rng.random(num_rows),
            "y": np.where(a + b > 0.2, "yes", "no"),
            "z": a - 2 * b,
        }
    )
    return frame.with_columns(b=pl.when(gaps).then(None).otherwise(pl.col("b")))


WRITERS = {
    "parquet": lambda frame, path: frame.write_parquet(path, row_group_size=70),
    "csv": lambda frame, path: frame.write_csv(path),
    "arrow": lambda frame, path: frame.write_ipc(path),
}


def written(folder: Path, ending: str = "parquet", frame: pl.DataFrame | None = None) -> str:
    """The table in three files; the pattern that fits them."""
    whole = table() if frame is None else frame
    for k, part in enumerate(whole.iter_slices(-(-len(whole) // NUM_FILES))):
        WRITERS[ending](part, folder / f"part-{k}.{ending}")
    return str(folder / f"part-*.{ending}")


def loaded(pattern: str, target: str = "y", seed: int = 0, **options: object) -> LoadedTable:
    """The table as a stream."""
    return load_table(TableSource(pattern, target, stream=True, **options), seed=seed)  # type: ignore[arg-type]
