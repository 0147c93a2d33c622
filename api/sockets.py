"""graphql-transport-ws: every message is checked before it is worked on."""

from typing import TYPE_CHECKING, Any, cast

from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import CompleteMessage, Message, SubscribeMessage

from api.context import Context
from api.errors import Code, Refused
from api.trusted import NO_QUERY

if TYPE_CHECKING:
    from api.http import GraphQLView


class SocketHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """One WebSocket connection."""

    async def handle_message(self, message: Message) -> None:
        """Take a message that is an object; null stands for a payload that was left out."""
        given = cast("object", message)
        if not isinstance(given, dict):
            await self.handle_invalid_message("A message must be a JSON object with a `type`")
            return
        given = cast("dict[str, Any]", given)
        if given.get("type") == "connection_init" and given.get("payload", {}) is None:
            given = {"type": "connection_init"}
        await super().handle_message(cast("Message", given))

    async def handle_complete(self, message: CompleteMessage) -> None:
        """End an operation."""
        if not isinstance(message["id"], str):  # pyright: ignore[reportUnnecessaryIsInstance]
            await self.handle_invalid_message("`complete` needs an id")
            return
        await super().handle_complete(message)

    async def handle_invalid_message(self, error_message: str) -> None:
        """Close the connection and say why."""
        await self.websocket.close(code=4400, reason=_shortened(error_message))

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
        if name in self.operations:
            await self.websocket.close(code=4409, reason=_shortened(f"Subscriber for {name} already exists"))
            return
        view = cast("GraphQLView", self.view)
        try:
            if wait := view.wait_s(self.context.identity):
                raise Refused(Code.RATE_LIMITED, "Too many operations with these credentials.", retryAfter=wait)
            most = self.max_subscriptions_per_connection
            if most is not None and len(self.operations) >= most:
                full = f"One connection may hold {most} operations: complete one, or open another connection."
                raise Refused(Code.OVERLOADED, full, limit=most)
            text = view.trusted.text(payload)
            if not text:
                raise Refused(Code.BAD_REQUEST, NO_QUERY)
        except Refused as refused:
            view.count(refused)
            await self.send_message({"id": name, "type": "error", "payload": [refused.formatted]})
            return
        known = cast("SubscribeMessage", given | {"payload": payload | {"query": text}})
        await super().handle_subscribe(known)


def _shortened(reason: str) -> str:
    # A frame that closes has room for 123 bytes of reason, and one with more would not be sent at all.
    return reason.encode()[:123].decode(errors="ignore")


def _well_formed(payload: dict[str, Any]) -> bool:
    return (
        isinstance(payload.get("query"), str | None)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("operationName"), str | None)
        and isinstance(payload.get("extensions"), dict | None)
    )
