"""The small shop loaded, a first model on it, the API served over real HTTP: what API and browser tests stand on."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from api.app import ApiSettings, App, create_app
from api.serve import Server, listen
from api.writes import Writes
from attune import derive
from gnn import artefact, untrained
from gnn.registry import Registry
from graph import schema, snapshot, write
from graph.client import Client, Settings
from tests import shop as shops

_PATIENCE_S = 60.0


def load_shop(client: Client, shop: shops.Shop) -> None:
    """Put the small shop into an emptied graph."""
    write.wipe(client)
    schema.migrate(client)
    write.categories(client, [{"id": name} for name in shops.CATEGORIES])
    write.brands(client, [{"id": name} for name in shops.BRANDS])
    write.items(
        client, [{"id": row["item_id"], **{k: v for k, v in row.items() if k != "item_id"}} for row in shop.items]
    )
    write.attributes(
        client,
        {
            "income": {"kind": "ordinal", "order": ["low", "high"]},
            "age": {"kind": "numeric"},
            "city": {"kind": "categorical"},
        },
    )
    users = [{"id": row["user_id"], **{f"attr_{k}": v for k, v in row.items() if k != "user_id"}} for row in shop.users]
    write.users(client, users)
    write.events(client, shop.events)


def first_model(client: Client, models: Path, metrics: dict[str, dict[str, float]] | None = None) -> str:
    """Build a model without training on what the graph holds, promote it, and return its version."""
    found = snapshot.read(client)
    derive.write_derived(client, found)
    made = untrained.build(found)
    made = replace(made, manifest=replace(made.manifest, metrics=metrics or {}))
    version = artefact.save(made, models).name
    Registry(models).promote(version)
    return version


@dataclass(frozen=True, slots=True)
class Served:
    """A running API."""

    url: str
    app: App
    http: httpx.Client

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Run a query that must succeed and return its data."""
        answer = self.http.post("/graphql", json={"query": query, "variables": variables}).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def refused(self, query: str, **variables: Any) -> dict[str, Any]:
        """Run a query that must give exactly one error and return it."""
        answer = self.http.post("/graphql", json={"query": query, "variables": variables}).json()
        assert len(answer.get("errors", ())) == 1, answer
        return answer["errors"][0]


def statements(api: Served, work: Callable[[], object]) -> int:
    """Return how many statements are sent to the database when nothing that was answered before is given again.

    The least of three times: once a second some request looks for new items as well, and that is none of its own.
    """
    costs: list[int] = []
    for _ in range(3):
        api.app.recommender.answers.forget()
        before = api.app.recommender.graph.queries
        work()
        costs.append(api.app.recommender.graph.queries - before)
    return min(costs)


@contextmanager
def serving(settings: ApiSettings, writes: Writes | None = None) -> Generator[Served]:
    """Serve in a thread on a free port of this machine. `writes`: shared with others who serve."""
    app = create_app(settings, writes)
    listening = listen("127.0.0.1", 0)
    server = Server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        with httpx.Client(base_url=url, timeout=30) as http:
            _until_alive(http, thread)
            yield Served(url, app, http)
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the server did not stop"


def _until_alive(http: httpx.Client, thread: threading.Thread) -> None:
    # The socket listens already: the first request waits in its queue until the server accepts it.
    assert http.get("/healthz").status_code == 200
    assert thread.is_alive()


def settings(neo4j: Settings, models: Path, **changes: Any) -> ApiSettings:
    """Return settings for tests."""
    return ApiSettings(neo4j=neo4j, models=models, **changes)


def until(true: Callable[[], bool]) -> None:
    """Wait until something is true; fail when it does not become so within a minute, however busy the machine is."""
    end = time.monotonic() + _PATIENCE_S
    while not true():
        assert time.monotonic() < end, f"not within {_PATIENCE_S} s"
        time.sleep(0.05)
