"""Raw columns -> clean values, as polars series: text, numbers, moments, category paths, yes and no.

Nothing here refuses a row: what cannot be read becomes null, and `loaders.validate` compares before and after.
"""

from collections.abc import Callable, Sequence

import polars as pl

EPOCH_RANGE_US = (0, 4_102_444_800_000_000)
"""Moments from 1970 to 2100: what lies outside is a slip, not a time."""

SEPARATOR = " > "
"""Joins the names of a category path."""

_CONTROL = r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+"
_YES = ("true", "1", "yes", "y", "t")
_NO = ("false", "0", "no", "n", "f")
# Digits that stand for a day, such as 20231231, not for seconds since 1970 (those with eight digits lie in 1970-1973).
_DAY = r"^(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$"
_ONLY_THOUSANDS = r"^\s*-?\d{1,3}(\.\d{3})+\s*$"
_THOUSANDS = {".": r"^-?\d{1,3}(,\d{3})+\.\d+$", ",": r"^-?\d{1,3}(\.\d{3})+,\d+$"}


def text(values: pl.Series) -> pl.Series:
    """Return tidy text: control characters become a space, ends are trimmed, letters are composed, empty is null."""
    if values.dtype != pl.String:
        return as_text(values)
    values = _where(values, has_control(values), lambda some: some.str.replace_all(_CONTROL, " "))
    # Composing takes longer than everything else together, and plain letters are composed already.
    values = _where(values, values.str.contains(r"[^\x00-\x7f]"), lambda some: some.str.normalize("NFC"))
    return _filled(values)


def identifier(values: pl.Series) -> pl.Series:
    """Return ids: trimmed text, nothing else changed, since two ids must never become one."""
    return _filled(values) if values.dtype == pl.String else as_text(values)


def has_control(values: pl.Series) -> pl.Series:
    """Return where text holds a control character."""
    return values.str.contains(_CONTROL).fill_null(False)


def as_text(values: pl.Series) -> pl.Series:
    """Return a typed column as the text a CSV file would hold; a whole float loses its `.0`, as ids often were ints."""
    if not values.dtype.is_float():
        return values.cast(pl.String)
    x = pl.col("x")
    whole = x.is_finite() & (x == x.round(0)) & (x.abs() < 2**53)
    return _select(
        values,
        pl.when(whole)
        .then(x.cast(pl.Int64, strict=False).cast(pl.String))
        .otherwise(pl.when(x.is_nan()).then(None).otherwise(x.cast(pl.String))),
    )


def _filled(values: pl.Series) -> pl.Series:
    trimmed = pl.col("x").str.strip_chars()
    return _select(values, pl.when(trimmed != "").then(trimmed))


def _select(values: pl.Series, expression: pl.Expr) -> pl.Series:
    """Return an expression over the column `x`, under the column's own name."""
    return values.alias("x").to_frame().select(expression.alias("x")).to_series().alias(values.name)


