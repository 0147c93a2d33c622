"""Several processes that train one model together, started by torchrun: each takes its share of every step's users.

What is shared out are users with their history and paths; the items' side lies whole in every process. Only the first
process (rank 0) may write anything.
"""

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch import distributed as dist

from gnn.errors import ModelError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Group:
    """The processes that train together, as one of them sees it; by itself it is a group of one."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def share(self, things: Sequence[T]) -> Sequence[T]:
        """Return what falls to this process: every `size`-th thing."""
        return things[self.rank :: self.size]

    def add(self, value: Tensor) -> Tensor:
        """Return the sum of every process's tensor, the same in all of them."""
        if self.size > 1:
            value = value.clone()
            dist.all_reduce(value)
        return value

    def gather(self, value: T) -> list[T]:
        """Return what every process gives, in the order of their ranks."""
        if self.size == 1:
            return [value]
        found: list[Any] = [None] * self.size
        dist.all_gather_object(found, value)
        return found

    def agree(self, value: object, what: str) -> None:
        """Raise `ModelError` where processes do not all have the same value."""
        found = self.gather(value)
        if any(other != found[0] for other in found):
            raise ModelError(f"the processes do not have the same {what}", "Start them together, on the same graph")


ALONE = Group()


@contextmanager
def joined(device: torch.device) -> Generator[Group]:
    """Join the other processes that torchrun started; without torchrun, be alone."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Group(dist.get_rank(), size)
    finally:
        dist.destroy_process_group()


def is_first() -> bool:
    """Return whether this process is the only one, or rank 0 of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def local_device(device: torch.device) -> torch.device:
    """Return this process's own accelerator where torchrun started one for each."""
    if str(device) == "cuda" and "LOCAL_RANK" in os.environ:
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return device
