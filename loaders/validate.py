"""Raw chunks -> records: clean, normalise, refuse with a reason. One row never spoils another.

What is refused keeps its file, row, column and reason; `loaders.stage` writes it to the quarantine file.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import polars as pl

from graph.schema import EVENT_RELATIONSHIPS, EVENT_TYPES, OTHER_EVENT
from loaders import clean
from loaders.declarations import Declarations
from loaders.records import EVENTS, EXPOSURES, FILE, ITEMS, REJECT, RESERVED, ROW

ID_HASH = "_id"
"""Column of checked records: hash of the row's id (UInt64)."""
CONTENT_HASH = "_content"
"""Column of checked records: hash of everything else (UInt64)."""

DUPLICATE_ID = "duplicate id with other content"
MISSING = "missing"
LONGEST_ID_BYTES = 1000
"""Neo4j's indexes take keys of up to about 8 kB; nobody means an id of more than this."""

Check = tuple[str, str, pl.Series]
"""Column, reason, and where it holds (Boolean)."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Rows that were refused, beside each other."""

    rows: pl.DataFrame
    """The raw rows."""
    column: list[str]
    reason: list[str]

    def __len__(self) -> int:
        return self.rows.height


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of one chunk."""

    records: pl.DataFrame
    """Rows that can be written, with `ID_HASH`, `CONTENT_HASH`, `FILE` and `ROW`."""
    rejected: Rejected
    notes: Counter[str] = field(default_factory=Counter[str])
    """Outcomes worth a line in the report that refuse no row, by how many rows they touched."""
    dropped: int = 0
    """Rows whose type the shop declared as unwanted."""


class TableCheck(Protocol):
    """Judges the chunks of one table."""

    def __call__(self, raw: pl.DataFrame, declarations: Declarations) -> Checked:
        """Return the records of a raw chunk and what was refused."""
        ...


def events(raw: pl.DataFrame, declarations: Declarations) -> Checked:
    """Check a chunk of events; an event without an id gets one from its fields."""
    notes: Counter[str] = Counter()
    raw, dropped = _unwanted(raw, declarations)
    names = ("event_id", "user_id", "item_id")
    found = _texts(raw, names, ("type", "basket_id", "context"))
    found = found.with_columns(
        _types(found["type"], declarations),
        _moment(raw, "at", declarations),
        *(_number(raw, name, declarations) for name in ("quantity", "amount", "value")),
    )
    # A return is often booked with a minus; its type already says which way it goes.
    back = pl.col("type") == "return"
    found = found.with_columns(
        pl.when(back).then(pl.col(name).abs()).otherwise(pl.col(name)).alias(name) for name in ("quantity", "amount")
    )
    checks = [
        *_given(raw),
        *(_absent(found, name) for name in ("user_id", "item_id", "type")),
        *_unlike(raw, found, "at", "not a time"),
        _absent(found, "at"),
        *(check for name in names for check in _odd_id(found, name)),
        *(_too_long(found, name) for name in ("type", "basket_id", "context")),
        *(check for name in ("quantity", "amount", "value") for check in _unlike(raw, found, name, "not a number")),
        ("quantity", "quantity not positive", (found["quantity"] <= 0).fill_null(False)),
        ("amount", "negative amount", (found["amount"] < 0).fill_null(False)),
    ]
    keep, rejected = _judge(raw, checks)
    # Adding zero turns -0.0 into 0.0, which would hash differently.
    records = found.filter(keep).select(EVENTS.names()).cast(EVENTS).with_columns(pl.col(pl.Float64) + 0.0)
    derived = records["event_id"].is_null()
    if derived.any():
        ids = _derived_ids(records.filter(derived))
        records = records.with_columns(records["event_id"].scatter(derived.arg_true(), ids))
    # Ids are unique within a relationship type, which is what the graph guarantees.
    kind = pl.col("type").replace_strict(dict(EVENT_RELATIONSHIPS), default=OTHER_EVENT, return_dtype=pl.String)
    records = records.with_columns(
        pl.struct(kind.alias("kind"), "event_id").hash().alias(ID_HASH),
        pl.struct(pl.exclude("event_id")).hash().alias(CONTENT_HASH),
    )
    return Checked(_located(records, raw, keep), rejected, notes, dropped)


def items(raw: pl.DataFrame, declarations: Declarations) -> Checked:
    """Check a chunk of items."""
    notes: Counter[str] = Counter()
    texts = ("title", "description", "category", "brand", "currency", "image")
    found = _texts(raw, ("item_id",), texts)
    found = found.with_columns(_number(raw, "price", declarations), _flag(raw, "available"))
    paths = clean.category_paths(found["category"])
    changed = (paths != found["category"]).fill_null(False)
    if changed.any():
        shorter = paths.str.count_matches(">", literal=True) < found["category"].str.count_matches(">", literal=True)
        notes["category paths that named a category twice, or an empty one, were shortened"] += int(
            (changed & shorter).sum()
        )
    currency = found["currency"].str.to_uppercase().fill_null(declarations.currency or "")
    priced = found["price"].is_not_null() & (currency != "")
    found = found.with_columns(paths.alias("category"), currency.set(~priced, None).alias("currency"))
    checks = [
        *_given(raw),
        _absent(found, "item_id"),
        *_odd_id(found, "item_id"),
        *_unlike(raw, found, "price", "not a number"),
        ("price", "negative price", (found["price"] < 0).fill_null(False)),
        ("currency", "not a currency code", ~found["currency"].str.contains(r"^[A-Z]{3}$").fill_null(True)),
        *_unlike(raw, found, "available", "neither yes nor no"),
        *(_too_long(found, name) for name in ("category", "brand")),
    ]
    keep, rejected = _judge(raw, checks)
    records = found.filter(keep).select(ITEMS.names()).cast(ITEMS).with_columns(pl.col(pl.Float64) + 0.0)
    records = records.with_columns(
        pl.col("item_id").hash().alias(ID_HASH), pl.struct(pl.exclude("item_id")).hash().alias(CONTENT_HASH)
    )
    return Checked(_located(records, raw, keep), rejected, notes)


def users(raw: pl.DataFrame, declarations: Declarations) -> Checked:
    """Check a chunk of users; attributes stay text here, but those that are declared must fit."""
    names = [name for name in raw.columns if name not in (*RESERVED, "user_id")]
    found = _texts(raw, ("user_id",), names)
    checks = [*_given(raw), _absent(found, "user_id"), *_odd_id(found, "user_id")]
    for name in names:
        declared = declarations.attributes.get(name)
        if declared is None or declared.kind == "ignore":
            continue
        given = found[name].is_not_null()
        if declared.kind == "numeric":
            checks.append((name, "not a number", given & clean.number(found[name], declarations.decimal).is_null()))
        elif declared.kind == "ordinal":
            checks.append((name, "not in the declared order", given & ~found[name].is_in(list(declared.order))))
    keep, rejected = _judge(raw, checks)
    records = found.filter(keep)
    # Parts may have other columns than their neighbours: only what is there counts as content.
    told = [pl.concat_str(pl.lit(name + "="), pl.col(name)) for name in sorted(names)]
    content = pl.concat_str(told, separator="\x1f", ignore_nulls=True) if told else pl.lit("")
    records = records.with_columns(pl.col("user_id").hash().alias(ID_HASH), content.hash().alias(CONTENT_HASH))
    return Checked(_located(records, raw, keep), rejected)


def exposures(raw: pl.DataFrame, declarations: Declarations) -> Checked:
    """Check a chunk of exposures. A share that is not given counts as everybody."""
    found = _texts(raw, ("item_id",), ("channel",)).with_columns(
        _moment(raw, "at", declarations), _moment(raw, "until", declarations), _number(raw, "share", declarations)
    )
    checks = [
        *_given(raw),
        _absent(found, "item_id"),
        *_odd_id(found, "item_id"),
        *_unlike(raw, found, "at", "not a time"),
        _absent(found, "at"),
        *_unlike(raw, found, "until", "not a time"),
        _absent(found, "until"),
        ("until", "ends before it begins", (found["until"] <= found["at"]).fill_null(False)),
        *_unlike(raw, found, "share", "not a number"),
        ("share", "share outside 0 to 1", ~found["share"].is_between(0, 1).fill_null(True)),
    ]
    keep, rejected = _judge(raw, checks)
    records = found.filter(keep).select(EXPOSURES.names()).cast(EXPOSURES).with_columns(pl.col("share").fill_null(1.0))
    records = records.with_columns(
        pl.struct("item_id", "at", "until", "channel").hash().alias(ID_HASH), pl.col("share").hash().alias(CONTENT_HASH)
    )
    return Checked(_located(records, raw, keep), rejected)


CHECKS: dict[str, TableCheck] = {"users": users, "items": items, "events": events, "exposures": exposures}


def _texts(raw: pl.DataFrame, ids: Sequence[str], texts: Sequence[str]) -> pl.DataFrame:
    """Return the clean columns of ids and of other text; null where the chunk does not have the column."""
    columns: list[pl.Series] = []
    for names, how in ((ids, clean.identifier), (texts, clean.text)):
        for name in names:
            if name in raw.columns:
                columns.append(how(raw[name]).alias(name))
            else:
                columns.append(pl.Series(name, [None], pl.String).new_from_index(0, raw.height))
    return pl.DataFrame(columns)


def _number(raw: pl.DataFrame, name: str, declarations: Declarations) -> pl.Series:
    if name not in raw.columns:
        return pl.Series(name, [None], pl.Float64).new_from_index(0, raw.height)
    return clean.number(raw[name], declarations.decimal).alias(name)


def _moment(raw: pl.DataFrame, name: str, declarations: Declarations) -> pl.Series:
    if name not in raw.columns:
        return pl.Series(name, [None], pl.Int64).new_from_index(0, raw.height)
    return clean.moment(raw[name], declarations.time_zone, declarations.time_formats).alias(name)


def _flag(raw: pl.DataFrame, name: str) -> pl.Series:
    if name not in raw.columns:
        return pl.Series(name, [None], pl.Boolean).new_from_index(0, raw.height)
    return clean.flag(raw[name]).alias(name)


def _types(types: pl.Series, declarations: Declarations) -> pl.Series:
    """Return event types in Attune's words; a known type in capitals is known, the shop's own keep their spelling."""
    low = types.str.to_lowercase()
    known = low.is_in(EVENT_TYPES).fill_null(False)
    plain = low.set(~known, None).fill_null(types)
    if declarations.types:
        plain = types.replace_strict(declarations.types, default=plain, return_dtype=pl.String)
    return plain.alias("type")


def _unwanted(raw: pl.DataFrame, declarations: Declarations) -> tuple[pl.DataFrame, int]:
    unwanted = [theirs for theirs, ours in declarations.types.items() if not ours]
    if not unwanted or "type" not in raw.columns:
        return raw, 0
    kept = raw.filter(~raw["type"].cast(pl.String).str.strip_chars().is_in(unwanted).fill_null(False))
    return kept, raw.height - kept.height


def _given(raw: pl.DataFrame) -> list[Check]:
    """Return the source's own reasons, one check each."""
    if REJECT not in raw.columns:
        return []
    reasons = raw[REJECT]
    return [("", str(reason), (reasons == reason).fill_null(False)) for reason in reasons.drop_nulls().unique().sort()]


