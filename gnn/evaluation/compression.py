"""What a compressed model costs and saves: size, time for a list, and how it ranks beside the model in full."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gnn import compress, history, metrics, moment, promotion, scorer, warm
from gnn.artefact import Artefact
from gnn.errors import NotEnoughData
from gnn.evaluation.intervals import Interval, intervals
from gnn.output import Users
from gnn.split import split
from gnn.validation import learners
from graph.snapshot import Snapshot

USERS = 400
"""Users that both rank for at most."""
MOST_LOST = 0.005
"""Share of NDCG@20 that a compressed model may lose and still take the place of the model in full."""


@dataclass(frozen=True, slots=True)
class Compression:
    """A compressed model beside the one that it was made of; NDCG@20 on the validation period."""

    users: int
    bytes_before: int
    bytes_after: int
    """Of all files."""
    ms_before: float
    ms_after: float
    """Median time to score all candidates for one user."""
    ndcg_all: tuple[float, float]
    """Before, after."""
    ndcg_novel: tuple[float, float]
    all: Interval
    novel: Interval
    kept_of_head: float
    """Share of the first 20 of a list that are among the first 20 of the other."""
    head_moved: float
    """The most that a score among the first 20 moved."""
    head_bound: float
    """The most that it could have moved by the bound."""
    head_spread: float
    """Standard deviation of a user's scores, the mean over users: what the two figures above are to be seen beside."""

    @property
    def smaller(self) -> float:
        """How many times smaller."""
        return self.bytes_before / max(self.bytes_after, 1)

    @property
    def acceptable(self) -> bool:
        """Whether so little is lost that it may be served."""
        return all(not part.relative < -MOST_LOST for part in (self.all, self.novel))

    def to_json(self) -> dict[str, Any]:
        """Return name -> value."""
        return {**asdict(self), "smaller": self.smaller, "acceptable": self.acceptable}


def measure(
    snapshot: Snapshot,
    full: Artefact,
    folders: tuple[Path, Path],
    share: float,
    advance: Callable[[int], None] = lambda _: None,
) -> Compression:
    """Rank the latest period, seen from its beginning, with the model in full and compressed as it would have been.

    `folders`: where the two are saved, as they are now. Raises `NotEnoughData` where there is no period to rank.
    """
    cuts = split(snapshot, full.config)
    past = cuts.validation.past(snapshot)
    there = moment.make(past, full.config, warm.scheme_for(full, history.scheme_of(past, full.config)))
    whole = promotion.as_it_was(full, past, there)
    small = compress.compress(whole, share)
    labels = cuts.validation.wanted(snapshot, full.config.target)
    users = np.sort(np.random.default_rng(0).permutation(learners(there, labels))[:USERS])
    if not len(users):
        raise NotEnoughData("nobody bought anything in the last period and before it", "Load more events")
    return _beside(whole, small, past, users, labels[users][:, there.state.candidates].toarray() > 0, folders, advance)


def _beside(
    whole: Artefact,
    small: Artefact,
    past: Snapshot,
    users: np.ndarray,
    wanted: np.ndarray,
    folders: tuple[Path, Path],
    advance: Callable[[int], None],
) -> Compression:
    asked = Users(whole, past)
    candidates = whole.state.candidates
    ndcg = np.full((2, 2, len(users)), np.nan)
    seconds = np.zeros((2, len(users)))
    head = np.zeros((4, len(users)))
    for n, user in enumerate(users):
        events, attributes = asked.history(int(user)), asked.attributes(int(user))
        scores: list[np.ndarray] = []
        for m, model in enumerate((whole, small)):
            begun = time.perf_counter()
            sent = scorer.messages(model, events.columns(), past.at, attributes)
            scores.append(scorer.scores(model, sent, model.state.candidates))
            seconds[m, n] = time.perf_counter() - begun
        novel = ~np.isin(candidates, events.item[events.bought])
        for m, score in enumerate(scores):
            for row, allowed in enumerate((np.ones_like(novel), novel)):
                relevant = (wanted[n] & allowed)[None]
                if relevant.any():
                    hits = metrics.hits(metrics.top(np.where(allowed, score, -np.inf)[None]), relevant)
                    ndcg[m, row, n] = metrics.ndcg(hits, relevant.sum(axis=1))[0]
        first, second = (metrics.top(score[None])[0] for score in scores)
        sent = scorer.messages(small, events.columns(), past.at, attributes)
        head[:, n] = (
            np.isin(first, second).mean(),
            np.abs(scores[0] - scores[1])[first].max(),
            compress.score_errors(small, sent, candidates[first]).max(),
            scores[0].std(),
        )
        advance(1)
    rng = np.random.default_rng(0)
    both = [intervals(ndcg[1, row][:, None], ndcg[0, row][None, :, None], rng)[0] for row in (0, 1)]
    mean = [
        np.nanmean(ndcg[:, row], axis=1) if np.isfinite(ndcg[:, row]).any() else np.full(2, np.nan) for row in (0, 1)
    ]
    return Compression(
        users=len(users),
        bytes_before=_size(folders[0]),
        bytes_after=_size(folders[1]),
        ms_before=float(np.median(seconds[0]) * 1e3),
        ms_after=float(np.median(seconds[1]) * 1e3),
        ndcg_all=(float(mean[0][0]), float(mean[0][1])),
        ndcg_novel=(float(mean[1][0]), float(mean[1][1])),
        all=both[0],
        novel=both[1],
        kept_of_head=float(head[0].mean()),
        head_moved=float(head[1].max()),
        head_bound=float(head[2].max()),
        head_spread=float(head[3].mean()),
    )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
