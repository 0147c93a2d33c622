"""How much of everything the graph holds, from Neo4j's count store: about the same time, however large the graph is.

The count store knows relationships by their type, and the shop's own event types share one: up to `OWN` such events are
counted one by one.
"""

from dataclasses import dataclass
from typing import Any, LiteralString, Protocol

_CENSUS: LiteralString = """
CALL () { MATCH (n:User) RETURN count(n) AS users }
CALL () { MATCH (n:Item) RETURN count(n) AS items }
CALL () { MATCH (n:Category) RETURN count(n) AS categories }
CALL () { MATCH (n:Brand) RETURN count(n) AS brands }
CALL () { MATCH ()-[r:VIEWED]->() RETURN count(r) AS view }
CALL () { MATCH ()-[r:CLICKED]->() RETURN count(r) AS click }
CALL () { MATCH ()-[r:SEARCHED]->() RETURN count(r) AS search }
CALL () { MATCH ()-[r:CARTED]->() RETURN count(r) AS cart }
CALL () { MATCH ()-[r:RATED]->() RETURN count(r) AS rate }
CALL () { MATCH ()-[r:EXPOSED_TO]->() RETURN count(r) AS exposure }
CALL () { MATCH ()-[r:RECEIVED_COUPON]->() RETURN count(r) AS coupon }
CALL () { MATCH ()-[r:PURCHASED]->() RETURN count(r) AS purchase }
CALL () { MATCH ()-[r:RETURNED]->() RETURN count(r) AS `return` }
CALL () { MATCH ()-[r:INTERACTED]->() RETURN count(r) AS other }
RETURN users, items, categories, brands,
       {view: view, click: click, search: search, cart: cart, rate: rate, exposure: exposure, coupon: coupon,
        purchase: purchase, `return`: `return`, other: other} AS events
"""
_OWN: LiteralString = "MATCH ()-[r:INTERACTED]->() RETURN r.type AS type, count(r) AS events ORDER BY type"

OWN = 1_000_000
"""Most events of the shop's own types that are told apart; so many take a second."""


class Reads(Protocol):
    """What the census needs of a client: `graph.client.Client` is one."""

    def read(
        self, query: LiteralString, /, *, timeout_s: float | None = None, **params: object
    ) -> list[dict[str, Any]]:
        """Run one reading statement and return its rows."""
        ...


@dataclass(frozen=True, slots=True)
class Census:
    """Counts of nodes, and of events by type; of more than `OWN` the shop's own types are one, `other`."""

    users: int
    items: int
    categories: int
    brands: int
    events: dict[str, int]
    """Only the types that occur."""

    @property
    def total_events(self) -> int:
        """Events of every type."""
        return sum(self.events.values())


def census(client: Reads) -> Census:
    """Count what the graph holds. Raises the errors of `graph.client`."""
    (row,) = client.read(_CENSUS)
    events: dict[str, int] = {type_: count for type_, count in row["events"].items() if count}
    if 0 < events.get("other", 0) <= OWN:
        del events["other"]
        events |= {own["type"]: own["events"] for own in client.read(_OWN)}
    return Census(
        users=row["users"],
        items=row["items"],
        categories=row["categories"],
        brands=row["brands"],
        events=events,
    )
