"""One origin laid out: what was known before the cut, what was bought after it, and whom that concerns."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float64, Int64

from gnn import features, moment
from gnn.baselines.base import Past
from gnn.config import Config
from gnn.errors import NotEnoughData
from gnn.held_out import HeldOut
from graph.snapshot import Snapshot

EVERYONE = "everyone"
COLD_USERS = "cold users"
COLD_EVENTS = 5
"""Users with so few events before the cut are cold."""
COLD_SHARE = 0.2
"""Cold items are this share of the candidates, those with the fewest buyers."""

_PRICE_TIERS = 5


@dataclass(frozen=True, slots=True)
class Period:
    """An origin; U users, P candidates, N users who bought a candidate in the period."""

    cut: HeldOut
    past: Snapshot
    """Everything before the cut, and nothing else: what a model may learn from."""
    announced: Snapshot
    """The same with the promotions of the period, for models that may know them in advance."""
    candidates: Int64[np.ndarray, "P"]
    """Rows of the snapshot's items, ascending."""
    known: Past
    """The same for baselines: purchases of candidates by week."""
    users: Int64[np.ndarray, "N"]
    """Rows of the users that are ranked for, ascending."""
    truth: sp.csr_matrix
    """U x P, 1 for what was bought in the period."""
    gain: sp.csr_matrix | None
    """U x P, money spent on it in the period; None where no money is known."""
    bought: sp.csr_matrix
    """U x P, weeks with a purchase before the cut."""
    category: Int64[np.ndarray, "P"]
    """Leaf category; -1 for none."""
    explored: sp.csr_matrix
    """U x C, above 0 where anything of the leaf category was bought before the cut, candidate or not."""
    department: Int64[np.ndarray, "P"]
    """Root category (the leaf in a shop with one root), numbered from 0; -1 for none."""
    price_tier: Int64[np.ndarray, "P"]
    """Fifth of the price level within the category, 0 the cheapest; -1 for unknown."""
    bits: Float64[np.ndarray, "P"]
    """Self-information: -log2 of the share of users who bought it."""
    decile: Int64[np.ndarray, "P"]
    """Tenth of the candidates by buyers, 0 the least popular."""
    cold: Bool[np.ndarray, "P"]
    """Whether an item is cold."""
    groups: dict[str, Bool[np.ndarray, "N"]]
    """Name -> which of the users; everyone first."""


def prepare(snapshot: Snapshot, cut: HeldOut, config: Config) -> Period:
    """Lay an origin out; which items are candidates is decided anew. Raises `NotEnoughData` when nobody bought one."""
    past = cut.past(snapshot)
    everything = Past.of(past, np.arange(len(past.item_ids)), config.target)
    weeks = everything.weeks()
    buyers = np.bincount(weeks.indices, minlength=len(past.item_ids))
    candidates = np.flatnonzero(moment.choose_candidates(past, buyers, config))
    truth = sp.csr_matrix(cut.wanted(snapshot, config.target)[:, candidates])
    users = np.flatnonzero(np.asarray(truth.sum(axis=1)).ravel() > 0)
    if not len(users):
        raise NotEnoughData("nobody bought a candidate in the held-out period", "Give another --cut")
    leaf = past.item_category.astype(np.int64)
    rank = np.argsort(np.argsort(buyers[candidates], kind="stable"), kind="stable")
    _, level = features.price_levels(past)
    level = level[candidates]
    tier = np.where(np.isfinite(level), np.minimum(np.nan_to_num(level) * _PRICE_TIERS, _PRICE_TIERS - 1), -1)
    active = max(int((np.diff(weeks.indptr) > 0).sum()), 1)
    share = np.maximum(buyers[candidates], 1) / active
    return Period(
        cut=cut,
        past=past,
        announced=cut.past(snapshot, announced=True),
        candidates=candidates,
        known=Past.of(past, candidates, config.target),
        users=users,
        truth=truth,
        gain=_gain(snapshot, cut.events(snapshot), candidates, truth),
        bought=sp.csr_matrix(weeks[:, candidates]),
        category=leaf[candidates],
        explored=_by_category(weeks, leaf, len(past.category_ids)),
        department=_departments(past)[candidates],
        price_tier=tier.astype(np.int64),
        bits=-np.log2(np.minimum(share, 1.0)),
        decile=rank * 10 // max(len(candidates), 1),
        cold=rank < COLD_SHARE * len(candidates),
        groups=groups_of(past, users),
    )


def _gain(
    snapshot: Snapshot, held_out: Bool[np.ndarray, "E"], candidates: Int64[np.ndarray, "P"], truth: sp.csr_matrix
) -> sp.csr_matrix | None:
    """Return what users paid in the period for what is to be found; where that is unknown, nothing is gained."""
    events = snapshot.events
    rows = held_out & np.isfinite(events.amount) & (events.amount > 0)
    paid = sp.csr_matrix(
        (events.amount[rows], (events.user[rows], events.item[rows])),
        shape=(len(snapshot.user_ids), len(snapshot.item_ids)),
    )
    found = sp.csr_matrix(paid[:, candidates].multiply(truth))
    return found if found.nnz else None


def _by_category(weeks: sp.csr_matrix, leaf: Int64[np.ndarray, "I"], C: int) -> sp.csr_matrix:
    placed = np.flatnonzero(leaf >= 0)
    within = sp.csr_matrix((np.ones(len(placed)), (placed, leaf[placed])), shape=(len(leaf), max(C, 1)))
    return sp.csr_matrix(weeks @ within)


def _departments(past: Snapshot) -> Int64[np.ndarray, "I"]:
    node = past.item_category.astype(np.int64)
    for _ in range(len(past.category_ids)):
        above = np.where(node >= 0, past.category_parent[np.maximum(node, 0)], -1) if len(node) else node
        if not (above >= 0).any():
            break
        node = np.where(above >= 0, above, node)
    if len(np.unique(node[node >= 0])) < 2:
        node = past.item_category.astype(np.int64)
    names, number = np.unique(node, return_inverse=True)
    return number - int((names < 0).any())


def groups_of(past: Snapshot, users: Int64[np.ndarray, "N"]) -> dict[str, Bool[np.ndarray, "N"]]:
    """Return everyone, cold users, and the bands of every ordinal attribute that tells of income."""
    events = np.bincount(past.events.user, minlength=len(past.user_ids))[users]
    groups = {EVERYONE: np.ones(len(users), np.bool_), COLD_USERS: events <= COLD_EVENTS}
    for name, attribute in past.attributes.items():
        if attribute.kind == "ordinal" and "income" in name.lower():
            code = attribute.values[users]
            groups |= {f"{name}: {level}": code == row for row, level in enumerate(attribute.levels)}
            groups[f"{name}: unknown"] = np.isnan(code)
    return groups
