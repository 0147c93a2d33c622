"""What the driver reports, in Attune's own words: each failure says what it is about and what to do."""

from collections.abc import Mapping
from types import MappingProxyType

from graph.driver import exceptions
from graph.errors import AuthFailed, GraphError, OutOfMemory, Taken, TimedOut, Unavailable

_CODES: Mapping[str, str] = MappingProxyType(
    {
        "Neo.ClientError.Transaction.TransactionTimedOut": "timeout",
        "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration": "timeout",
        "Neo.ClientError.Transaction.Terminated": "timeout",
        "Neo.ClientError.Schema.ConstraintValidationFailed": "taken",
        "Neo.ClientError.Database.DatabaseNotFound": "database",
        "Neo.TransientError.General.DatabaseUnavailable": "unavailable",
        "Neo.TransientError.Database.DatabaseUnavailable": "unavailable",
        "Neo.DatabaseError.Database.DatabaseUnavailable": "unavailable",
        "Neo.DatabaseError.Database.UnableToStartDatabase": "unavailable",
    }
)


def translated(
    error: exceptions.DriverError | exceptions.Neo4jError, uri: str, user: str, timeout_s: float
) -> GraphError:
    """Return the driver's error in Attune's words; `user` asked at `uri`, and was ready to wait for `timeout_s`."""
    if isinstance(error, exceptions.AuthError):
        return AuthFailed(
            f"Neo4j at {uri} refused the user {user!r} or the password.",
            "Check NEO4J_USER and NEO4J_PASSWORD; for the local server, the file that `attune status` names.",
        )
    if isinstance(
        error, exceptions.ServiceUnavailable | exceptions.SessionExpired | exceptions.ConnectionAcquisitionTimeoutError
    ):
        return Unavailable(
            f"Neo4j at {uri} does not answer: {error}",
            "Check `attune status` (local) or NEO4J_URI, then try again.",
        )
    if isinstance(error, exceptions.Neo4jError):
        match _CODES.get(error.code or ""):
            case "timeout":
                return timed_out(timeout_s)
            case "database":
                return Unavailable(f"Neo4j at {uri}: {error.message}", "Check NEO4J_DATABASE.")
            case "taken":
                return Taken(f"A value that must be unique is already taken: {error.message}")
            case "unavailable":
                return Unavailable(f"The database at {uri} is not available: {error.message}", "Try again.")
            case _:
                return out_of_memory(error) or GraphError(f"Neo4j refused a statement: {error.message}")
    return GraphError(f"The driver failed: {error}")


def timed_out(timeout_s: float) -> TimedOut:
    """Return the error of a statement that took longer than it may."""
    return TimedOut(f"Neo4j did not answer within {timeout_s:g} s.", "Try again, or ask for less.")


def out_of_memory(error: exceptions.Neo4jError) -> OutOfMemory | None:
    """Return the error of a statement that needed too much memory; None for any other."""
    # Reported as transient: the driver would try it again until its time is up, and fail the same way.
    if "OutOfMemory" not in (error.code or ""):
        return None
    return OutOfMemory(
        f"A statement needed more memory than Neo4j may use for transactions: {error.message}",
        "Use smaller batches, or give the server more heap (`attune up --heap-mb`).",
    )


def bad_address(uri: str, error: Exception) -> Unavailable:
    """Return the error of an address that no Neo4j has."""
    return Unavailable(f"{uri!r} is not an address of a Neo4j: {error}", "NEO4J_URI looks like bolt://localhost:7687.")
