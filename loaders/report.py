"""What a load did, in figures that add up: read = loaded + duplicate + dropped + rejected, table by table."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from loaders import refusals
from loaders.attributes import Inferred
from loaders.declarations import Declarations
from loaders.refusals import Refusal
from loaders.stage import Stage


@dataclass(frozen=True)
class Example(Refusal):
    """Rows that were refused for one reason in one column, by the first of them."""

    remedy: str
    """Empty where the rows themselves have to be corrected."""


@dataclass(frozen=True, slots=True)
class TableReport:
    """What became of the rows of one table."""

    read: int
    loaded: int
    """Rows that are in the graph now, whether this run wrote them or an earlier one."""
    duplicate: int
    """The same id with the same content; counted once."""
    dropped: int
    """Events of a type that `source.toml` maps to nothing."""
    rejected: dict[str, int] = field(default_factory=dict[str, int])
    """Reason -> rows; all of them are in the quarantine file."""
    examples: list[Example] = field(default_factory=list[Example])
    """The same by column, the most frequent first, each with its first row and what to do."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a load did."""

    load_id: str
    source: str
    mode: str
    """`bulk` (offline import) or `online`."""
    already: bool
    """The graph held this data before; nothing was written."""
    tables: dict[str, TableReport]
    nodes: dict[str, int]
    """What the source holds beside events: users, items, categories, brands, promotions, and how many users and items
    only events named."""
    event_types: dict[str, int]
    weights: dict[str, float]
    """Declared weights of event types."""
    attributes: list[Inferred]
    notes: list[str]
    quarantine: Path | None
    """Refused rows with file, row, column and reason; None when there are none."""
    seconds: dict[str, float]
    """Phase -> seconds, interrupted runs included."""

    @property
    def rejected(self) -> int:
        """Rows refused in all tables."""
        return sum(sum(table.rejected.values()) for table in self.tables.values())

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data for JSON."""
        found = asdict(self)
        found["quarantine"] = str(self.quarantine) if self.quarantine else None
        found["rejected"] = self.rejected
        return found


def make(stage: Stage, declarations: Declarations, conflicts: int, *, already: bool = False) -> Report:
    """Return the report of a load from its manifest; `conflicts` are events whose ids the graph gives to others."""
    manifest = stage.manifest
    tables: dict[str, TableReport] = {}
    types: dict[str, int] = {}
    for name, table in manifest.tables.items():
        rejected: dict[str, int] = {}
        for part in table.parts:
            for reason, rows in part.rejected.items():
                rejected[reason] = rejected.get(reason, 0) + rows
            for type_, rows in part.types.items():
                types[type_] = types.get(type_, 0) + rows
        loaded = sum(part.rows for part in table.parts)
        if name == "events" and conflicts:
            rejected[TAKEN] = conflicts
            loaded -= conflicts
        tables[name] = TableReport(
            read=sum(part.read for part in table.parts),
            loaded=loaded,
            duplicate=sum(part.duplicates for part in table.parts),
            dropped=sum(part.dropped for part in table.parts),
            rejected=dict(sorted(rejected.items())),
            examples=[
                Example(**asdict(refusal), remedy=refusals.remedy(refusal, declarations))
                for refusal in refusals.together([part.refusals for part in table.parts])
            ],
        )
    found = manifest.found
    return Report(
        load_id=manifest.load_id,
        source=manifest.source,
        mode=manifest.mode or "",
        already=already,
        tables=tables,
        nodes=dict(found.get("nodes", {})),
        event_types=dict(sorted(types.items())),
        weights=dict(declarations.weights),
        attributes=[Inferred(**row) for row in found.get("attributes", ())],
        notes=[f"{rows} {note}" if rows else note for note, rows in manifest.notes.items()],
        quarantine=stage.quarantine if stage.quarantine.is_file() else None,
        seconds={phase: round(seconds, 3) for phase, seconds in manifest.seconds.items()},
    )


TAKEN = "event id belongs to another event in the graph"
"""Reason for events that an earlier load, or the API, wrote with another user or item."""