def _where(values: pl.Series, chosen: pl.Series, change: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Return the values with the chosen ones changed; a `when` would change all of them first."""
    rows = chosen.arg_true()
    # `scatter` changes the series it is called on.
    return values.clone().scatter(rows, change(values.gather(rows))) if len(rows) else values


def number(values: pl.Series, decimal: str = ".") -> pl.Series:
    """Return Float64; null where there is none or where it is not a finite number.

    Text may carry a currency sign or code (`€3.99`, `3.99 EUR`) and thousands marks where they cannot be mistaken
    (`1,234.50`).
    """
    if values.dtype == pl.String:
        plain = values.str.strip_chars()
        if decimal == ",":
            plain = plain.str.replace(",", ".", literal=True)
        parsed = plain.cast(pl.Float64, strict=False)
        if decimal == ",":
            # `1.299` is a thousand and more where the comma is the decimal mark, or was written by another program.
            parsed = parsed.set(values.str.contains(_ONLY_THOUSANDS).fill_null(False), None)
        odd = parsed.is_null() & (values.str.strip_chars() != "")
        if odd.any():
            rest = values.filter(odd).str.strip_chars()
            parsed = parsed.scatter(odd.arg_true(), _decorated(rest, decimal))
    elif values.dtype.is_numeric() or values.dtype == pl.Boolean:
        parsed = values.cast(pl.Float64)
    else:
        parsed = pl.Series(values.name, [None], pl.Float64).new_from_index(0, len(values))
    return _select(parsed.alias(values.name), pl.when(pl.col("x").is_finite()).then(pl.col("x")))


def _decorated(values: pl.Series, decimal: str) -> pl.Series:
    bare = values.str.replace(r"^(?:[A-Z]{3}|\p{Sc})\s*", "").str.replace(r"\s*(?:[A-Z]{3}|\p{Sc})$", "")
    grouped = bare.str.contains(_THOUSANDS[decimal])
    thousands = "," if decimal == "." else "."
    bare = bare.set(grouped, None).fill_null(bare.str.replace_all(thousands, "", literal=True))
    if decimal == ",":
        bare = bare.set(bare.str.contains(_ONLY_THOUSANDS), None).str.replace(",", ".", literal=True)
    return bare.cast(pl.Float64, strict=False)


def flag(values: pl.Series) -> pl.Series:
    """Return Boolean; null where the value is neither yes nor no."""
    if values.dtype == pl.Boolean:
        return values
    low = as_text(values).str.strip_chars().str.to_lowercase()
    x = pl.col("x")
    return _select(low, pl.when(x.is_in(_YES)).then(True).when(x.is_in(_NO)).then(False))


def moment(values: pl.Series, zone: str, formats: Sequence[str] = ()) -> pl.Series:
    """Return Int64 microseconds UTC; null where the value is no moment between 1970 and 2100.

    Reads ISO 8601 text (with an offset, or in `zone`), dates (midnight in `zone`), and counts since 1970 in seconds,
    milliseconds, microseconds or nanoseconds, told apart by their size. An hour that occurs twice when clocks are set
    back is read as the first; one that is skipped when they are set forward is read as if they had not been. Text is
    read by `formats` (`%d.%m.%Y`) first, in their order.
    """
    dtype = values.dtype
    if dtype.is_numeric():
        found = _epoch(values.cast(pl.Float64) if dtype.is_float() else values.cast(pl.Int64, strict=False))
    elif isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        found = values.dt.convert_time_zone("UTC").dt.timestamp("us")
    elif isinstance(dtype, pl.Datetime) or dtype == pl.Date:
        found = _local(values.cast(pl.Datetime("us")), zone)
    elif dtype == pl.String:
        text = values.str.strip_chars()
        found = _moment_text(text, zone)
        for form in reversed(formats):
            by_form = _by_format(text, form, zone)
            found = by_form.fill_null(found)
    else:
        found = pl.Series([None], dtype=pl.Int64).new_from_index(0, len(values))
    low, high = EPOCH_RANGE_US
    return _select(found.alias(values.name), pl.when(pl.col("x").is_between(low, high)).then(pl.col("x")))


def _epoch(values: pl.Series) -> pl.Series:
    x = pl.col("x")
    size = x.abs()
    return (
        values.alias("x")
        .to_frame()
        .select(
            pl.when(size < 10**11)
            .then((x * 1_000_000).cast(pl.Int64, strict=False))
            .when(size < 10**14)
            .then((x * 1_000).cast(pl.Int64, strict=False))
            .when(size < 10**17)
            .then(x.cast(pl.Int64, strict=False))
            .otherwise((x / 1_000).cast(pl.Int64, strict=False))
        )
        .to_series()
    )


def _local(naive: pl.Series, zone: str) -> pl.Series:
    if zone == "UTC":
        return naive.dt.timestamp("us")
    x = pl.col("x")
    hour = pl.duration(hours=1)

    def at(moment: pl.Expr) -> pl.Expr:
        return moment.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")

    return (
        naive.alias("x")
        .to_frame()
        .select(pl.coalesce(at(x), at(x - hour) + hour).dt.convert_time_zone("UTC").dt.timestamp("us"))
        .to_series()
    )


def _moment_text(values: pl.Series, zone: str) -> pl.Series:
    counts = values.str.contains(r"^\d+(\.\d+)?$") & ~values.str.contains(_DAY)
    whole = values.str.contains(r"^\d+$")
    found = pl.Series(values.name, [None], pl.Int64).new_from_index(0, len(values))
    if counts.any():
        # Whole counts stay whole: a double holds microseconds of today only to a quarter.
        for chosen, dtype in ((counts & whole, pl.Int64), (counts & ~whole, pl.Float64)):
            if chosen.any():
                parsed = _epoch(values.filter(chosen).cast(dtype, strict=False))
                found = found.scatter(chosen.arg_true(), parsed)
    written = (~counts).fill_null(False)
    if written.any():
        found = found.scatter(written.arg_true(), _iso(values.filter(written), zone))
    return found


def _by_format(values: pl.Series, form: str, zone: str) -> pl.Series:
    read = values.str.to_datetime(form, time_unit="us", strict=False)
    fixed = isinstance(read.dtype, pl.Datetime) and read.dtype.time_zone is not None
    return read.dt.timestamp("us") if fixed else _local(read, zone)


def _iso(values: pl.Series, zone: str) -> pl.Series:
    parts = values.str.extract_groups(
        r"^(?<day>\d{4}-?\d{2}-?\d{2})"
        r"(?:[T ](?<clock>\d{2}(?::?\d{2}(?::?\d{2}(?:[.,]\d{1,9})?)?)?))?"
        r"\s?(?<offset>Z|z|UTC|[+-]\d{2}(?::?\d{2})?)?$"
    ).struct.unnest()
    day = pl.col("day").str.replace_all("-", "", literal=True).str.to_date("%Y%m%d", strict=False)
    clock = pl.col("clock").fill_null("00").str.replace_all(":", "", literal=True).str.replace(",", ".", literal=True)
    fraction = clock.str.extract(r"(\.\d+)$").cast(pl.Float64).fill_null(0.0)
    seconds = (
        clock.str.slice(0, 2).cast(pl.Int64) * 3600
        + clock.str.slice(2, 2).str.extract(r"^(\d{2})$").cast(pl.Int64).fill_null(0) * 60
        + clock.str.slice(4, 2).str.extract(r"^(\d{2})$").cast(pl.Int64).fill_null(0)
    )
    # 24:00 and the leap second are in the standard; 25:00 is not.
    valid = (
        (clock.str.slice(0, 2).cast(pl.Int64) <= 24)
        & (clock.str.slice(2, 2).str.extract(r"^(\d{2})$").cast(pl.Int64).fill_null(0) < 60)
        & (clock.str.slice(4, 2).str.extract(r"^(\d{2})$").cast(pl.Int64).fill_null(0) <= 60)
    )
    offset = pl.col("offset")
    minutes = offset.str.extract(r"^[+-](\d{2})").cast(pl.Int64) * 60 + offset.str.extract(
        r"^[+-]\d{2}:?(\d{2})$"
    ).cast(pl.Int64).fill_null(0)
    sign = pl.when(offset.str.starts_with("-")).then(-1).otherwise(1)
    frame = parts.select(
        (
            day.cast(pl.Datetime("us"))
            + pl.duration(microseconds=seconds * 1_000_000 + (fraction * 1e6).round().cast(pl.Int64))
        ).alias("naive"),
        (sign * minutes.fill_null(0)).alias("minutes"),
        offset.is_not_null().alias("fixed"),
        valid.alias("valid"),
    )
    fixed = frame["naive"].dt.timestamp("us") - frame["minutes"] * 60_000_000
    local = _local(frame["naive"], zone) if zone != "UTC" else fixed
    out = pl.DataFrame({"fixed": frame["fixed"], "valid": frame["valid"], "a": fixed, "b": local})
    return out.select(
        pl.when(pl.col("valid")).then(pl.when(pl.col("fixed")).then(pl.col("a")).otherwise(pl.col("b")))
    ).to_series()


def category_paths(paths: pl.Series) -> pl.Series:
    """Return the paths with trimmed, non-empty, distinct segments: `" A >B> A "` becomes `"A > B"`.

    A segment that repeats an earlier one is left out, so that no path can lead back to where it came from.
    """
    distinct = paths.drop_nulls().unique()
    if distinct.is_empty():
        return paths
    parts = pl.col("path").str.split(">").list.eval(pl.element().str.strip_chars())
    kept = parts.list.eval(pl.element().filter(pl.element() != "")).list.unique(maintain_order=True)
    joined = kept.list.join(SEPARATOR)
    known = distinct.alias("path").to_frame().with_columns(pl.when(joined != "").then(joined).alias("clean"))
    return paths.alias("path").to_frame().join(known, on="path", how="left", maintain_order="left")["clean"]
