"""graphql-transport-ws: every message is checked before it is worked on."""

from typing import TYPE_CHECKING, Any, cast

from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import SubscribeMessage

from api.context import Context
from api.errors import Code, Refused

if TYPE_CHECKING:
    from api.http import GraphQLView


class SocketHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """One WebSocket connection."""

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        """Begin an operation: one that is known, by a caller who has not asked too often."""
        given = cast("dict[str, Any]", message)
        name, payload = given.get("id"), given.get("payload")
        if not isinstance(name, str) or not isinstance(payload, dict) or not _well_formed(payload):  # pyright: ignore[reportUnknownArgumentType]
            await self.handle_invalid_message("`subscribe` needs an id and a payload with a query")
            return
        payload = cast("dict[str, Any]", payload)
        if not self.connection_acknowledged:
            await super().handle_subscribe(message)  # which closes the connection
            return
        view = cast("GraphQLView", self.view)
        try:
            if wait := view.wait_s(self.context.identity):
                raise Refused(Code.RATE_LIMITED, "Too many operations with these credentials.", retryAfter=wait)
            text = view.trusted.text(payload)
            if not text:
                raise Refused(Code.BAD_REQUEST, "There is no `query`.")
        except Refused as refused:
            view.count(refused)
            await self.send_message({"id": name, "type": "error", "payload": [refused.formatted]})
            return
        known = cast("SubscribeMessage", given | {"payload": payload | {"query": text}})
        await super().handle_subscribe(known)


def _well_formed(payload: dict[str, Any]) -> bool:
    return (
        isinstance(payload.get("query"), str | None)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("operationName"), str | None)
        and isinstance(payload.get("extensions"), dict | None)
    )
