"""An optional package that is left out of an import is there for everybody else."""

import subprocess
import sys

import pytest

from graph.absent import absent


def ran(program: str) -> str:
    """Return what a Python of its own printed."""
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("package", ["pandas", "pyarrow"])
def test_the_client_comes_without_it_and_it_comes_after_the_client(package: str) -> None:
    program = f"import sys, graph.client; print({package!r} in sys.modules); import {package} as it; print(it.__name__)"
    assert ran(program) == f"False\n{package}\n"


def test_what_was_imported_before_stays() -> None:
    assert ran("import pandas, graph.client, sys; print(sys.modules['pandas'] is pandas)") == "True\n"


def test_in_the_block_it_is_not_found_and_after_an_error_it_is_found_again() -> None:
    before = sys.modules.pop("wave", None)
    try:
        with pytest.raises(ModuleNotFoundError), absent("wave"):
            import wave
        import wave

        assert wave.__name__ == "wave"
    finally:
        if before:
            sys.modules["wave"] = before
