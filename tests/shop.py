"""A small shop with a known truth: every test that needs a shop can stand on this one.

Two kinds of taste (coffee and garden) and two purses (thrifty and generous) cross, so that a test can say beforehand
what a person must be recommended: coffee people see coffee, thrifty people see cheap coffee.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DAY_US = 86_400_000_000
START_US = 1_672_531_200_000_000  # 2023-01-01T00:00:00Z
WEEKS = 30

CATEGORIES = ("Food > Coffee", "Food > Tea", "Home > Garden", "Home > Tools")
BRANDS = ("Arbor", "Basalt", "Cirrus")

Row = dict[str, str | float | int | bool | None]


@dataclass(frozen=True, slots=True)
class Shop:
    """The four tables of the generic source as rows."""

    users: list[Row]
    items: list[Row]
    events: list[Row]


def make(users: int = 60, items: int = 48, seed: int = 7) -> Shop:
    """Draw the shop; the same arguments give the same rows.

    User `u<n>`: even n like food, odd n like home; n % 4 < 2 are thrifty. Item `i<n>` is in category n % 4 and its
    price grows with n.
    """
    rng = np.random.default_rng(seed)
    item_rows: list[Row] = [
        {
            "item_id": f"i{n}",
            "title": f"{CATEGORIES[n % 4].split(' > ')[1]} No. {n}",
            "description": f"Number {n} of its shelf",
            "category": CATEGORIES[n % 4],
            "brand": BRANDS[n % 3],
            "price": round(2.0 + 0.5 * n, 2),
            "currency": "EUR",
            "available": n != items - 1,
        }
        for n in range(items)
    ]
    user_rows: list[Row] = [
        {
            "user_id": f"u{n}",
            "income": "low" if n % 4 < 2 else "high",
            "age": 20 + n % 50,
            "city": ("Oslo", "Rome")[n % 2],
        }
        for n in range(users)
    ]
    event_rows: list[Row] = []
    for n in range(users):
        liked = [i for i in range(items) if (i % 4 < 2) == (n % 2 == 0)]
        by_price = sorted(liked)
        pool = by_price[: len(by_price) * 2 // 3] if n % 4 < 2 else by_price[len(by_price) // 3 :]
        favourites = rng.choice(pool, size=min(6, len(pool)), replace=False)
        for week in range(WEEKS):
            if rng.random() < 0.25:
                continue
            at = START_US + week * 7 * DAY_US + int(rng.integers(0, 6 * DAY_US))
            item = int(rng.choice(favourites)) if rng.random() < 0.6 else int(rng.choice(pool))
            basket = f"b{n}-{week}"
            base = {"user_id": f"u{n}", "basket_id": basket, "context": ("web", "store")[int(rng.integers(2))]}
            event_rows.append({**base, "event_id": f"v{n}-{week}", "item_id": f"i{item}", "type": "view", "at": at})
            if rng.random() < 0.8:
                price = round(2.0 + 0.5 * item, 2)
                event_rows.append(
                    {
                        **base,
                        "event_id": f"p{n}-{week}",
                        "item_id": f"i{item}",
                        "type": "purchase",
                        "at": at + 3_600_000_000,
                        "quantity": 1.0,
                        "amount": price,
                    }
                )
            if rng.random() < 0.1:
                event_rows.append(
                    {
                        **base,
                        "event_id": f"r{n}-{week}",
                        "item_id": f"i{item}",
                        "type": "rate",
                        "at": at + DAY_US,
                        "value": float(rng.integers(3, 6)),
                    }
                )
            if rng.random() < 0.1:
                event_rows.append({**base, "event_id": f"w{n}-{week}", "item_id": f"i{item}", "type": "wish", "at": at})
    return Shop(users=user_rows, items=item_rows, events=event_rows)


def write_folder(shop: Shop, folder: Path) -> Path:
    """Write the shop as a folder of the generic source: CSV events, JSON-lines items, CSV users, `source.toml`."""
    folder.mkdir(parents=True, exist_ok=True)
    columns: list[str] = [
        "event_id",
        "user_id",
        "item_id",
        "type",
        "at",
        "quantity",
        "amount",
        "value",
        "basket_id",
        "context",
    ]
    with (folder / "events.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, columns, restval="")
        writer.writeheader()
        writer.writerows(shop.events)
    with (folder / "users.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(shop.users[0]))
        writer.writeheader()
        writer.writerows(shop.users)
    with (folder / "items.jsonl").open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in shop.items)
    (folder / "source.toml").write_text(
        '[attributes]\nincome = { kind = "ordinal", order = ["low", "high"] }\n', encoding="utf-8"
    )
    return folder
