"""Files of an artefact that hold arrays and ids: mapped into memory as they are, or packed (xz) and unpacked when read.

A model in full is mapped: processes that serve it share its pages. Of a compressed one only the item-item graphs are,
most of it; columns of items, which have much that repeats, are packed, and each process has its own.
"""

import io
import lzma
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import orjson

_IDS = "ids.json"
_PLAIN, _PACKED = ".npy", ".npy.xz"
_XZ = ".xz"


def write_arrays(folder: Path, arrays: Mapping[str, np.ndarray], *, packed: bool) -> None:
    """Write each array, `name.part` for those of a graph; `packed`: all others take as few bytes as they can."""
    for name, value in arrays.items():
        if packed and "." not in name:
            plain = io.BytesIO()
            np.save(plain, value, allow_pickle=False)
            (folder / f"{name}{_PACKED}").write_bytes(lzma.compress(plain.getvalue()))
        else:
            np.save(folder / f"{name}{_PLAIN}", value, allow_pickle=False)


def read_arrays(folder: Path) -> dict[str, np.ndarray]:
    """Return all arrays of a folder by name, not to be written to. Raises `ValueError` and `LZMAError`."""
    found = {path.name.removesuffix(_PLAIN): _mapped(path) for path in folder.glob(f"*{_PLAIN}")}
    for path in folder.glob(f"*{_PACKED}"):
        plain = io.BytesIO(lzma.decompress(path.read_bytes()))
        value = np.load(plain, allow_pickle=False)
        value.flags.writeable = False
        found[path.name.removesuffix(_PACKED)] = value
    return found


def write_ids(folder: Path, ids: Mapping[str, Sequence[str]], *, packed: bool) -> None:
    """Write the ids of every kind of node."""
    plain = orjson.dumps(ids)
    if packed:
        (folder / f"{_IDS}{_XZ}").write_bytes(lzma.compress(plain))
    else:
        (folder / _IDS).write_bytes(plain)


def read_ids(folder: Path) -> dict[str, list[str]]:
    """Return what `write_ids` wrote. Raises `ValueError` and `LZMAError`."""
    packed = folder / f"{_IDS}{_XZ}"
    return orjson.loads(lzma.decompress(packed.read_bytes()) if packed.is_file() else (folder / _IDS).read_bytes())


def _mapped(path: Path) -> np.ndarray:
    # A plain array over the mapped pages: numpy's memmap class makes every slice several times dearer.
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
