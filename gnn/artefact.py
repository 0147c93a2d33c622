"""A trained model as a folder on disk: written whole or not at all, checked when read.

Serving stands on this module, so numpy is all it needs; no torch here.
"""

import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import cached_property
from importlib import metadata
from lzma import LZMAError
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from jaxtyping import Float64, Int
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from gnn import array_files
from gnn.channels import Shelf, reciprocal, shelf
from gnn.compact import CompactEdges, Lately, Rows
from gnn.config import Config, from_mapping
from gnn.errors import ArtefactRefused, BadConfig
from gnn.history import Scheme, Trait
from gnn.item_edges import ItemEdges
from gnn.manifest import FORMAT, MANIFEST, Manifest, Metrics
from gnn.manifest import read as read_manifest
from gnn.paths import Ways
from gnn.reach import Reach
from gnn.reach import build as build_reach
from gnn.state import ITEM_FEATURES, MATRICES, State, state_arrays
from gnn.weights import Shape, Weights, shape_of
from graph.disk import sha256, sync
from graph.snapshot import Snapshot

_WEIGHTS = "weights.safetensors"
_CATEGORY_PARENT, _ITEM_CATEGORY = "category_parent", "item_category"


@dataclass(frozen=True)
class Artefact:
    """A model in memory: manifest, ids, the item side of the graph and the weights."""

    manifest: Manifest
    item_ids: tuple[str, ...]
    category_ids: tuple[str, ...]
    brand_ids: tuple[str, ...]
    category_parent: Int[np.ndarray, "C"]
    item_category: Int[np.ndarray, "I"]
    config: Config
    scheme: Scheme
    state: State
    weights: Weights
    base: "Artefact | None" = None
    """What was trained, where items that came later have joined it (`gnn.newcomers`)."""
    joined: str = ""
    """Which items these are, and what is known of them: a digest."""

    @property
    def version(self) -> str:
        """Name of this artefact; what joins it later does not change it."""
        return self.manifest.version

    @property
    def edition(self) -> str:
        """Name of this artefact with what has joined it: within one, rows and scores stay."""
        return f"{self.version}+{self.joined}" if self.joined else self.version

    @cached_property
    def newcomers(self) -> frozenset[str]:
        """Ids of the items that came after the training: what is said of them is estimated."""
        return frozenset(self.item_ids[len(self.base.item_ids) :]) if self.base else frozenset()

    @property
    def event_types(self) -> tuple[str, ...]:
        """The event types that it knows, in the order of `History.type`."""
        return self.scheme.event_types

    @cached_property
    def item_index(self) -> Mapping[str, int]:
        """Item id -> row."""
        return {name: row for row, name in enumerate(self.item_ids)}

    @cached_property
    def category_index(self) -> Mapping[str, int]:
        """Category id -> row."""
        return {name: row for row, name in enumerate(self.category_ids)}

    @cached_property
    def shape(self) -> Shape:
        """Sizes of the weights."""
        return shape_of(self.config, self.scheme, self.state)

    @cached_property
    def channel_rate(self) -> Float64[np.ndarray, "C"]:
        """One over each channel's unit; 0 for a channel that is silent."""
        return reciprocal(self.state.channel_scale)

    @cached_property
    def shelf(self) -> Shelf:
        """What the candidates bring with them."""
        return shelf(self.state, self.state.candidates)

    @cached_property
    def ways(self) -> dict[int, Ways]:
        """Row of an item that was explained lately -> the ways to it that lead through no item (`gnn.explain`)."""
        return {}

    @cached_property
    def matrices(self) -> tuple[Rows, ...]:
        """Item-item graphs, items x candidates, of which rows can be taken."""
        return tuple(map(Lately, self.state.served()))

    @cached_property
    def reach(self) -> Reach:
        """What leads to candidates where there are too many to score all."""
        return build_reach(self.state)


def build(
    snapshot: Snapshot,
    config: Config,
    scheme: Scheme,
    state: State,
    weights: Weights,
    *,
    trained: bool,
    metrics: Metrics | None = None,
    created: datetime | None = None,
) -> Artefact:
    """Put a model together in memory; no two have the same version, whatever they hold."""
    created = datetime.now(UTC) if created is None else created
    manifest = Manifest(
        format=FORMAT,
        version=new_version(created),
        created=created.isoformat(timespec="seconds"),
        code_version=metadata.version("attune"),
        snapshot=snapshot.id,
        snapshot_at=snapshot.at,
        config=config.as_dict(),
        scheme=asdict(scheme),
        seed=config.seed,
        trained=trained,
        servable=config.fusion != "concat",
        ids_sha256=_ids_hash(snapshot.item_ids, snapshot.category_ids, snapshot.brand_ids),
        metrics={model: dict(row) for model, row in (metrics or {}).items()},
    )
    return Artefact(
        manifest=manifest,
        item_ids=snapshot.item_ids,
        category_ids=snapshot.category_ids,
        brand_ids=snapshot.brand_ids,
        category_parent=snapshot.category_parent,
        item_category=snapshot.item_category,
        config=config,
        scheme=scheme,
        state=state,
        weights=weights,
    )


