"""How attention (the channels a) and purchase power (p) meet in a score: three kinds, and semantic attention beside."""

import torch
from torch import Tensor, nn

from gnn.channels import SQUASHED
from gnn.weights import GATE_INPUTS


class SumFusion(nn.Module):
    """Weighted sum: w_A . a + w_P . p."""

    def __init__(self, channels: int, price_terms: int) -> None:
        super().__init__()
        self.gates = nn.Parameter(torch.empty(channels, 1))
        self.price = nn.Parameter(torch.empty(price_terms))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Close every gate; `gnn.weights.initial` opens the ones to start from."""
        nn.init.zeros_(self.gates)
        nn.init.zeros_(self.price)

    def forward(self, a: Tensor, p: Tensor, terms: Tensor) -> Tensor:
        """Return scores [B] of pairs from channels a [B, C], gate inputs p [B, P] and price terms [B, T]."""
        return a @ self.gates[:, 0] + terms @ self.price

    def extra_repr(self) -> str:
        """Name the sizes."""
        return f"channels={self.gates.shape[0]}"


class BilinearFusion(nn.Module):
    """a' X p: the weight of every channel is a linear function of p, so the score stays a sum over paths."""

    def __init__(self, channels: int, price_terms: int) -> None:
        super().__init__()
        self.gates = nn.Parameter(torch.empty(channels, len(GATE_INPUTS)))
        self.price = nn.Parameter(torch.empty(price_terms))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Close every gate; `gnn.weights.initial` opens the ones to start from."""
        nn.init.zeros_(self.gates)
        nn.init.zeros_(self.price)

    def forward(self, a: Tensor, p: Tensor, terms: Tensor) -> Tensor:
        """Return scores [B] of pairs from channels a [B, C], gate inputs p [B, P] and price terms [B, T]."""
        return ((a @ self.gates) * p).sum(dim=-1) + terms @ self.price

    def extra_repr(self) -> str:
        """Name the sizes."""
        return f"channels={self.gates.shape[0]}, inputs={self.gates.shape[1]}"


class ConcatFusion(nn.Module):
    """An MLP on [a || p] beside the weighted sum: not a sum over paths, so it is compared, never served."""

    def __init__(self, channels: int, price_terms: int, width: int) -> None:
        super().__init__()
        self.gates = nn.Parameter(torch.empty(channels, len(GATE_INPUTS)))
        self.price = nn.Parameter(torch.empty(price_terms))
        self.lift = nn.Linear(channels + len(GATE_INPUTS), 2 * width)
        self.head = nn.Linear(2 * width, 1, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the hidden layer; its reading starts at zero."""
        nn.init.zeros_(self.gates)
        nn.init.zeros_(self.price)
        nn.init.xavier_uniform_(self.lift.weight)
        nn.init.zeros_(self.lift.bias)
        nn.init.zeros_(self.head.weight)

    def forward(self, a: Tensor, p: Tensor, terms: Tensor) -> Tensor:
        """Return scores [B] of pairs from channels a [B, C], gate inputs p [B, P] and price terms [B, T]."""
        hidden = torch.relu(self.lift(torch.cat([a, p], dim=-1)))
        return self.head(hidden)[:, 0] + a @ self.gates[:, 0]


class SemanticAttention(nn.Module):
    """What every channel weighs for one user and item, seen from all of them (after HAN, Wang et al., WWW 2019).

    HAN weighs metapaths alike for everybody; here the weight g(z) is a small network of the squashed channels z of the
    pair. It multiplies channels that are sums over paths, so the score stays a sum over paths however g bends.
    """

    seen: Tensor

    def __init__(self, channels: int, seen: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.register_buffer("seen", torch.tensor(seen, dtype=torch.long), persistent=False)
        self.lift = nn.Linear(len(seen), width)
        self.hidden = nn.Linear(width, width)
        self.head = nn.Linear(width, channels, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the hidden layers; their reading starts at zero, which leaves the fusion's own weights."""
        for layer in (self.lift, self.hidden):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.head.weight)

    def forward(self, a: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        """Return what the pairs' channels a [B, C] add to the scores [B]: g(z) . a.

        `mean` and `scale` [C] centre the squashed channels of the moment.
        """
        z = a[:, self.seen]
        z = z.sign() * (z.abs().clamp(1e-12, SQUASHED**2)).sqrt()
        z = (z - mean[self.seen]) * scale[self.seen]
        return (self.head(torch.relu(self.hidden(torch.relu(self.lift(z))))) * a).sum(dim=-1)

    def extra_repr(self) -> str:
        """Name the sizes."""
        return f"seen={len(self.seen)}"


def make(kind: str, channels: int, price_terms: int, width: int) -> SumFusion | BilinearFusion | ConcatFusion:
    """Return the fusion of this kind, as `Config.fusion` names it."""
    if kind == "sum":
        return SumFusion(channels, price_terms)
    if kind == "bilinear":
        return BilinearFusion(channels, price_terms)
    return ConcatFusion(channels, price_terms, width)
