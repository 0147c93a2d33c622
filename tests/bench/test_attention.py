"""The network's attention beside the stock layers of PyTorch Geometric, in one run."""

import json
import subprocess
import sys

import pytest

from tests.bench.report import show

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1200)]

OURS = ("attune content", "attune context", "attune self", "attune all three")
STOCK = ("GATConv", "GATv2Conv", "HGTConv")


def measure(name: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.bench.attention_layer", name],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_attention_layer_against_stock_layers():
    found = {name: measure(name) for name in (*OURS, *STOCK)}
    base = found["attune all three"]
    rows = [
        (name, f["seconds"], f["seconds"] / base["seconds"], f["peak_mb"], f["peak_mb"] / base["peak_mb"])
        for name, f in found.items()
    ]
    show(
        "Attention over 1 million edges, 64 wide, forward and backward (ours ends in attention weights [E, 4], which "
        "sparse products carry on; the stock layers end in messages [U, 64])",
        ("layer", "s a step", "x all three", "peak MB", "x all three"),
        rows,
    )
    assert all(figures["seconds"] > 0 for figures in found.values())
