"""Which media type answers have."""

import pytest

from api.wire import EVENTS, GRAPHQL, JSON, negotiated


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL),
        ("application/json;q=0.5, application/graphql-response+json;q=0.4", JSON),
        ("application/graphql-response+json;charset=utf-8, */*;q=0.1", GRAPHQL),
        ("text/event-stream", EVENTS),
        ("text/html,application/xhtml+xml,*/*;q=0.8", JSON),
        ("text/html", None),
        ("application/json;q=0", None),
        ("application/json;q=odd", None),
        ("image/png, text/plain", None),
    ],
)
def test_the_accept_header_decides(accept: str | None, answer: str | None) -> None:
    assert negotiated(accept) == answer