def new_version(created: datetime) -> str:
    """Return a name that no other model has: its second, for people and for sorting, and ten digits drawn at random."""
    return f"{created:%Y%m%dT%H%M%S}-{secrets.token_hex(5)}"


def save(artefact: Artefact, models: Path) -> Path:
    """Write an artefact under `models` and return its folder; a crash leaves nothing that looks like one."""
    models.mkdir(parents=True, exist_ok=True)
    _sweep(models)
    folder = models / artefact.version
    draft = models / f".draft-{os.getpid()}-{secrets.token_hex(4)}"
    draft.mkdir()
    try:
        save_file({name: np.ascontiguousarray(value) for name, value in artefact.weights.items()}, draft / _WEIGHTS)
        ids = {"items": artefact.item_ids, "categories": artefact.category_ids, "brands": artefact.brand_ids}
        # A model that was made smaller is so on disk too.
        packed = bool(artefact.manifest.compression)
        array_files.write_ids(draft, ids, packed=packed)
        arrays = state_arrays(artefact.state)
        arrays |= {_CATEGORY_PARENT: artefact.category_parent, _ITEM_CATEGORY: artefact.item_category}
        array_files.write_arrays(draft, arrays, packed=packed)
        files = {path.name: sha256(path) for path in sorted(draft.iterdir())}
        content = orjson.dumps(
            {**asdict(artefact.manifest), "files": files}, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY
        )
        (draft / MANIFEST).write_bytes(content)
        for path in draft.iterdir():
            sync(path)
        if folder.exists():  # the same model saved twice: the newer copy stays
            shutil.rmtree(folder)
        draft.rename(folder)
        sync(models)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return folder


def load(folder: Path) -> Artefact:
    """Read an artefact, checking every file against the manifest; arrays of a model in full stay memory-mapped.

    Raises `NoArtefact` when there is none, `ArtefactRefused` when it is damaged, of another format, or inconsistent.
    """
    manifest = read_manifest(folder)
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise ArtefactRefused(f"artefact {folder} lacks {name}", "Train again, or roll back to the previous one")
        if sha256(path) != expected:
            raise ArtefactRefused(
                f"{path} is not the file that was saved: its sha256 differs from the manifest",
                "Train again, or roll back to the previous one",
            )
    try:
        ids = array_files.read_ids(folder)
        items, categories, brands = (tuple(ids[name]) for name in ("items", "categories", "brands"))
        config = from_mapping(manifest.config)
        scheme = _scheme(manifest.scheme)
        arrays = array_files.read_arrays(folder)
        state = _state(arrays)
        weights = load_file(folder / _WEIGHTS)
    except (KeyError, TypeError, ValueError, LZMAError, BadConfig, SafetensorError) as error:
        raise ArtefactRefused(f"artefact {folder} cannot be read: {error}", "Train again with this version") from error
    if _ids_hash(items, categories, brands) != manifest.ids_sha256 or len(items) != len(state.position):
        raise ArtefactRefused(f"the ids of artefact {folder} do not belong to its arrays", "Train again")
    return Artefact(
        manifest=manifest,
        item_ids=items,
        category_ids=categories,
        brand_ids=brands,
        category_parent=arrays[_CATEGORY_PARENT],
        item_category=arrays[_ITEM_CATEGORY],
        config=config,
        scheme=scheme,
        state=state,
        weights=weights,
    )


def _scheme(content: dict[str, Any]) -> Scheme:
    found: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in content.items()
    }
    # JSON has no infinity: it was written as null.
    for name in ("half_lives_days", "head_half_lives_days"):
        found[name] = tuple(float("inf") if life is None else life for life in found[name])
    found["traits"] = tuple(Trait(t["name"], t["kind"], tuple(t["levels"])) for t in found["traits"])
    return Scheme(**found)


def _state(arrays: Mapping[str, np.ndarray]) -> State:
    # Artefacts from before items could be changed in thought (`gnn.changes`) do without these.
    unsaid = np.full(len(ITEM_FEATURES), np.nan)
    arrays = {"item_mean": unsaid, "item_scale": unsaid, **arrays}
    parts: dict[str, Any] = {}
    for part in fields(State):
        if part.name in MATRICES:
            kind = CompactEdges if f"{part.name}.gap" in arrays else ItemEdges
            parts[part.name] = kind(**{x.name: arrays[f"{part.name}.{x.name}"] for x in fields(kind)})
        else:
            parts[part.name] = arrays[part.name]
    return State(**parts)


def _ids_hash(*groups: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for group in groups:
        digest.update(orjson.dumps(list(group)))
    return digest.hexdigest()


def _sweep(models: Path) -> None:
    """Remove drafts that a crash left behind more than a day ago."""
    for draft in models.glob(".draft-*"):
        if time.time() - draft.stat().st_mtime > 86_400:
            shutil.rmtree(draft, ignore_errors=True)
