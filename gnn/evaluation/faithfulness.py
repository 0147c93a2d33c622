"""Are explanations true? Takes the cited history edges out of the graph, or leaves only them, and ranks again.

Deletion and insertion after ERASER (DeYoung et al., ACL 2020): comprehensiveness is what the score loses without the k
most cited edges, sufficiency what it lacks with nothing but them; both are averaged over k (AOPC). Nothing is merely
subtracted: the events are gone, attention spreads anew, and every candidate is scored again.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from jaxtyping import Bool, Float64, Int64

from gnn import explain, ranking, scorer
from gnn.artefact import Artefact
from gnn.evaluation import explainers, pyg_explainers
from gnn.evaluation.explainers import Explainer, Question
from gnn.evaluation.faith_table import Faith, Figures, table
from gnn.features import DAY_US
from gnn.filters import Mode, Query
from gnn.output import Progress, Users
from gnn.ranking import History
from graph.snapshot import Snapshot

DEPTHS = (1, 2, 3, 5, 10, 20)
"""How many of the most cited edges are taken out, or left."""
CITED = 5
"""Edges that two explanations are compared by: as many as an explanation tells."""
LISTS = {"all": Mode.ALL, "discover": Mode.DISCOVER}


@dataclass(frozen=True, slots=True)
class Sample:
    """Which scores are explained: the first `items` of both lists of `users` users drawn by `seed`."""

    users: int = 100
    items: int = 5
    seed: int = 0
    steps: int = 100
    """Of GNNExplainer for one explanation; PyG's default."""


def measure(artefact: Artefact, snapshot: Snapshot, sample: Sample, progress: Progress) -> Faith:
    """Hold the served explanations of an artefact against others on the same lists.

    Raises `ArtefactRefused` for a model whose scores are not sums (fusion=concat).
    """
    rng = np.random.default_rng(sample.seed)
    contenders: dict[str, Explainer] = {
        **explainers.plain(rng),
        **pyg_explainers.rivals(artefact, snapshot, seed=sample.seed, steps=sample.steps),
    }
    users = Users(artefact, snapshot)
    drawn = rng.permutation(len(snapshot.user_ids))
    drawn = np.array([user for user in drawn if len(users.history(int(user)))][: sample.users], np.int64)
    progress.phase("Explaining, taking out what is cited, ranking again", len(drawn))
    found: dict[str, dict[str, list[Figures]]] = {name: {who: [] for who in contenders} for name in LISTS}
    pairs, worst = 0, 0.0
    for user in np.sort(drawn):
        history, attributes = users.history(int(user)), users.attributes(int(user))
        for name, mode in LISTS.items():
            ranked = ranking.rank(
                artefact, history, now=snapshot.at, k=sample.items, query=Query(mode=mode), attributes=attributes
            )
            if not len(ranked.item):
                continue
            question = Question(artefact, history, ranked.item.astype(np.int64), snapshot.at, attributes)
            pairs += len(question.items)
            worst = max(worst, _error(question, ranked.score))
            again = Again(question, mode)
            changed = _changes(question, rng)
            for who, explainer in contenders.items():
                found[name][who].append(_figures(explainer, question, again, changed))
        progress.advance(1)
    rng = np.random.default_rng(sample.seed)
    yardstick = pyg_explainers.GNN_EXPLAINER
    return table(artefact.version, snapshot.id, DEPTHS, found, pairs, worst, rng, yardstick)


def _error(question: Question, score: Float64[np.ndarray, "K"]) -> float:
    """Return the largest gap between a served score and the sum of its contributions."""
    told = explain.explain_many(
        question.artefact,
        question.history,
        question.items.tolist(),
        now=question.now,
        attributes=question.attributes,
    )
    sums = [sum(part.value for part in explained.contributions) for explained in told]
    return float(np.abs(np.array(sums) - score).max())


