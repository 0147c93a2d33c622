"""From query text to a checked document: measured before it is validated, parsed and validated once per text."""

from collections import OrderedDict
from collections.abc import Iterator

from graphql import DocumentNode, GraphQLError, OperationDefinitionNode
from strawberry.extensions import SchemaExtension

from api.errors import Code, Refused
from api.limits import Limits, refusal

# A long text takes long to parse and much memory to keep: neither is what apps send again and again.
_LONGEST = 4_096
_MOST = 128


class Documents:
    """Recently used documents of one schema that were found valid."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, DocumentNode] = OrderedDict()

    def get(self, query: str) -> DocumentNode | None:
        """Return the document of this text if it is known to be valid."""
        document = self._known.get(query)
        if document is not None:
            self._known.move_to_end(query)
        return document

    def keep(self, query: str, document: DocumentNode) -> None:
        """Remember a valid document."""
        if len(query) <= _LONGEST:
            self._known[query] = document
            if len(self._known) > _MOST:
                self._known.popitem(last=False)


class DocumentExtension(SchemaExtension):
    """Bounds the parser, refuses what asks for too much, and remembers what is valid."""

    _valid = False

    def __init__(self, limits: Limits, documents: Documents) -> None:
        self._limits = limits
        self._documents = documents

    def on_operation(self) -> Iterator[None]:
        """Bound the parser."""
        self.execution_context.parse_options["max_tokens"] = self._limits.tokens
        yield

    def on_parse(self) -> Iterator[None]:
        """Use the remembered document."""
        context = self.execution_context
        if context.query and (document := self._documents.get(context.query)):
            context.graphql_document = document
            self._valid = True
        yield

    def on_validate(self) -> Iterator[None]:
        """Measure first: validation itself can be slow on a hostile document."""
        context = self.execution_context
        errors = self._refused()
        if errors:
            context.pre_execution_errors = errors
        elif self._valid:
            context.pre_execution_errors = []
        yield
        if not context.pre_execution_errors and not self._valid and context.query and context.graphql_document:
            self._documents.keep(context.query, context.graphql_document)

    def _refused(self) -> list[GraphQLError]:
        context = self.execution_context
        if context.graphql_document is None:
            return []
        schema = context.schema._schema  # pyright: ignore
        document = context.graphql_document
        operations = [part for part in document.definitions if isinstance(part, OperationDefinitionNode)]
        # Strawberry would run the first one.
        if len(operations) > 1 and context._provided_operation_name is None:  # pyright: ignore
            return [Refused(Code.BAD_REQUEST, "`operationName` must say which of the operations to run.")]
        found = refusal(schema, document, context.variables or {}, self._limits)
        return [found] if found else []
