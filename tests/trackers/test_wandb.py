"""Weights & Biases in offline mode: what it wrote, read back from its own file."""

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fivestep.trackers._base import Described
from fivestep.trackers.wandb import Wandb

pytest.importorskip("wandb")
pytestmark = pytest.mark.slow  # its import and its service take some seconds


BLOCK, HEADER = 32768, 7
FULL, FIRST = 1, 2


def pieces(content: bytes) -> Iterator[bytes]:
    """The records in a file of LevelDB's log format: blocks of pieces, each behind a checksum, a length and a kind."""
    place, joined = HEADER, b""
    while place + HEADER <= len(content):
        if BLOCK - place % BLOCK < HEADER:  # too little for another piece: it is filled with zeros
            place += BLOCK - place % BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", content, place)
        piece = content[place + HEADER : place + HEADER + length]
        if len(piece) < length:
            return  # it is being written
        joined = piece if kind in (FULL, FIRST) else joined + piece
        place += HEADER + length
        if kind not in (FIRST, FIRST + 1):
            yield joined


def records(folder: Path) -> dict[str, list[Any]]:
    """The records of an offline run by kind."""
    from wandb.proto import wandb_internal_pb2

    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    found: dict[str, list[Any]] = {}
    for piece in pieces(file.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(piece)
        found.setdefault(record.WhichOneof("record_type"), []).append(record)
    return found


def records_of_what_has_ended(folder: Path) -> dict[str, list[Any]]:
    """The same once the last of them, of the end, is there: its service writes on after `finish` has returned."""
    until = time.monotonic() + 300
    while "exit" not in (found := records(folder)) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def test_an_offline_run_holds_figures_configuration_and_model(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    tracker = Wandb("moons", mode="offline")
    known = tracker.begin(Described(tmp_path, {"plan.lr": 0.1}, {}, 0))
    tracker.note(1, {"train_loss": 0.5})
    tracker.note(2, {"train_loss": 0.25})
    tracker.end([tmp_path / "model.safetensors"], "finished")
    found = records_of_what_has_ended(tmp_path)
    steps = [
        {(item.nested_key or [item.key])[0]: json.loads(item.value_json) for item in record.history.item}
        for record in found["history"]
    ]
    assert [(step["_step"], step["train_loss"]) for step in steps] == [(1, 0.5), (2, 0.25)]
    (run,) = {record.run.run_id: record.run for record in found["run"]}.values()
    assert (run.run_id, run.project, run.display_name) == (known["id"], "moons", tmp_path.name)
    assert {item.key: json.loads(item.value_json) for item in run.config.update}["plan.lr"] == 0.1
