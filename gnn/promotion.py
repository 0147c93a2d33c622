"""Is a new model fit to take the served one's place? Both rank the latest period, seen from its beginning."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float64

from gnn import history, metrics, moment, warm
from gnn.artefact import Artefact
from gnn.evaluation.intervals import Interval, intervals
from gnn.output import Users
from gnn.split import split
from gnn.validation import learners
from graph.snapshot import Snapshot

USERS = 400
"""Users that both models rank for at most."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The new model against the served one: NDCG@20 on everything and on what was new to the user."""

    served: str
    """Version of the model that is being served."""
    all: Interval
    novel: Interval

    @property
    def worse(self) -> bool:
        """Whether the new model ranks worse, beyond chance, in either."""
        return self.all.high < 0 or self.novel.high < 0


def compare(snapshot: Snapshot, new: Artefact, served: Artefact) -> Comparison | None:
    """Return how a model trained on this snapshot compares with the one being served; None with nobody to rank for.

    Both look at the graph as it was before the last period, each with its own settings. Both may have learned from
    that period (a served model and a refit one have), so this tells a broken model from a sound one; what a model is
    worth is told by `attune evaluate`. Raises `CannotCarryOver` when the served model does not read this graph.
    """
    cuts = split(snapshot, new.config)
    labels = cuts.validation.wanted(snapshot, new.config.target)
    shared = {"min_buyers": new.config.min_buyers, "target": new.config.target}
    found: list[tuple[Artefact, moment.Moment]] = []
    for model in (new, served):
        config = replace(model.config, **shared)
        past = cuts.validation.past(snapshot, announced=config.announced)
        there = moment.make(past, config, warm.scheme_for(model, history.scheme_of(past, config)))
        found.append((as_it_was(model, past, there), there))
    users = learners(found[0][1], labels)
    users = np.sort(np.random.default_rng(0).permutation(users)[:USERS])
    if not len(users):
        return None
    wanted = labels[users][:, found[0][1].state.candidates].toarray() > 0
    per_user = [np.stack(list(_ndcg(model, there.snapshot, users, wanted)), axis=1) for model, there in found]
    rng = np.random.default_rng(0)
    both = [intervals(per_user[0][row][:, None], per_user[1][row][None, :, None], rng)[0] for row in (0, 1)]
    return Comparison(served.version, both[0], both[1])


def as_it_was(model: Artefact, past: Snapshot, there: moment.Moment) -> Artefact:
    """Return the model as it would have served at an earlier moment: its weights on the graph as it was."""
    carried = warm.weights_for(model, past, model.config, there.scheme, there.state)
    return replace(
        model,
        item_ids=past.item_ids,
        category_ids=past.category_ids,
        brand_ids=past.brand_ids,
        category_parent=past.category_parent,
        item_category=past.item_category,
        scheme=there.scheme,
        state=there.state,
        weights=carried,
    )


def _ndcg(
    model: Artefact, past: Snapshot, users: np.ndarray, wanted: Bool[np.ndarray, "U P"]
) -> Iterator[Float64[np.ndarray, "2"]]:
    """Yield each user's NDCG@20 on all candidates and on those never met before; nan where nothing was wanted."""
    asked = Users(model, past)
    candidates = model.state.candidates
    for user, label in zip(users, wanted, strict=True):
        events, score = asked.history(int(user)), asked.scores(int(user))
        novel = ~np.isin(candidates, events.item[events.bought])
        values = np.full(2, np.nan)
        for row, allowed in enumerate((np.ones_like(novel), novel)):
            relevant = (label & allowed)[None]
            if relevant.any():
                hits = metrics.hits(metrics.top(np.where(allowed, score, -np.inf)[None]), relevant)
                values[row] = metrics.ndcg(hits, relevant.sum(axis=1))[0]
        yield values
