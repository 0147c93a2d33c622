"""What happens when memory ends: an error that says which setting to lower."""

from collections.abc import Generator
from contextlib import contextmanager

import torch

from gnn.config import Config
from gnn.errors import OutOfMemory

# How torch says it of memory that is not an accelerator's: a plain RuntimeError.
_SAID = ("can't allocate memory", "not enough memory", "out of memory")


@contextmanager
def watched(config: Config, device: torch.device) -> Generator[None]:
    """Turn the end of memory into `OutOfMemory`, which names the settings that need less of it."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise _error(config, device) from error
    except RuntimeError as error:
        if not any(said in str(error) for said in _SAID):
            raise
        raise _error(config, device) from error


def _error(config: Config, device: torch.device) -> OutOfMemory:
    lower = ", ".join(
        f"{name} (now {getattr(config, name)})"
        for name in ("users_per_cut", "users_per_step", "hard_negatives", "random_negatives", "neighbours")
    )
    otherwise = "" if config.batches == "sampled" else "; or set batches=sampled, which keeps no steps"
    otherwise += "" if device.type == "cpu" else "; or use --device cpu"
    return OutOfMemory(f"the memory of the {device.type} ended during training", f"Lower {lower}{otherwise}")
