"""Hints for caches: who may keep an answer, and for how long."""

import re

import pytest

from api import caching, schema
from api.permissions import RULES


def test_every_hint_is_of_a_field_and_every_entry_of_the_graph_has_one() -> None:
    assert set(caching.HINTS) <= set(RULES)
    assert {name for name in RULES if name.startswith("Query.")} <= set(caching.HINTS)


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ("Query.item Item.title", "public, max-age=300"),
        ("Query.item Item.title Item.price", "public, max-age=30"),
        ("Query.item Item.title Item.similar SimilarItemConnection.nodes", "public, max-age=60"),
        ("Query.popular Query.category Category.name", "public, max-age=60"),
        ("Query.user User.externalId", "private, no-cache"),
        ("Query.item Item.title Query.user User.recommendations", "private, no-cache"),
        ("Query.category Category.audience", "private, no-cache"),
        ("Mutation.recordEvents RecordEventsPayload.recorded", "no-store"),
        ("", "private, no-cache"),
    ],
)
def test_the_least_over_the_fields_counts(fields: str, kept: str) -> None:
    assert caching.policy(fields.split()) == kept


def test_nothing_that_leads_to_a_user_is_for_all() -> None:
    """Whatever the schema leads from an entry to a user by, the entry or the way is the caller's alone."""
    leads: dict[str, list[tuple[str, str]]] = {}
    for kind, body in re.findall(r"^type (\w+)[^{]*\{(.*?)^\}", schema.SDL.read_text(), re.MULTILINE | re.DOTALL):
        leads[kind] = re.findall(r"^  (\w+)(?:\([^)]*\))?: \[?(\w+)", body, re.MULTILINE)

    def shared(kind: str, seen: frozenset[str]) -> set[str]:
        found = {kind}
        for name, inner in leads.get(kind, []):
            hint = caching.HINTS.get(f"{kind}.{name}")
            if inner not in seen and (hint is None or hint.shared):
                found |= shared(inner, seen | {inner})
        return found

    reached = shared("Query", frozenset({"Query"}))
    assert {"Item", "Category", "Brand", "Model", "DemandedItem"} <= reached
    assert not reached & {"User", "Basket", "Recommendation", "Explanation", "AudienceMember", "Node"}
