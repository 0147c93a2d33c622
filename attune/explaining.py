"""`attune explain`: the reasons for one score, in the terminal or as one page to attach to a ticket."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from attune import console, outputs
from attune.ask import answer
from attune.explanation_page import kind, page
from attune.serving import spoken

_EXPLAIN = """
query Explain($user: String!, $item: String!, $locale: Locale!) {
  user(id: $user) {
    whyNot(item: $item) { listed sentence(locale: $locale) changes { sentence(locale: $locale) } }
    explain(item: $item) {
      sentence(locale: $locale)
      score
      estimated
      contributions { kind value sentence(locale: $locale) path { __typename id } }
      neighbors { shoppers sentence(locale: $locale) }
      cypher
    }
  }
}
"""
_PAGE = """
query ExplainPage($user: String!, $item: String!, $locale: Locale!) {
  model { version trainedAt trained }
  item(id: $item) { externalId title price currency priceLevel category { name } brand { name } }
  user(id: $user) {
    externalId
    explain(item: $item) {
      sentence(locale: $locale)
      score
      estimated
      contributions {
        kind
        value
        sentence(locale: $locale)
        path {
          __typename
          id
          ... on Item { title }
          ... on Category { name }
          ... on Brand { name }
        }
      }
      neighbors { shoppers sentence(locale: $locale) }
      cypher
    }
  }
}
"""
# Half the bars' width at most; at least "against" stands above what speaks against.
_HALF = 14


def explain(user_id: str, item_id: str, *, html: Path | None, json: bool, locale: str = "en") -> None:
    """Print the contributions of one score, or the fields of GraphQL's `Explanation`; write the page to `html`.

    `locale`: the language of all that is written there, en or zh.
    """
    words = spoken(locale)
    variables = {"user": user_id, "item": item_id, "locale": locale.upper()}
    data = answer(_PAGE if html else _EXPLAIN, variables)
    explanation = data["user"]["explain"]
    if explanation is None:
        console.stop(f"item {item_id!r} is not one that the current model scores", code=console.WRONG_USE)
    if html is not None:
        outputs.file(html, "--html")
        with outputs.writing(html, "--html"):
            html.write_text(page(data, words, locale), encoding="utf-8")
        console.say(f"Page: {html}")
    if json:
        for part in explanation["contributions"]:
            part["path"] = [{name: node[name] for name in ("__typename", "id")} for node in part["path"]]
        console.emit(explanation)
        return
    console.OUT.print(explanation["sentence"], markup=False)
    if not html and (absent := why_not(data["user"]["whyNot"])):
        console.OUT.print(absent, markup=False)
    parts = explanation["contributions"]
    largest = max((abs(part["value"]) for part in parts), default=0.0)
    against = words["explain.against"].fill() + " "
    half = max(cell_len(against), min(_HALF, console.OUT.width // 8))
    rows = [
        [
            kind(part, words),
            f"{part['value']:+.4f}",
            bar(part["value"], largest, half),
            part["sentence"],
        ]
        for part in parts
    ]
    score, total = words["explain.score"].fill(), words["explain.sum"].fill()
    rows.append([score, f"{explanation['score']:+.4f}", bar(0.0, 1.0, half), total])
    # A Chinese character is two cells wide.
    heading = f"{' ' * (half - cell_len(against))}{against}│ {words['explain.for'].fill()}"
    named, value, why = (words[f"explain.{name}"].fill() for name in ("kind", "value", "why"))
    console.table([named, value, heading, why], rows, right=(1,), whole=(1, 2))
    if explanation["estimated"]:
        console.OUT.print(f"\n≈ {words['explain.estimated'].fill()}", markup=False)
    if explanation["neighbors"]["sentence"]:
        console.OUT.print("\n" + explanation["neighbors"]["sentence"], markup=False)
    console.OUT.print(f"\n{words['explain.browser'].fill()}\n{explanation['cypher']}", markup=False)


def why_not(found: Mapping[str, Any]) -> str:
    """Return why the item is not among the first 20, and the first change that would put it there; else nothing."""
    if found["listed"]:
        return ""
    return " ".join([found["sentence"], *(change["sentence"] for change in (found["changes"] or ())[:1])])


def bar(value: float, largest: float, half: int = _HALF) -> str:
    """Return a bar from the middle, to the right for what speaks for an item; the largest fills its half."""
    eighths = round(8 * half * abs(value) / largest) if largest else 0
    if value and not eighths:
        eighths = 1  # what counts at all is seen
    if value < 0:
        # There are no blocks that grow from the right but the whole and the half one.
        whole, rest = divmod(eighths, 8)
        return f"{('▐' if rest >= 4 or not whole else '') + '█' * whole:>{half}}│"
    whole, rest = divmod(eighths, 8)
    return f"{'':{half}}│{'█' * whole + (' ▏▎▍▌▋▊▉'[rest] if rest else '')}"
