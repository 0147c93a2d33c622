"""`source.toml` is read strictly: what it cannot mean is an error that names the key and the nearest known one."""

from pathlib import Path

import pytest

from loaders import declarations
from loaders.errors import BadDeclaration


def write(folder: Path, text: str) -> Path:
    path = folder / "source.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_everything_that_the_docs_name_is_read(tmp_path: Path) -> None:
    found = declarations.read(
        write(
            tmp_path,
            """
            time_zone = "Europe/Oslo"
            currency = "nok"
            separator = ";"
            decimal = ","
            time_formats = ["%d.%m.%Y %H:%M", "%m/%d/%y"]
            types = { buy = "purchase", ping = "" }
            weights = { view = 0.5 }
            [columns]
            events = { item_id = "sku" }
            [attributes]
            income = { kind = "ordinal", order = ["low", "high"] }
            age = { kind = "numeric" }
            note = { kind = "ignore" }
            """,
        )
    )
    assert (found.time_zone, found.currency, found.separator, found.decimal) == ("Europe/Oslo", "NOK", ";", ",")
    assert found.time_formats == ("%d.%m.%Y %H:%M", "%m/%d/%y")
    assert found.types == {"buy": "purchase", "ping": ""}
    assert found.weights == {"view": 0.5}
    assert found.columns.events == {"item_id": "sku"}
    assert found.attributes["income"].order == ("low", "high")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('time_zon = "UTC"', ["'time_zon'", "time_zone, ", "Did you mean 'time_zone'?"]),
        ("[columns]\nevent = {}", ["columns.event", "users, items, events", "Did you mean 'events'?"]),
        ('[columns]\nevents = { itemid = "sku" }', ["'itemid'", "item_id", "Did you mean 'item_id'?"]),
        ('[attributes]\nage = { kind = "number" }', ["attributes.age.kind", "'number'", "numeric"]),
        ('[attributes]\nage = { kind = "numeric", sort = 1 }', ["attributes.age.sort", "kind, order"]),
        ('[attributes]\nincome = { kind = "ordinal" }', ["attributes.income", "order"]),
        ('[attributes]\nincome = { kind = "ordinal", order = ["a", "a"] }', ["twice"]),
        ('time_zone = "Europe/Olso"', ["Europe/Olso", "Did you mean 'europe/oslo'?"]),
        ('currency = "euro"', ["currency", "'euro'", "three letters"]),
        ('time_formats = ["dd.mm.yyyy"]', ["time_formats", "'dd.mm.yyyy'", "%d.%m.%Y"]),
        ('time_formats = ["%H:%M"]', ["time_formats", "'%H:%M'"]),
        ("weights = { view = -1 }", ["weights.view"]),
        ('separator = "ab"', ["separator", "one character"]),
        ('decimal = ";"', ["decimal"]),
        ("time_zone = ", ["not TOML"]),
    ],
)
def test_what_cannot_be_meant_is_said(tmp_path: Path, text: str, words: list[str]) -> None:
    path = write(tmp_path, text)
    with pytest.raises(BadDeclaration) as raised:
        declarations.read(path)
    for word in [*words, str(path)]:
        assert word in str(raised.value)
