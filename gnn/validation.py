"""Ranks everything for some users after every pass, so that the right one is kept."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float64, Int64

from gnn import hetero_data, metrics
from gnn.config import Config
from gnn.model import Network, Tables
from gnn.moment import Moment
from gnn.pairs import Block, block
from gnn.processes import ALONE, Group
from gnn.selection import Validation

# Pairs that one block scores at a time, and pairs in all: bounds on memory.
_PAIRS_PER_BLOCK = 100_000
_PAIRS = 5_000_000

Score = Callable[[Int64[np.ndarray, "B"]], Float64[np.ndarray, "B P"]]
"""Rows of users -> scores of all candidates, higher is better."""


@dataclass(frozen=True, slots=True)
class Validator:
    """Users of the validation period with all candidates laid out."""

    tables: Tables
    blocks: tuple[Block, ...]
    candidates: int
    users: int
    """How many users are ranked for, over all processes."""
    group: Group = ALONE

    @staticmethod
    def make(
        moment: Moment,
        labels: sp.csr_matrix,
        config: Config,
        rng: np.random.Generator,
        device: torch.device,
        group: Group = ALONE,
    ) -> "Validator":
        """Draw users who bought a candidate in the period, and lay out everything that could be recommended to them."""
        P = len(moment.state.candidates)
        users = learners(moment, labels)
        most = min(config.validation_users, max(_PAIRS // max(P, 1), 1))
        users = np.sort(rng.permutation(users)[:most])
        per_block = max(_PAIRS_PER_BLOCK // max(P, 1), 1)
        ranked = [users[low : low + per_block] for low in range(0, len(users), per_block)]
        return Validator(
            tables=Tables.of(hetero_data.build(moment), device),
            blocks=tuple(block(moment, part, None, labels).to(device) for part in group.share(ranked)),
            candidates=P,
            users=len(users),
            group=group,
        )

    @torch.no_grad()
    def measure(self, network: Network) -> Validation:
        """Return NDCG and recall over all candidates, for everything and for what was new to the user."""
        network.eval()
        return self._measured(lambda part: network(self.tables, part).double().cpu().numpy())

    def beside(self, score: Score) -> dict[str, float]:
        """Return the same for another method, which is asked for its scores by rows of users."""
        return self._measured(lambda part: score(part.users.cpu().numpy())).metrics

    def _measured(self, scored: Callable[[Block], np.ndarray]) -> Validation:
        blocks: list[dict[str, np.ndarray]] = []
        for part in self.blocks:
            found: dict[str, np.ndarray] = {}
            score = scored(part).reshape(-1, self.candidates)
            label = part.label.cpu().numpy().reshape(score.shape) > 0
            novel = part.novel.cpu().numpy().reshape(score.shape) > 0
            for slice_name, allowed in (("all", np.ones_like(novel)), ("novel", novel)):
                relevant = label & allowed
                size = relevant.sum(axis=1)
                hit = metrics.hits(metrics.top(np.where(allowed, score, -np.inf)), relevant)
                known = (("ndcg20", metrics.ndcg(hit, size)), ("recall20", metrics.recall(hit, size)))
                found |= {f"{metric}_{slice_name}": np.where(size > 0, values, np.nan) for metric, values in known}
            blocks.append(found)
        shares = self.group.gather(blocks)
        # In the order of the users, as one process has them: a mean depends on it in its last digits.
        whole = [shares[k % len(shares)][k // len(shares)] for k in range(sum(map(len, shares)))]
        return Validation({name: np.concatenate([part[name] for part in whole]) for name in whole[0]} if whole else {})


def learners(moment: Moment, labels: sp.csr_matrix) -> np.ndarray:
    """Return the users with a history before the cut and a candidate bought after it, ascending."""
    met = np.bincount(moment.edges.user, minlength=len(moment.x_user)) > 0
    wanted = np.asarray(labels[:, moment.state.candidates].sum(axis=1)).ravel() > 0
    return np.flatnonzero(met & wanted)
