"""What a shop says of its own files: `source.toml`, read strictly, since a misspelt key would be silently ignored."""

import tomllib
import zoneinfo
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from loaders import clean
from loaders.errors import BadDeclaration, nearest
from loaders.records import TABLES

Kind = Literal["ordinal", "numeric", "categorical", "ignore"]
KINDS: tuple[Kind, ...] = ("ordinal", "numeric", "categorical", "ignore")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Attribute(_Strict):
    """How one attribute of the users is to be read."""

    kind: Kind
    order: tuple[str, ...] = ()
    """The values of an ordinal attribute, lowest first."""

    @model_validator(mode="after")
    def _order_fits(self) -> Self:
        if (self.kind == "ordinal") != bool(self.order):
            raise ValueError("an ordinal attribute needs `order`, a list of its values from low to high, and no other")
        if len(set(self.order)) != len(self.order):
            raise ValueError("`order` names a value twice")
        return self


class Columns(_Strict):
    """The shop's own column names: `{item_id = "sku"}` reads the column `sku` as `item_id`."""

    users: dict[str, str] = {}
    items: dict[str, str] = {}
    events: dict[str, str] = {}
    exposures: dict[str, str] = {}


class Declarations(_Strict):
    """Everything that `source.toml` may hold; every key is optional."""

    columns: Columns = Columns()
    types: dict[str, str] = {}
    """The shop's word for a type of event -> Attune's (`{buy = "purchase"}`); `""` drops the events of that type."""
    weights: dict[str, Annotated[float, Field(ge=0)]] = {}
    """How much an event of a type counts as a sign of interest, beside the default 1."""
    attributes: dict[str, Attribute] = {}
    time_zone: str = "UTC"
    """Of times without an offset: an IANA name such as `Europe/Oslo`."""
    time_formats: tuple[str, ...] = ()
    """How times are written that are neither ISO 8601 nor counts: `%d.%m.%Y %H:%M`; tried in this order."""
    currency: str | None = None
    """Of prices without one: three letters (ISO 4217)."""
    separator: str | None = None
    """Between the fields of CSV files; found from the header when not given."""
    decimal: Literal[".", ","] = "."
    """The decimal mark of numbers in text."""

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            zoneinfo.ZoneInfo(value)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            hint = nearest(value, [name.lower() for name in zoneinfo.available_timezones()])
            raise ValueError(f"{value!r} is no time zone of the IANA database. {hint}".strip()) from None
        return value

    @field_validator("time_formats")
    @classmethod
    def _formats_read_what_they_write(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for form in value:
            written = datetime(2024, 2, 13, tzinfo=UTC).strftime(form)
            if clean.moment(pl.Series([written]), "UTC", (form,)).is_null().any() or written == form:
                raise ValueError(f"{form!r} reads no moment; write it like %d.%m.%Y %H:%M or %m/%d/%Y %I:%M %p")
        return value

    @field_validator("currency")
    @classmethod
    def _currency_has_three_letters(cls, value: str | None) -> str | None:
        if value is not None and not (len(value) == 3 and value.isascii() and value.isalpha()):
            raise ValueError(f"{value!r} is not a currency code of three letters")
        return value.upper() if value else value

    @field_validator("separator")
    @classmethod
    def _separator_is_one_sign(cls, value: str | None) -> str | None:
        if value is not None and (len(value) != 1 or value in '"\r\n'):
            raise ValueError("a separator is one character")
        return value


def read(path: Path) -> Declarations:
    """Read `source.toml`; raises `BadDeclaration` that names the key, the known keys and the nearest of them."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadDeclaration(f"not TOML: {error}", file=str(path)) from None
    return parse(data, file=str(path))


def parse(data: dict[str, Any], *, file: str | None = None) -> Declarations:
    """Return the declarations of a parsed `source.toml`; raises `BadDeclaration`."""
    try:
        found = Declarations.model_validate(data)
    except ValidationError as error:
        raise _readable(error, file) from None
    for table, renames in found.columns:
        for ours in renames:
            if table != "users" and ours not in TABLES[table]:
                raise BadDeclaration(
                    f"columns.{table} renames to {ours!r}, which is no column of {table}: "
                    f"{', '.join(TABLES[table])}. {nearest(ours, TABLES[table])}".strip(),
                    file=file,
                    column=ours,
                )
    return found


def _readable(error: ValidationError, file: str | None) -> BadDeclaration:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    name = str(first["loc"][-1]) if first["loc"] else ""
    if first["type"] == "extra_forbidden":
        owner = Declarations
        if first["loc"][0] == "columns":
            owner = Columns
        elif first["loc"][0] == "attributes":
            owner = Attribute
        known = tuple(owner.model_fields)
        message = f"unknown key {place!r}; known are {', '.join(known)}. {nearest(name, known)}".strip()
    elif first["type"] == "literal_error" and name == "kind":
        message = f"{place}: {first['input']!r} is no kind; known are {', '.join(KINDS)}. " + nearest(
            str(first["input"]), KINDS
        )
        message = message.strip()
    else:
        message = f"{place}: {first['msg'].removeprefix('Value error, ')}"
    return BadDeclaration(message, file=file, column=place or None)
