"""How much of everything the graph holds."""

import pytest

from graph import census, write
from graph.client import Client

pytestmark = pytest.mark.integration

TYPES = ("view", "dismiss", "dismiss", "not_interested", "wishlist")


@pytest.fixture
def held(client: Client) -> Client:
    write.users(client, [{"id": "u"}])
    write.items(client, [{"id": "i"}])
    events = [
        {"event_id": str(n), "user_id": "u", "item_id": "i", "type": type_, "at": n} for n, type_ in enumerate(TYPES)
    ]
    assert write.events(client, events).created == len(TYPES)
    return client


def test_events_are_counted_by_their_own_type(held: Client) -> None:
    found = census.census(held)
    assert found.events == {"view": 1, "dismiss": 2, "not_interested": 1, "wishlist": 1}
    assert (found.users, found.items, found.total_events) == (1, 1, len(TYPES))


def test_where_the_shops_own_types_are_too_many_to_look_at_each_they_are_counted_together(
    held: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "OWN", 3)
    found = census.census(held)
    assert found.events == {"view": 1, "other": 4}
    assert found.total_events == len(TYPES)


def test_an_empty_graph_holds_nothing(client: Client) -> None:
    assert census.census(client) == census.Census(users=0, items=0, categories=0, brands=0, events={})
