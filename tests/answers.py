"""The answers on docs/api.md: `python -m tests.answers` asks the small shop and writes them behind their queries."""

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from graph import server
from graph.client import Client
from tests import served
from tests import shop as shops
from tests.served import Served

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
SECTIONS = (
    "A recipe for each page of a shop",
    "Why",
    "This reason is wrong",
    "Why not",
    "The filter bubble",
)
"""Headings under which each query stands with its answer."""
RECIPE = re.compile(r"```graphql\n(.*?)```\n(?:\n```json\n(.*?)```\n)?", re.DOTALL)

RECORD = "mutation ($input: RecordEventsInput!) { recordEvents(input: $input) { recorded existing rejected } }"


def answered(text: str) -> list[str]:
    """Return the parts of the page that hold queries with their answers."""
    begins = [text.index(f"\n## {name}\n") + 1 for name in SECTIONS]
    return [text[begin : text.index("\n## ", begin)] for begin in begins]


def prepare(api: Served) -> None:
    """Let six shoppers have coffee and tea in one basket: in the small shop every basket holds one thing."""
    at = "2023-07-20T10:00:00Z"
    events = [
        {"user": f"u{n}", "item": item, "type": "purchase", "at": at, "basketId": f"d{n}", "eventId": f"doc-{n}-{item}"}
        for n in range(0, 12, 2)
        for item in ("i0", "i5")
    ]
    done = api.ask(RECORD, input={"events": events})["recordEvents"]
    assert done["rejected"] == 0


def alike(told: object, found: object, *, withheld: bool = False) -> bool:
    """Whether two answers differ in nothing but values: the same fields, kinds and lengths.

    What may be said of other shoppers hangs on a secret of each model: it may be null in one and not in the other.
    """
    if withheld and (told is None or found is None):
        return True
    if isinstance(told, dict) and isinstance(found, dict):
        one: dict[str, Any] = told
        other: dict[str, Any] = found
        return one.keys() == other.keys() and all(
            alike(one[name], other[name], withheld=withheld or name == "neighbors") for name in one
        )
    if isinstance(told, list) and isinstance(found, list):
        some: list[Any] = told
        others: list[Any] = found
        return len(some) == len(others) and all(map(alike, some, others))
    if isinstance(told, int | float) and isinstance(found, int | float):
        return isinstance(told, bool) == isinstance(found, bool)
    return type(told) is type(found)


def _written(api: Served, text: str) -> str:
    def answered(match: re.Match[str]) -> str:
        answer = json.dumps(_short(api.ask(match[1])), indent=1, ensure_ascii=False)
        # Leaves on one line: what belongs together is read together.
        flat = re.sub(r"\{\n\s*([^{}\[\]]*?)\n\s*\}", lambda m: "{ " + re.sub(r"\n\s*", " ", m[1]) + " }", answer)
        flat = re.sub(r"\[\n\s*([-\d.,\s]*?)\n\s*\]", lambda m: "[" + re.sub(r"\n\s*", " ", m[1]) + "]", flat)
        return f"```graphql\n{match[1]}```\n\n```json\n{flat}\n```\n"

    return RECIPE.sub(answered, text)


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _short(part) for name, part in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [_short(part) for part in value]  # pyright: ignore[reportUnknownVariableType]
    return round(value, 4) if isinstance(value, float) else value


def main() -> None:
    """Serve the small shop, ask, write."""
    with tempfile.TemporaryDirectory() as folder:
        home, models = Path(folder) / "home", Path(folder) / "models"
        settings = server.up(home, heap_mb=512, report=print)
        try:
            with Client(settings) as client:
                served.load_shop(client, shops.make())
                served.first_model(client, models)
            with served.serving(served.settings(settings, models)) as api:
                prepare(api)
                text = PAGE.read_text(encoding="utf-8")
                for old in answered(text):
                    text = text.replace(old, _written(api, old))
                PAGE.write_text(text, encoding="utf-8")
        finally:
            server.down(home)


if __name__ == "__main__":
    main()
