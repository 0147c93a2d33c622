"""Measurements of earlier runs on disk, so that a baseline is not fitted again to be compared with another network."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import orjson

from gnn.config import Config
from gnn.evaluation.measure import Measured
from gnn.held_out import HeldOut

# Raise it when what is measured, or how, changes.
_FORMAT = 2

# Settings of the network that decide what everybody is measured on.
_SHARED = ("target", "min_buyers")


def key(snapshot: str, cut: HeldOut, config: Config, model: str, settings: Mapping[str, object], seed: int) -> str:
    """Return the name under which a measurement is kept: a hash of everything that it depends on."""
    shared = {name: value for name, value in config.as_dict().items() if name in _SHARED}
    parts = [_FORMAT, snapshot, repr(cut), shared, model, dict(settings), seed]
    digest = hashlib.blake2b(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()
    return f"{model}-{digest}"


class Kept:
    """A folder of measurements, one file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, name: str) -> Measured | None:
        """Return a measurement, or None when it was never made or its file is damaged."""
        path = self._folder / f"{name}.npz"
        if not zipfile.is_zipfile(path):
            return None
        measured = Measured({}, {}, {})
        with np.load(path, allow_pickle=False) as file:
            for entry in file.files:
                table, slice_name, *metric = entry.split("/")
                if table == "user":
                    measured.per_user.setdefault(slice_name, {})[metric[0]] = file[entry]
                elif table == "model":
                    measured.per_model.setdefault(slice_name, {})[metric[0]] = float(file[entry])
                else:
                    measured.by_popularity[slice_name] = file[entry]
        return measured

    def save(self, name: str, measured: Measured) -> None:
        """Write a measurement, whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        entries: dict[str, np.ndarray] = {}
        for slice_name, by in measured.per_user.items():
            entries |= {f"user/{slice_name}/{metric}": values for metric, values in by.items()}
        for slice_name, figures in measured.per_model.items():
            entries |= {f"model/{slice_name}/{metric}": np.array(value) for metric, value in figures.items()}
        entries |= {f"popularity/{slice_name}": values for slice_name, values in measured.by_popularity.items()}
        written = self._folder / f"{name}.part"
        with written.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **entries)
        written.replace(self._folder / f"{name}.npz")
