"""Source -> stage: every chunk is checked, freed of duplicates and written, and can be taken up again after a crash."""

from collections import Counter

import numpy as np
import polars as pl

from loaders import refusals, validate
from loaders.declarations import Declarations
from loaders.errors import StrictRejection
from loaders.progress import Progress
from loaders.records import FILE, ROW, TABLES, Source, chunks
from loaders.seen import Fate, Seen
from loaders.stage import Part, Stage
from loaders.validate import CONTENT_HASH, DUPLICATE_ID, ID_HASH, Checked, Rejected

# What the rows refused as duplicates are shown under in the quarantine.
_ID_COLUMN = {"users": "user_id", "items": "item_id", "events": "event_id", "exposures": "item_id"}


def run(source: Source, stage: Stage, *, strict: bool, progress: Progress) -> None:
    """Stage what is not staged yet. Raises the errors of `loaders.errors`; what was staged before stays."""
    for table in TABLES:
        if not stage.table(table).complete:
            _table(source, table, stage, strict=strict, progress=progress)
    stage.gather_quarantine()


def _table(source: Source, table: str, stage: Stage, *, strict: bool, progress: Progress) -> None:
    entry = stage.table(table)
    seen = Seen()
    for hashes in stage.hashes(table):
        seen.remember(hashes[ID_HASH].to_numpy(), hashes[CONTENT_HASH].to_numpy())
    progress.phase(f"read {table}", source.rows(table))
    for number, raw in enumerate(chunks(source, table)):
        if number >= len(entry.parts):
            _chunk(source, table, f"{table}-{number:05d}", raw, seen, stage, strict=strict)
        progress.advance(raw.height)
    for note in source.notes():
        stage.manifest.notes.setdefault(note, 0)
    entry.complete = True
    stage.save()


def _chunk(source: Source, table: str, name: str, raw: pl.DataFrame, seen: Seen, stage: Stage, *, strict: bool) -> None:
    checked = validate.CHECKS[table](raw, source.declarations)
    records = checked.records
    fate = seen.judge(records[ID_HASH].to_numpy(), records[CONTENT_HASH].to_numpy())
    rejected = _with_conflicts(checked, raw, table, fate == Fate.CONFLICT)
    if strict and len(rejected):
        raise _strict(rejected, source.declarations)
    kept = records.filter(pl.Series(fate == Fate.NEW)).drop(FILE, ROW)
    stage.write_rejected(name, rejected)
    stage.write(name, kept)
    types = kept["type"].value_counts().rows() if table == "events" else []
    stage.table(table).parts.append(
        Part(
            name=name,
            read=raw.height,
            rows=kept.height,
            duplicates=int((fate == Fate.DUPLICATE).sum()),
            dropped=checked.dropped,
            rejected=dict(Counter(rejected.reason)),
            refusals=refusals.of(rejected),
            types={str(type_): int(count) for type_, count in types},
        )
    )
    for note, rows in checked.notes.items():
        stage.manifest.notes[note] = stage.manifest.notes.get(note, 0) + rows
    stage.save()


def _with_conflicts(checked: Checked, raw: pl.DataFrame, table: str, conflict: np.ndarray) -> Rejected:
    """Return the refused rows of a chunk, those with a used id among them, in the order of the file."""
    if not conflict.any():
        return checked.rejected
    rows = checked.records.filter(pl.Series(conflict)).select(FILE, ROW)
    bad = raw.join(rows, on=[FILE, ROW], how="semi", maintain_order="left")
    found = checked.rejected
    column = [*found.column, *[_ID_COLUMN[table]] * bad.height]
    reason = [*found.reason, *[DUPLICATE_ID] * bad.height]
    both = pl.concat([found.rows, bad])
    order = both.select(pl.arg_sort_by(ROW, maintain_order=True)).to_series()
    return Rejected(both[order], [column[row] for row in order], [reason[row] for row in order])


def _strict(rejected: Rejected, declarations: Declarations) -> StrictRejection:
    first = refusals.of(rejected)[0]
    hint = refusals.remedy(first, declarations)
    return StrictRejection(
        f"{first.reason}{f': {first.value!r}' if first.value else ''}.",
        file=first.file,
        row=first.row,
        column=first.column or None,
        remedy=f"{hint[:1].upper()}{hint[1:]}" or "Correct the row, or load without --strict to set bad rows aside.",
    )
