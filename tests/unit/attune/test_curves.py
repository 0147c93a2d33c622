"""Curves of a training: told to TensorBoard, and to Weights & Biases where asked; into files without a network."""

import importlib
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attune import console
from attune.bars import TrainingBars
from attune.curves import Curves
from gnn.config import Config
from gnn.errors import ModelError
from gnn.progress import Epoch
from tests.served import until


def records(file: Path) -> Iterator[bytes]:
    """Yield the records of a run's file: a LevelDB log, blocks of 32 KiB of (crc, length, type) and content."""
    content, at, found = file.read_bytes(), 7, b""  # seven bytes say what the file is
    while at + 7 <= len(content):
        left = 32_768 - at % 32_768
        if left < 7:
            at += left
            continue
        length, kind = struct.unpack_from("<HB", content, at + 4)
        if at + 7 + length > len(content):
            return  # being written
        found += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield found
            found = b""


def told(file: Path) -> list[dict[str, Any]]:
    """Return what a run's own file says of history and settings: what a later sync would send."""
    proto: Any = importlib.import_module("wandb.proto.wandb_internal_pb2")  # generated: it has no types
    found: list[dict[str, Any]] = []
    for content in records(file):
        record = proto.Record()
        record.ParseFromString(content)
        # Settings stand in the run's record, or in one of their own where they came after it was begun.
        rows = (*record.history.item, *record.run.config.update, *record.config.update)
        found.append({row.key or ".".join(row.nested_key): json.loads(row.value_json) for row in rows})
    return found


def test_weights_and_biases_offline_keeps_settings_losses_and_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    with TrainingBars(console.ERR) as bars, Curves(bars, tmp_path / "runs", Config(width=24), "shop") as curves:
        curves.phase("Training", 2)
        curves.loss(1, 0.75)
        curves.epoch(Epoch(1, 0.5, {"ndcg20_all": 0.25}, -1.5, best=True, seconds=1.0, left_s=0.0))
    (file,) = (tmp_path / "wandb").glob("offline-run-*/*.wandb")
    # Its own process writes the file, and may do so a moment after it has said that the run is finished.
    until(lambda: any(row.get("pass") == 1 for row in told(file)))
    rows = told(file)
    assert any(row.get("width") == 24 for row in rows)
    assert any(row.get("loss/Training") == 0.75 and row.get("step") == 1 for row in rows)
    assert any(row.get("validation/ndcg20_all") == 0.25 and row.get("pass") == 1 for row in rows)
    assert list((tmp_path / "runs").glob("*/events.out.tfevents.*"))


def test_without_the_package_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import sys

    monkeypatch.setitem(sys.modules, "wandb", None)
    with TrainingBars(console.ERR) as bars, pytest.raises(ModelError, match=r"attune\[wandb\]"):
        Curves(bars, tmp_path / "runs", Config(), "shop")
