"""How attention (the channels a) and purchase power (p) meet in a score: three kinds."""

import torch
from torch import Tensor, nn

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


def make(kind: str, channels: int, price_terms: int, width: int) -> SumFusion | BilinearFusion | ConcatFusion:
    """Return the fusion of this kind, as `Config.fusion` names it."""
    if kind == "sum":
        return SumFusion(channels, price_terms)
    if kind == "bilinear":
        return BilinearFusion(channels, price_terms)
    return ConcatFusion(channels, price_terms, width)
