"""Rows to predict: a file is cut into the parts into which a table in memory is."""

from pathlib import Path

import polars as pl
import pytest

from fivestep.engines._make import make_engine
from fivestep.net import MLP
from fivestep.plan import TrainPlan
from fivestep.prediction import rows
from fivestep.prediction.trained import Trained
from fivestep.table import separated

TABLE = pl.DataFrame({"a": range(1000, 1097), "b": range(2000, 2097)})
TRAINED = Trained(make_engine("scratch", MLP(2, 3), TrainPlan(), device="cpu"), None, {})


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
@pytest.mark.parametrize("size", [10, 97, 200])
def test_a_file_is_cut_as_a_table_in_memory_is(
    ending: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever its reader ends a piece: of a CSV file after a number of bytes."""
    monkeypatch.setattr(rows, "ROWS_AT_A_TIME", size)
    monkeypatch.setattr(separated, "RUN_BYTES", 64)
    path = tmp_path / f"x.{ending}"
    {"csv": TABLE.write_csv, "parquet": TABLE.write_parquet, "jsonl": TABLE.write_ndjson}[ending](path)
    (of_file,), (in_memory,) = rows.in_files(TRAINED, [path]), rows.in_memory(TABLE)
    found, expected = list(of_file.frames), list(in_memory.frames)
    assert [part.height for part in found] == [part.height for part in expected]
    assert pl.concat(found).cast(pl.Int64).rows() == TABLE.rows()
