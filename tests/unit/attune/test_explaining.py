"""The page of one explanation and the bars in the terminal: true numbers, nothing fetched, no markup let through."""

import re
from typing import Any

import pytest
from rich.cells import cell_len

from api.types import ContributionKind
from api.words import Locale, own
from attune import console, explaining, explanation_page
from attune.explaining import bar

EVIL = '<img src=x onerror="alert(1)">'


def _answer(values: list[float], title: str = "Tea") -> dict[str, Any]:
    return {
        "model": {"version": "v1", "trainedAt": "2026-11-25T09:35:50+00:00", "trained": True},
        "item": {
            "externalId": "i1",
            "title": title,
            "price": 2.5,
            "currency": None,
            "priceLevel": 0.4,
            "category": {"name": "Drinks"},
            "brand": None,
        },
        "user": {
            "externalId": "u1",
            "explain": {
                "sentence": f"Because it goes with {title}.",
                "score": sum(values),
                "estimated": False,
                "contributions": [
                    {
                        "kind": "ITEM",
                        "value": value,
                        "sentence": f"It goes with {title}.",
                        "path": [{"__typename": "User", "id": "x"}, {"__typename": "Item", "id": "y", "title": title}],
                    }
                    for value in values
                ],
                "neighbors": {"shoppers": None, "sentence": None},
                "cypher": "MATCH (u) WHERE 1 < 2 RETURN u",
            },
        },
    }


def page(answer: dict[str, Any], locale: Locale = Locale.EN) -> str:
    return explanation_page.page(answer, own()[locale], locale)


def _bars(text: str) -> list[tuple[str, float, float]]:
    found = re.findall(r'class="(bar[^"]*)" style="left:([\d.]+)%;width:([\d.]+)%"', text)
    return [(kind, float(left), float(width)) for kind, left, width in found]


def test_each_bar_starts_where_the_one_before_ended_and_the_score_is_their_sum():
    (_, first, wide), (second_kind, second, back), (_, start, whole) = _bars(page(_answer([3.0, -1.0])))
    assert (first, wide) == (0, 100)
    assert second_kind == "bar against"
    assert second + back == pytest.approx(100, abs=0.02)
    assert (start, whole) == (0, pytest.approx(66.67, abs=0.02))


def test_a_score_below_zero_has_its_bar_left_of_zero():
    text = page(_answer([-2.0, 1.0]))
    assert 'class="zero" style="left:100.00%"' in text
    assert _bars(text)[-1] == ("bar against", 50.0, 50.0)


def test_without_any_contribution_there_is_still_a_page():
    assert "+0.0000" in page(_answer([]))


def test_the_page_tells_of_an_estimated_score_and_of_first_weights():
    known = page(_answer([1.0]))
    assert "Estimated" not in known
    assert "model v1, trained 2026-11-25" in known
    answer = _answer([1.0])
    answer["user"]["explain"]["estimated"] = True
    answer["model"]["trained"] = False
    text = page(answer)
    assert "Estimated: the item is newer than the model" in text
    assert "first weights of 2026-11-25, not trained yet" in text


def test_the_page_is_of_one_language():
    answer = _answer([1.0, -0.5], "茶")
    answer["item"]["category"] = {"name": "饮料"}
    answer["user"]["explain"]["sentence"] = "因为它与“茶”相配。"
    answer["user"]["explain"]["estimated"] = True
    for part in answer["user"]["explain"]["contributions"]:
        part["sentence"] = "它与“茶”相配。"
    answer["user"]["explain"]["cypher"] = answer["user"]["externalId"] = answer["item"]["externalId"] = "1"
    text = page(answer, Locale.ZH)
    assert '<html lang="zh">' in text
    said = re.sub(r"(?s)<style>.*?</style>|<[^>]*>", " ", text)
    assert set(re.findall("[A-Za-z]+", said)) <= {"Neo", "j", "Browser", "v"}


@pytest.mark.parametrize("locale", list(Locale))
def test_every_kind_of_reason_has_a_name_in_every_language(locale: Locale):
    names = {explanation_page.kind({"kind": kind.name}, own()[locale]) for kind in ContributionKind}
    assert len(names) == len(ContributionKind)


def test_the_terminal_tells_headings_and_kinds_in_the_language_of_the_sentences(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    told = _answer([2.0, -1.0])
    told["user"]["whyNot"] = {"listed": True}
    told["user"]["explain"]["sentence"] = "因为它与“茶”相配。"
    told["user"]["explain"]["estimated"] = True
    for part in told["user"]["explain"]["contributions"]:
        part["sentence"] = "它与“茶”相配。"

    def answer(_query: str, _variables: dict[str, object]) -> dict[str, Any]:
        return told

    monkeypatch.setattr(explaining, "answer", answer)
    monkeypatch.setattr(console.OUT, "width", 80)
    explaining.explain("u1", "i1", html=None, json=False, locale="zh")
    said, _, cypher = capsys.readouterr().out.partition("在 Neo4j Browser 中查看：\n")
    assert cypher
    assert not re.findall("[A-Za-z]", said)
    lines = said.splitlines()
    heading = next(line for line in lines if "│ 有利" in line)
    drawn = [line for line in lines if "█" in line]
    assert {cell_len(line.partition("│")[0]) for line in drawn} == {cell_len(heading.partition("│")[0])}


def test_markup_in_titles_stays_text():
    text = page(_answer([1.0], EVIL))
    assert "<img" not in text
    assert "&lt;img src=x" in text
    assert "1 &lt; 2" in text


def test_the_page_asks_nobody_for_anything():
    text = page(_answer([1.0]))
    assert "default-src &#x27;none&#x27;" in text
    assert not re.findall(r"<script|<link|<iframe|\bsrc=|url\(|@import|https?:", text)


def test_bars_grow_from_the_middle_to_the_side_that_they_speak_for():
    assert bar(1.0, 1.0, 4) == "    │████"
    assert bar(-1.0, 1.0, 4) == "████│"
    assert bar(-0.5, 1.0, 4) == "  ██│"
    assert bar(0.125, 1.0, 4) == "    │▌"
    assert bar(1e-9, 1.0, 4) == "    │▏"
    assert bar(-1e-9, 1.0, 4) == "   ▐│"
    assert bar(0.0, 0.0, 4) == "    │"