def _absent(found: pl.DataFrame, name: str) -> Check:
    return name, MISSING, found[name].is_null()


def _odd_id(found: pl.DataFrame, name: str) -> list[Check]:
    return [(name, "control character in an id", clean.has_control(found[name])), _too_long(found, name)]


def _too_long(found: pl.DataFrame, name: str) -> Check:
    return (
        name,
        f"longer than {LONGEST_ID_BYTES} bytes",
        (found[name].str.len_bytes() > LONGEST_ID_BYTES).fill_null(False),
    )


def _unlike(raw: pl.DataFrame, found: pl.DataFrame, name: str, reason: str) -> list[Check]:
    """Return where something was given that could not be read."""
    if name not in raw.columns:
        return []
    given = raw[name].is_not_null()
    if raw.schema[name] == pl.String:
        given &= raw[name].str.strip_chars() != ""
    elif raw.schema[name].is_float():
        given &= ~raw[name].is_nan()  # a number that is not there
    return [(name, reason, given.fill_null(False) & found[name].is_null())]


def _judge(raw: pl.DataFrame, checks: Sequence[Check]) -> tuple[pl.Series, Rejected]:
    """Return which rows hold, and the others with the first check that refuses each."""
    verdict = np.zeros(raw.height, np.int16)
    for number, (_, _, holds) in enumerate(checks, start=1):
        verdict[holds.to_numpy() & (verdict == 0)] = number
    refused = np.flatnonzero(verdict)
    return pl.Series(verdict == 0), Rejected(
        raw[refused],
        [checks[number - 1][0] for number in verdict[refused]],
        [checks[number - 1][1] for number in verdict[refused]],
    )


def _located(records: pl.DataFrame, raw: pl.DataFrame, keep: pl.Series) -> pl.DataFrame:
    return records.with_columns(raw.filter(keep).select(FILE, ROW))


def _derived_ids(records: pl.DataFrame) -> list[str]:
    """Return ids from the rows' fields: the same row has the same id on every machine and in every version.

    Two equal rows without an id are one event told twice.
    """
    floats = (pl.col(name).fill_null(float("nan")) for name in ("quantity", "amount", "value"))
    bits = records.select(floats).to_numpy().astype("<f8").view("<i8")
    told = records.select(
        pl.concat_str(
            [
                *(pl.col(name).fill_null("") for name in ("user_id", "item_id", "type", "basket_id", "context")),
                pl.col("at").cast(pl.String),
                *(pl.Series(name, bits[:, place]).cast(pl.String) for place, name in enumerate("qav")),
            ],
            separator="\x1f",
        )
    ).to_series()
    return [hashlib.blake2b(text.encode(), digest_size=12).hexdigest() for text in told]
