"""NeuMF (He et al., WWW 2017): a product of embeddings beside a perceptron on two others."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor, nn

from gnn.baselines.base import Past, Range, Space
from gnn.baselines.drawing import Bought
from gnn.determinism import deterministic

_BATCH = 8192
_NEGATIVES = 4
# Pairs that the perceptron scores at a time.
_PAIRS = 500_000


class _Network(nn.Module):
    def __init__(self, U: int, P: int, width: int) -> None:
        super().__init__()
        self.user, self.item = nn.Embedding(U, 2 * width), nn.Embedding(P, 2 * width)
        for table in (self.user, self.item):
            nn.init.normal_(table.weight, std=0.05)
        self.first = nn.Linear(2 * width, width)
        self.second = nn.Linear(width, width // 2)
        self.out = nn.Linear(width + width // 2, 1)
        self.bias = nn.Embedding(P, 1)
        nn.init.zeros_(self.bias.weight)

    def forward(self, user: Tensor, item: Tensor) -> Float[Tensor, "B"]:
        x, y = self.user(user), self.item(item)
        width = x.shape[1] // 2
        deep = torch.relu(self.first(torch.cat([x[:, width:], y[:, width:]], dim=1)))
        deep = torch.relu(self.second(deep))
        both = torch.cat([x[:, :width] * y[:, :width], deep], dim=1)
        return (self.out(both) + self.bias(item)).squeeze(1)


@dataclass(eq=False)
class NeuMf:
    """Cross-entropy on what was bought and four that was not, by Adam."""

    width: int = 32
    learning_rate: float = 0.005
    weight_decay: float = 1e-6
    samples: float = 2.0
    """Millions of purchases drawn in all, negatives apart."""
    seed: int = 0

    SPACE: ClassVar[Space] = {
        "width": Range(8, 48, log=True, whole=True),
        "learning_rate": Range(0.001, 0.02, log=True),
        "weight_decay": Range(1e-8, 1e-4, log=True),
        "samples": Range(0.5, 2.5, log=True),
    }

    @deterministic()
    def fit(self, past: Past) -> None:
        """Train; without a purchase the first weights stay."""
        torch.manual_seed(self.seed)
        rng = np.random.default_rng(self.seed)
        self._network = network = _Network(past.users, len(past.candidates), self.width)
        bought = Bought.of(past)
        # A small shop's purchases are not drawn more than a hundred times each.
        draws = min(int(self.samples * 1_000_000), 100 * len(bought))
        if not draws:
            return
        # Small steps for a small shop, or there would be too few of them.
        size = min(_BATCH, len(bought))
        steps = -(-draws // size)
        optimiser = torch.optim.Adam(network.parameters(), self.learning_rate, weight_decay=self.weight_decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, self.learning_rate, total_steps=max(steps, 2))
        label = torch.cat([torch.ones(size), torch.zeros(_NEGATIVES * size)])
        for _ in range(steps):
            user, item, _unused = bought.triples(size, rng)
            users = user.repeat(1 + _NEGATIVES)
            others = torch.from_numpy(bought.negatives(users[size:].numpy(), rng))
            optimiser.zero_grad(set_to_none=True)
            loss = nn.functional.binary_cross_entropy_with_logits(network(users, torch.cat([item, others])), label)
            loss.backward()
            optimiser.step()
            schedule.step()

    @torch.no_grad()
    def score(self, users: Int64[np.ndarray, "B"]) -> Float64[np.ndarray, "B P"]:
        """Return the network's logits."""
        P = self._network.bias.num_embeddings
        items = torch.arange(P)
        at_once = max(_PAIRS // max(P, 1), 1)
        parts = [torch.zeros(0, P)]
        for low in range(0, len(users), at_once):
            block = torch.from_numpy(users[low : low + at_once])
            parts.append(self._network(block.repeat_interleave(P), items.repeat(len(block))).reshape(len(block), P))
        return torch.cat(parts).double().numpy()
