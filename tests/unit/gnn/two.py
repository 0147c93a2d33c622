"""What `test_processes.py` starts: pairs of processes that train the small shop, and save what came out.

torchrun starts a Python for each process, and importing torch takes longer than the training: here one Python imports
it, and forks. `tests/integration/test_cli_models.py` has the real torchrun.
"""

import json
import multiprocessing
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.numpy import save_file
from torch import distributed as dist

from gnn import train
from gnn.config import from_mapping
from gnn.processes import joined
from tests import snapshots


def one(rank: int, port: int, settings: Mapping[str, object], folder: Path) -> None:
    """Train as one of two, which meet as those of torchrun do: at a store of whoever started them."""
    names = {"WORLD_SIZE": "2", "RANK": str(rank), "LOCAL_RANK": str(rank), "MASTER_ADDR": "127.0.0.1"}
    names |= {"MASTER_PORT": str(port), "TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "0"}
    os.environ.update(names)
    with joined(torch.device("cpu")) as group:
        made = train.train(snapshots.of_shop(), from_mapping(settings), device="cpu", group=group)
        save_file(made.artefact.weights, folder / f"{group.rank}.safetensors")
        facts = {"size": group.size, "metrics": made.artefact.manifest.metrics}
        (folder / f"{group.rank}.json").write_text(json.dumps(facts))


def main() -> None:
    """Train with the settings under each name of the command line, into the folder of that name."""
    torch.set_num_threads(1)
    fork = multiprocessing.get_context("fork")
    for name, settings in json.loads(sys.argv[1]).items():
        folder = Path(sys.argv[2]) / name
        folder.mkdir()
        store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)  # pyright: ignore[reportPrivateImportUsage]
        two = [fork.Process(target=one, args=(rank, store.port, settings, folder)) for rank in (0, 1)]
        for process in two:
            process.start()
        for process in two:
            process.join()
        if any(process.exitcode for process in two):
            sys.exit(f"{name} failed")


if __name__ == "__main__":
    main()
