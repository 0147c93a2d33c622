"""Cost of our attention from 0.5 to 20 million edges: prints a table, and draws `docs/images/scaling.svg`.

`python -m tests.bench.scaling [OUT.svg [LARGEST_MILLION]]`; also run, up to 2 million, by `make bench`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.bench.report import show

MILLIONS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""Edges; users and items grow with them, 50 edges a user."""

NAME = "attune as GATv2Conv"


def measure(millions: float) -> dict[str, float]:
    """Return processor seconds and MiB of one forward and backward pass, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.bench.attention_layer", NAME, str(int(millions * 1e6))],
        capture_output=True,
        text=True,
        timeout=1800,
        check=True,
        # Threads that wait must not count as work, nor take what a busy machine has left.
        env=os.environ | {"OMP_WAIT_POLICY": "passive"},
    )
    return json.loads(done.stdout.splitlines()[-1])


def main(out: Path, largest: float) -> None:
    """Measure up to so many million edges and draw."""
    from matplotlib.figure import Figure

    sizes = [size for size in MILLIONS if size <= largest]
    found = [measure(size) for size in sizes]
    rows = [
        (f"{size} million", f["cpu_seconds"], f["cpu_seconds"] / size, f["peak_mb"], f["peak_mb"] / size)
        for size, f in zip(sizes, found, strict=True)
    ]
    show(
        "Attention, forward and backward, 64 wide, 4 heads, degrees by a power law",
        ("edges", "processor s", "a million", "peak MB", "a million"),
        rows,
    )
    figure = Figure(figsize=(6.5, 3.2), layout="constrained")
    seconds, memory = figure.subplots(1, 2)
    for axes, values, label in (
        (seconds, [f["cpu_seconds"] for f in found], "processor seconds a step"),
        (memory, [f["peak_mb"] / 1024 for f in found], "peak memory, GiB"),
    ):
        axes.loglog(sizes, values, "o-", color="#2f6f6f", label="measured")
        axes.loglog(sizes, [values[-1] * size / sizes[-1] for size in sizes], "--", color="#999999", label="linear")
        axes.set_xlabel("million edges")
        axes.set_ylabel(label)
        axes.legend(frameon=False)
    figure.savefig(out)


if __name__ == "__main__":
    main(
        Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images/scaling.svg"),
        float(sys.argv[2]) if len(sys.argv) > 2 else MILLIONS[-1],
    )
