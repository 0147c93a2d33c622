"""The same seed on the same machine gives the same bytes, however busy the machine is."""

from collections.abc import Generator
from contextlib import contextmanager

import torch


@contextmanager
def deterministic() -> Generator[None]:
    """Let torch add up in one order; by default the gradient of a look-up adds in the order in which threads finish.

    Where a device has no such algorithm torch warns, and the run goes on.
    """
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
