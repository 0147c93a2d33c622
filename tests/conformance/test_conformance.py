"""The API against other people's reading of the standards: the audit, and clients and compilers from npm."""

import json
from pathlib import Path
from typing import Any

import pytest

from api.schema import SDL
from graph.client import Settings
from tests import served
from tests.conformance import evolution, packages
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
    """`published.graphql` is what apps were promised; see "what may change" on docs/api.md before you renew it."""
    assert evolution.broken(evolution.PUBLISHED.read_text(encoding="utf-8"), SDL.read_text(encoding="utf-8")) == []


def test_whatever_is_deprecated_says_what_to_use_instead() -> None:
    for text in (evolution.PUBLISHED, SDL):
        assert evolution.unexplained(text.read_text(encoding="utf-8")) == []


_OLD = """
type Query { list: [String!]! rows(first: Int, old: Int @deprecated(reason: "Use first.")): Rows sort: Sort
  gone: Gone @deprecated(reason: "Use list.") }
type Rows { a: Int b: Int @deprecated(reason: "Use a.") }
type Gone { x: Int }
enum Sort { UP DOWN @deprecated(reason: "Use UP.") }
"""


@pytest.mark.parametrize(
    ("old", "new", "broken"),
    [
        ('gone: Gone @deprecated(reason: "Use list.") }\n', "}\n", 0),
        (' b: Int @deprecated(reason: "Use a.")', "", 0),
        (' DOWN @deprecated(reason: "Use UP.")', "", 0),
        (', old: Int @deprecated(reason: "Use first.")', "", 0),
        ("list: [String!]! ", "", 1),
        ("list: [String!]!", "list: [String!]", 1),
        ("enum Sort { UP", "enum Sort {", 1),
        ("first: Int,", "", 1),
        ("first: Int,", "first: Int!,", 1),
        ("a: Int ", "a: Int more: Int ", 0),
    ],
)
def test_only_what_was_deprecated_in_the_published_schema_may_go(old: str, new: str, broken: int) -> None:
    assert old in _OLD
    assert len(evolution.broken(_OLD, _OLD.replace(old, new))) == broken


def test_the_lock_file_names_no_host_and_pins_every_package() -> None:
    text = (packages.HERE / "package-lock.json").read_text()
    assert "://" not in text
    locked = json.loads(text)["packages"]
    assert all(one.get("integrity", "").startswith("sha512-") for name, one in locked.items() if name)
    wanted = json.loads((packages.HERE / "package.json").read_text())["dependencies"]
    assert all(locked[f"node_modules/{name}"]["version"] == version for name, version in wanted.items())
