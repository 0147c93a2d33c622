"""What training minimises: cross-entropy on sampled negatives, a softmax over them, or a mix of both."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.utils import scatter

from gnn.config import Config
from gnn.pairs import Block
from gnn.weights import USER_GATES


@dataclass(frozen=True, slots=True)
class Whole:
    """How many users a step asks about, over all processes."""

    users: int
    bought: int
    """Users with something to find."""
    novel: int
    """Users with something new to find."""


def count(block: Block) -> Tensor:
    """Return the three numbers of `Whole` for one block, so that they can be added up."""
    users = len(block.x_user)
    bought, novel = (
        (scatter(marked, block.pair_user, dim_size=users, reduce="sum") > 0).sum()
        for marked in (block.label, block.label * block.novel)
    )
    return torch.stack([torch.full_like(bought, users), bought, novel])


class NextPeriodLoss(nn.Module):
    """Compares scores with what was bought in the period after the cut.

    `bce`: binary cross-entropy over the pool of each user; `softmax`: InfoNCE over the pool, and once more over what
    is new to the user; `mix`: bce plus the softmax over what is new. An offset by user, which can never change a
    ranking, belongs to the loss alone and is thrown away with it: with it, scores are log-odds.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.offset = nn.Linear(USER_GATES, 1)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start where few of the things on offer are bought."""
        nn.init.zeros_(self.offset.weight)
        nn.init.constant_(self.offset.bias, -7.0)

    def forward(self, score: Tensor, block: Block, whole: Whole | None = None) -> Tensor:
        """Return the loss of a block's scores [B]; a mean over users, so that heavy buyers do not rule.

        Where the block is one process's share of a step, `whole` says of how many users: shares then add up to it.
        """
        users = len(block.x_user)
        if self.config.loss == "softmax":
            everything = torch.ones_like(block.novel)
            among_all = self._contrast(score, block, everything, users, whole and whole.bought)
            return 0.5 * (among_all + self._contrast(score, block, block.novel, users, whole and whole.novel))
        logit = score + self.offset(block.p_user)[block.pair_user, 0]
        bce = block.weight * functional.binary_cross_entropy_with_logits(logit, block.label, reduction="none")
        wanted = scatter(block.label, block.pair_user, dim_size=users, reduce="sum")
        per_user = scatter(bce, block.pair_user, dim_size=users, reduce="sum") / wanted.clamp_min(1)
        loss = per_user.mean() if whole is None else per_user.sum() / whole.users
        if self.config.loss == "mix":
            weight = self.config.softmax_weight
            loss = (1 - weight) * loss + weight * self._contrast(
                score, block, block.novel, users, whole and whole.novel
            )
        return loss

    def _contrast(self, score: Tensor, block: Block, among: Tensor, users: int, asked: int | None) -> Tensor:
        """Return the mean over users of -log softmax of their positives, among the pairs marked 1.

        Drawn items stand for many: the logarithm of how many corrects their logits (sampled softmax).
        """
        logit = score / self.config.temperature + block.weight.log()
        logit = torch.where(among > 0, logit, torch.full_like(logit, -1e4))
        highest = scatter(logit.detach(), block.pair_user, dim_size=users, reduce="max")
        mass = scatter((logit - highest[block.pair_user]).exp(), block.pair_user, dim_size=users, reduce="sum")
        log_p = logit - (mass.log() + highest)[block.pair_user]
        positive = block.label * among
        hits = scatter(positive, block.pair_user, dim_size=users, reduce="sum")
        per_user = -scatter(positive * log_p, block.pair_user, dim_size=users, reduce="sum") / hits.clamp_min(1)
        return per_user.sum() / ((hits > 0).sum().clamp_min(1) if asked is None else max(asked, 1))

    def extra_repr(self) -> str:
        """Name the loss."""
        return f"loss={self.config.loss}"
