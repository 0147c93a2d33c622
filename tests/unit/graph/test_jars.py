"""The jars: locked by sha256, fetched once, checked every time, never taken on trust."""

import hashlib
import http.server
import re
import threading
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from jgo.maven import MavenContext

from graph import jars
from graph.errors import ServerFailed
from graph.jars import Jar

CONTENT = b"the jar itself"
RIGHT = Jar("org.example", "thing", "1.0", "", hashlib.sha256(CONTENT).hexdigest())


class Repository(http.server.ThreadingHTTPServer):
    """A Maven repository on this machine that serves `content` for every jar, and counts."""

    content: bytes = CONTENT
    asked: int = 0


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        repository = self.server
        assert isinstance(repository, Repository)
        if not self.path.endswith(".jar"):
            self.send_error(404)
            return
        repository.asked += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(repository.content)))
        self.end_headers()
        self.wfile.write(repository.content)

    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    server = Repository(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    context = MavenContext(repo_cache=tmp_path / "cache", remote_repos={"here": address})
    monkeypatch.setattr(jars, "_context", lambda: context)
    monkeypatch.setattr(jars, "RETRY_S", 0.01)
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def silent(_: str) -> None: ...


def test_a_jar_is_fetched_once_and_then_taken_from_the_cache(repository: Repository) -> None:
    (path,) = jars.ensure([RIGHT], silent)
    assert path.read_bytes() == CONTENT
    said: list[str] = []
    assert jars.ensure([RIGHT], said.append) == [path]
    assert (repository.asked, said) == (1, [])


def test_a_torn_jar_is_fetched_again(repository: Repository) -> None:
    (path,) = jars.ensure([RIGHT], silent)
    path.write_bytes(CONTENT[:5])
    jars.ensure([RIGHT], silent)
    assert path.read_bytes() == CONTENT
    assert repository.asked == 2


def test_a_jar_that_is_not_the_locked_one_is_refused(repository: Repository) -> None:
    repository.content = b"something else"
    with pytest.raises(ServerFailed, match="not the file that was locked"):
        jars.ensure([RIGHT], silent)


def test_without_a_connection_and_a_cache_the_error_says_what_to_do(repository: Repository) -> None:
    repository.shutdown()
    repository.server_close()
    with pytest.raises(ServerFailed, match="needs a connection") as caught:
        jars.ensure([RIGHT], silent)
    assert "NEO4J_URI" in caught.value.remedy


def test_the_lock_names_neo4j_its_browser_and_graphiql_and_no_address() -> None:
    names = {(jar.group, jar.artifact) for table in (jars.NEO4J, jars.GRAPHIQL) for jar in jars.locked(table)}
    assert {
        ("org.neo4j", "neo4j"),
        ("org.neo4j.app", "neo4j-server"),
        ("org.neo4j.client", "neo4j-browser"),
        ("org.webjars.npm", "graphiql"),
        ("org.webjars.npm", "react"),
        ("org.webjars.npm", "react-dom"),
    } <= names
    assert all(re.fullmatch("[0-9a-f]{64}", jar.sha256) for jar in jars.locked(jars.NEO4J))
    assert "://" not in resources.files("graph").joinpath(jars.LOCK).read_text(encoding="utf-8")
    assert jars.neo4j_version().startswith("5.26.")


def test_graphiql_is_unpacked_whole_and_once(tmp_path: Path) -> None:
    folder = jars.graphiql_assets(tmp_path)
    names = {"graphiql.min.js", "graphiql.min.css", "react.production.min.js", "react-dom.production.min.js"}
    assert {path.name for path in folder.iterdir()} == names | {"lock"}
    assert b"GraphiQL" in (folder / "graphiql.min.js").read_bytes()
    before = (folder / "graphiql.min.js").stat().st_mtime_ns
    assert jars.graphiql_assets(tmp_path) == folder
    assert (folder / "graphiql.min.js").stat().st_mtime_ns == before
