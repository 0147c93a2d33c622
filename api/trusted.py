"""Trusted documents: the queries of a shop's own apps, known by an id, and if wished the only ones that run."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import orjson
from graphql import GraphQLError, GraphQLSchema, parse, validate

from api.errors import Code, Refused
from api.faults import BadManifest
from api.limits import Limits, refusal

_PREFIX = "sha256:"

NO_QUERY = "There is no `query`: send one, or the `documentId` of a trusted document."
"""What to say to a request that names no document."""


class TrustedDocuments:
    """Documents by id: the SHA-256 of the text in hex (`sha256:` may stand before it), or what the manifest says."""

    def __init__(self, documents: Mapping[str, str] | None = None, *, only: bool = False) -> None:
        self._by_id = dict(documents or {})
        self._by_id |= {sha256(text): text for text in self._by_id.values()}
        self.texts = frozenset(self._by_id.values())
        """The documents themselves."""
        self.only = only

    def __len__(self) -> int:
        return len(self.texts)

    def text(self, request: Mapping[str, Any]) -> str | None:
        """Return the document that a request means by `documentId`, `extensions.persistedQuery` or `query`.

        Raises `Refused` for an id that is unknown or no string, an id that is not that of the query beside it, and with
        `only` for a query that is none of ours.
        """
        query: object = request.get("query")
        name: object = request.get("documentId")
        extensions = request.get("extensions")
        if name is None and isinstance(extensions, Mapping):
            persisted = cast("Mapping[str, object]", extensions).get("persistedQuery")
            name = cast("Mapping[str, object]", persisted).get("sha256Hash") if isinstance(persisted, Mapping) else None
        if name is not None and not isinstance(name, str):
            raise Refused(Code.BAD_REQUEST, "The id of a trusted document must be a string.")
        if name is not None:
            query = self._named(name.removeprefix(_PREFIX), query)
        if self.only and query and query not in self.texts:
            raise Refused(Code.DOCUMENT_NOT_TRUSTED, "Only documents that the service knows beforehand are run.")
        return query if isinstance(query, str) else None

    def _named(self, name: str, query: object) -> object:
        known = self._by_id.get(name)
        if known is not None:
            return known
        if not isinstance(query, str):
            # The code and the words that Apollo's and Relay's clients look for.
            raise Refused(Code.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")
        if sha256(query) != name:
            raise Refused(Code.BAD_REQUEST, "The id is not the SHA-256 of the query beside it.")
        return query

    def check(self, schema: GraphQLSchema, limits: Limits) -> None:
        """Raise `BadManifest` for a document that the schema or the limits would refuse: now, not in production."""
        for text in self.texts:
            try:
                document = parse(text, max_tokens=limits.tokens)
                errors: list[GraphQLError] = validate(schema, document)
                too_much = None if errors else refusal(schema, document, {}, limits)
            except GraphQLError as error:
                errors, too_much = [error], None
            if found := [*errors, *([too_much] if too_much else [])]:
                raise BadManifest(f"the trusted document {sha256(text)[:12]}... cannot run: {found[0].message}")


def sha256(text: str) -> str:
    """Return the id of a document."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read(path: Path) -> dict[str, str]:
    """Read a manifest: `{id: text}` as relay-compiler writes it, or Apollo's with its list of `operations`.

    Raises `BadManifest`.
    """
    try:
        found: object = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise BadManifest(f"{path} cannot be read as a manifest of documents: {error}") from error
    if isinstance(found, dict) and isinstance(rows := cast("dict[str, object]", found).get("operations"), list):
        listed = [cast("dict[str, object]", row) for row in cast("list[object]", rows) if isinstance(row, dict)]
        found = {str(row.get("id")): row.get("body") for row in listed}
    if not isinstance(found, dict) or not all(
        isinstance(text, str) for text in cast("dict[str, object]", found).values()
    ):
        raise BadManifest(f"{path} is neither {{id: document}} nor a manifest with `operations`")
    return cast("dict[str, str]", found)
