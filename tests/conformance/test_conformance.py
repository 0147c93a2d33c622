"""The API against other people's reading of the standards: the audit, and clients and compilers from npm."""

import json
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema
from graphql.utilities import find_breaking_changes

from api.schema import SDL
from graph.client import Settings
from tests import served
from tests.conformance import packages
from tests.served import Served

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]


def test_every_requirement_and_recommendation_of_graphql_over_http_is_met(api: Served, workshop: Path) -> None:
    results: list[dict[str, str]] = json.loads(packages.run(workshop, "audit.mjs", f"{api.url}/graphql"))
    counts = {status: sum(one["status"] == status for one in results) for status in ("ok", "notice", "warn", "error")}
    print(f"\ngraphql-http audit: {len(results)} checks, {counts}")
    assert len(results) >= 60
    assert [one for one in results if one["status"] != "ok"] == []


def test_a_client_of_graphql_transport_ws_follows_a_list(api: Served, workshop: Path) -> None:
    url = f"{api.url.replace('http', 'ws')}/graphql"
    found = json.loads(packages.run(workshop, "sockets.mjs", url, "u4", "i2"))
    first, second = found["lists"]
    assert len(first) == len(second) == 20
    assert first != second
    assert found["queried"] == {"__typename": "Query"}
    assert found["refused"] == "GRAPHQL_VALIDATION_FAILED"


def test_a_client_of_server_sent_events_follows_a_list(api: Served, workshop: Path) -> None:
    found = json.loads(packages.run(workshop, "events.mjs", f"{api.url}/graphql", "u8", "i2"))
    first, second = found["lists"]
    assert len(first) == len(second) == 20
    assert first != second
    assert found["refused"] == "GRAPHQL_VALIDATION_FAILED"


def test_relay_compiles_an_app_and_its_persisted_queries_are_served(
    neo4j: Settings, models: Path, workshop: Path
) -> None:
    packages.run(workshop, "node_modules/relay-compiler/cli.js", "relay.config.json")
    generated = {path.name for path in (workshop / "relay" / "__generated__").iterdir()}
    assert {"ForYouQuery.graphql.ts", "ForYouPageQuery.graphql.ts", "ForYouItemQuery.graphql.ts"} <= generated
    manifest = workshop / "persisted.json"
    ids: dict[str, str] = {
        text.split()[1].split("(")[0]: name for name, text in json.loads(manifest.read_text()).items()
    }
    settings = served.settings(neo4j, models, documents=manifest, trusted_only=True)
    with served.serving(settings) as api:

        def ask(name: str, **variables: Any) -> Any:
            answer = api.http.post("/graphql", json={"documentId": ids[name], "variables": variables}).json()
            assert "errors" not in answer, answer
            return answer["data"]

        user = ask("ForYouQuery", user="u0")["user"]
        first = user["recommendations"]
        assert len(first["edges"]) == 10
        assert first["edges"][0]["node"]["__typename"] == "Recommendation"
        after = first["pageInfo"]["endCursor"]
        page = ask("ForYouPageQuery", id=user["id"], first=5, after=after)["node"]["recommendations"]
        assert [edge["node"]["rank"] for edge in page["edges"]] == [11, 12, 13, 14, 15]
        item = first["edges"][0]["node"]["item"]["id"]
        assert ask("ForYouItemQuery", id=item)["node"]["id"] == item


def test_generated_types_compile_and_catch_a_mistake(workshop: Path) -> None:
    packages.run(workshop, "types.mjs", "schema.graphql", "operations.graphql")
    (workshop / "tsconfig.json").write_text(
        json.dumps(
            {
                "compilerOptions": {
                    "strict": True,
                    "noEmit": True,
                    "target": "es2022",
                    "module": "nodenext",
                    "skipLibCheck": True,
                    "types": [],
                },
                "files": ["client.ts"],
            }
        )
    )
    tsc = "node_modules/typescript/bin/tsc"
    packages.run(workshop, tsc, "--project", "tsconfig.json")
    (workshop / "tsconfig.json").write_text((workshop / "tsconfig.json").read_text().replace("client.ts", "mistake.ts"))
    assert "Property 'image' does not exist" in packages.run(workshop, tsc, "--project", "tsconfig.json", code=2)


def test_nothing_that_apps_may_use_was_broken_since_the_published_schema() -> None:
    """`published.graphql` is what apps were promised: renew it with a new major version only, adding as fields come."""
    published = build_schema((packages.HERE / "published.graphql").read_text(encoding="utf-8"))
    now = build_schema(SDL.read_text(encoding="utf-8"))
    broken = [change.description for change in find_breaking_changes(published, now)]
    assert broken == []


def test_the_lock_file_names_no_host_and_pins_every_package() -> None:
    text = (packages.HERE / "package-lock.json").read_text()
    assert "://" not in text
    locked = json.loads(text)["packages"]
    assert all(one.get("integrity", "").startswith("sha512-") for name, one in locked.items() if name)
    wanted = json.loads((packages.HERE / "package.json").read_text())["dependencies"]
    assert all(locked[f"node_modules/{name}"]["version"] == version for name, version in wanted.items())
