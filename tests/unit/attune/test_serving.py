"""What `attune serve` sets up before anything is imported."""

import os
import subprocess
import sys

CODE = """
from attune import serving

def count(*given, **named):
    import numpy, threadpoolctl
    print([pool["num_threads"] for pool in threadpoolctl.threadpool_info()])

serving._serve = count
serving.serve("127.0.0.1", 0)
"""


def test_a_server_computes_with_one_thread():
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=True)
    assert set(done.stdout.strip()) - set("[], \n") == {"1"}
