"""Writes `neo4j.lock.toml` anew: `python -m graph.relock`. For maintainers; nothing else calls it."""

from importlib import resources
from pathlib import Path

from jgo.maven import MavenContext, PythonResolver

from graph.disk import sha256
from graph.jars import GRAPHIQL, LOCK, NEO4J

# Neo4j 5.26 is the LTS. The Browser is GPL-3: fetched by each user, never redistributed.
ROOTS = {
    NEO4J: (
        "org.neo4j:neo4j:5.26.30",
        "org.neo4j.app:neo4j-server:5.26.30",
        "org.neo4j.client:neo4j-browser:5.24.0",
    ),
    # The last GraphiQL on Maven Central that has a UMD build, and the React that it stands on.
    GRAPHIQL: (
        "org.webjars.npm:graphiql:2.4.7",
        "org.webjars.npm:react:18.3.1",
        "org.webjars.npm:react-dom:18.3.1",
    ),
}


def resolve(roots: tuple[str, ...], *, transitive: bool) -> dict[str, str]:
    """Return coordinate -> sha256 of everything that the roots need at run time."""
    context = MavenContext(resolver=PythonResolver(), timeout=30)
    wanted = [context.create_dependency(root) for root in roots]
    inputs, below = context.resolver.resolve(wanted) if transitive else (wanted, [])
    found: dict[str, str] = {}
    for dependency in (*inputs, *(one for one in below if one.scope in ("compile", "runtime"))):
        artifact = dependency.artifact
        if artifact.packaging != "jar":
            continue
        parts = (artifact.groupId, artifact.artifactId, artifact.version, artifact.classifier)
        found[":".join(filter(None, parts))] = sha256(artifact.resolve())
    return dict(sorted(found.items()))


def main() -> None:
    """Resolve, hash and write."""
    lines = ["# Written by `python -m graph.relock`: Maven coordinates and the sha256 of each jar, no addresses."]
    for table, roots in ROOTS.items():
        jars = resolve(roots, transitive=table == NEO4J)
        lines += ["", f"[{table}]", *(f'"{coordinate}" = "{sha256}"' for coordinate, sha256 in jars.items())]
    target = Path(str(resources.files("graph").joinpath(LOCK)))
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