def _figures(explainer: Explainer, question: Question, again: "Again", changed: Sequence[Question]) -> Figures:
    begun = time.perf_counter()
    weights = explainer(question)
    ms = (time.perf_counter() - begun) * 1e3 / len(question.items)
    orders = np.argsort(-weights, axis=1, kind="stable")
    whole_score, whole_place = again.scored(np.ones(len(question.history), np.bool_))
    shape = (len(question.items), len(DEPTHS))
    lost, lacking, fell, low = (np.zeros(shape) for _ in range(4))
    for row, order in enumerate(orders):
        for column, depth in enumerate(DEPTHS):
            cited = np.isin(question.history.item, question.edges[order[:depth]])
            for score_table, place_table, kept in ((lost, fell, ~cited), (lacking, low, cited)):
                score, place = again.scored(kept)
                score_table[row, column] = whole_score[row] - score[row]
                place_table[row, column] = whole_place[row] - place[row]
    cited_first = _most_cited(question, weights)
    overlaps = [_overlap(cited_first, _most_cited(other, explainer(other))) for other in changed]
    return Figures(
        *(curve.mean(axis=0) for curve in (lost, lacking, fell, low)), stability=float(np.mean(overlaps)), ms=ms
    )


class Again:
    """Scores a question's items with a part of the history, and says where they would stand in the list."""

    def __init__(self, question: Question, mode: Mode) -> None:
        artefact, history = question.artefact, question.history
        bought = np.zeros(len(artefact.item_ids), np.bool_)
        bought[history.item[history.bought]] = True
        candidates = artefact.state.candidates
        self._question = question
        self._listed = ~bought[candidates] if mode is Mode.DISCOVER else np.ones(len(candidates), np.bool_)
        self._column = artefact.state.position[question.items]
        self._known: dict[bytes, tuple[Float64[np.ndarray, "K"], Float64[np.ndarray, "K"]]] = {}

    def scored(self, kept: Bool[np.ndarray, "n"]) -> tuple[Float64[np.ndarray, "K"], Float64[np.ndarray, "K"]]:
        """Return the items' scores without all other events, and 1 / log2(1 + rank) of each."""
        key = np.packbits(kept).tobytes()
        if key not in self._known:
            question = self._question
            artefact = question.artefact
            part = part_of(question.history, kept)
            sent = scorer.messages(artefact, part.columns(), question.now, question.attributes)
            everyone = scorer.scores(artefact, sent, artefact.state.candidates)
            score = everyone[self._column]
            ahead = np.sort(everyone[self._listed])
            rank = 1 + len(ahead) - np.searchsorted(ahead, score, side="right")
            self._known[key] = score, 1 / np.log2(1 + rank)
        return self._known[key]


def part_of(history: History, kept: Bool[np.ndarray, "n"] | Int64[np.ndarray, "m"]) -> History:
    """Return the events of a history at these places, as a history."""
    columns = (part.name for part in fields(History) if part.name != "disputed")
    return replace(history, **{name: getattr(history, name)[kept] for name in columns})


def _changes(question: Question, rng: np.random.Generator) -> list[Question]:
    """Return the question about its first item after small changes: an event less, an event more, a day before."""
    history, artefact = question.history, question.artefact
    n = len(history)
    less = np.delete(np.arange(n), rng.integers(n)) if n > 1 else np.arange(n)
    more = part_of(history, np.append(np.arange(n), rng.integers(n)))
    more.item[-1] = rng.choice(artefact.state.candidates)
    more.at[-1] = question.now
    return [
        Question(artefact, changed, question.items[:1], now, question.attributes)
        for changed, now in (
            (part_of(history, less), question.now),
            (more, question.now),
            (history, question.now - DAY_US),
        )
    ]


def _most_cited(question: Question, weights: Float64[np.ndarray, "K N"]) -> set[int]:
    return set(question.edges[np.argsort(-weights[0], kind="stable")[:CITED]].tolist())


def _overlap(one: set[int], other: set[int]) -> float:
    """Return the Jaccard index."""
    return len(one & other) / max(len(one | other), 1)
