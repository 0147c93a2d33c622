"""From query text to a checked document: measured before it is validated, parsed and validated once per text."""

from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from graphql import DocumentNode, GraphQLError, OperationDefinitionNode, validate
from strawberry.extensions import SchemaExtension

from api.access import Demands, demands, denial
from api.caching import policy
from api.context import Context
from api.errors import Code, Refused
from api.identity import NOBODY
from api.limits import Limits, refusal

# A long text takes long to parse and much memory to keep: neither is what apps send again and again.
_LONGEST = 4_096
_MOST = 128


@dataclass(frozen=True, slots=True)
class Checked:
    """A valid document, and what it needs permission for."""

    document: DocumentNode
    demands: Demands
    cache_control: str
    """How its answers may be kept (`api.caching`)."""


class Documents:
    """Documents of one schema that were found valid: the recently used ones, and for good those named `lasting`."""

    def __init__(self, lasting: Collection[str] = ()) -> None:
        self._known: OrderedDict[str, Checked] = OrderedDict()
        self._lasting: dict[str, Checked | None] = dict.fromkeys(lasting)

    def get(self, query: str) -> Checked | None:
        """Return the document of this text if it is known to be valid."""
        if query in self._lasting:
            return self._lasting[query]
        checked = self._known.get(query)
        if checked is not None:
            self._known.move_to_end(query)
        return checked

    def keep(self, query: str, checked: Checked) -> None:
        """Remember a valid document."""
        if query in self._lasting:
            self._lasting[query] = checked
        elif len(query) <= _LONGEST:
            self._known[query] = checked
            if len(self._known) > _MOST:
                self._known.popitem(last=False)


class DocumentExtension(SchemaExtension):
    """Bounds the parser, refuses what asks for too much or for what its caller may not see, remembers what is valid."""

    _checked: Checked | None = None

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
        if context.query and (checked := self._documents.get(context.query)):
            context.graphql_document = checked.document
            self._checked = checked
        with self._phase("parse"):
            yield

    def on_validate(self) -> Iterator[None]:
        """Measure first (validation itself can be slow on a hostile document), validate, then look at permissions."""
        context = self.execution_context
        if context.graphql_document is not None:
            with self._phase("validate"):
                context.pre_execution_errors = self._refused(context.graphql_document)
        yield

    def _phase(self, name: str) -> AbstractContextManager[None]:
        context = self.execution_context.context
        return context.recommender.metrics.phase(name) if isinstance(context, Context) else nullcontext()

    def _refused(self, document: DocumentNode) -> list[GraphQLError]:
        context = self.execution_context
        schema = context.schema._schema  # pyright: ignore
        operations = [part for part in document.definitions if isinstance(part, OperationDefinitionNode)]
        # Strawberry would run the first one.
        if len(operations) > 1 and context._provided_operation_name is None:  # pyright: ignore
            return [Refused(Code.BAD_REQUEST, "`operationName` must say which of the operations to run.")]
        variables = context.variables or {}
        if found := refusal(schema, document, variables, self._limits):
            return [found]
        if self._checked is None:
            if errors := validate(schema, document, context.validation_rules):
                return errors
            needed = demands(schema, document)
            self._checked = Checked(document, needed, policy(needed.coordinates))
            self._documents.keep(context.query or "", self._checked)
        identity = NOBODY
        if isinstance(context.context, Context):
            identity, context.context.cache_control = context.context.identity, self._checked.cache_control
        try:
            identity.renew()  # over a WebSocket many operations follow one check
        except Refused as expired:
            return [expired]
        denied = denial(schema, document, self._checked.demands, identity, variables)
        return [denied] if denied else []
