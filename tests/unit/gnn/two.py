"""What each of two processes runs in `test_processes.py`: train the small shop, and save what came out."""

import json
import os
import sys
from pathlib import Path

import torch
from safetensors.numpy import save_file

from gnn import train
from gnn.config import from_mapping
from gnn.processes import joined
from tests import snapshots


def main() -> None:
    """Train with the settings and into the folder of the command line."""
    torch.set_num_threads(1)
    settings, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
    with joined(torch.device("cpu")) as group:
        made = train.train(snapshots.of_shop(), from_mapping(settings), device="cpu", group=group)
        save_file(made.artefact.weights, folder / f"{group.rank}.safetensors")
        facts = {
            "size": group.size,
            "metrics": made.artefact.manifest.metrics,
            "loss": [e.loss for e in made.curve],
            "env": os.environ.get("LOCAL_RANK"),
        }
        (folder / f"{group.rank}.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main()
