"""The texts of sentences, and a shop's own in their place."""

import json
import re
from pathlib import Path

import pytest

from api import words
from api.faults import BadWords
from api.words import Locale


def test_every_language_has_the_same_texts() -> None:
    english, chinese = (words.own()[locale] for locale in Locale)
    assert english.texts.keys() == chinese.texts.keys()
    assert english.deeds == chinese.deeds


def test_why_an_item_is_not_listed_is_told_with_the_same_figures_in_every_language() -> None:
    english, chinese = (words.own()[locale].texts for locale in Locale)
    keys = [key for key in english if key.startswith("why_not.")]
    assert keys

    def used(text: words.Text) -> dict[str, set[str]]:
        return {count: set(re.findall(r"{(\w+)}", form)) for count, form in text.forms.items()}

    for key in keys:
        assert used(english[key]) == used(chinese[key]), key


def test_a_shop_says_some_things_in_its_own_words(tmp_path: Path) -> None:
    file = tmp_path / "words.toml"
    file.write_text(
        "[en.reasons.boost]\nfor = 'our buyers chose it'\n"
        "[en.deeds]\nwish = 'wished for {it} {times}'\n"
        "[zh.counts]\ntimes = { 2 = '两次', other = '{count}回' }\n",
        encoding="utf-8",
    )
    found = words.read(file)
    assert found[Locale.EN]["reasons.boost.for"].fill() == "our buyers chose it"
    assert found[Locale.EN]["reasons.boost.against"].fill() == "the shop holds it back"
    assert found[Locale.EN]["deeds.wish"].fill(2, it="it", times="twice", type="wish") == "wished for it twice"
    assert found[Locale.EN].deeds == (*words.own()[Locale.EN].deeds, "wish")
    assert [found[Locale.ZH]["counts.times"].fill(n) for n in (2, 3)] == ["两次", "3回"]


def test_the_file_may_be_json(tmp_path: Path) -> None:
    file = tmp_path / "words.json"
    file.write_text(json.dumps({"en": {"summary": {"one": "Since {reason}!"}}}))
    assert words.read(file)[Locale.EN]["summary.one"].fill(reason="so it is") == "Since so it is!"


def test_the_example_of_the_docs_can_be_used(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "api.md"
    (example,) = re.findall(r"```toml\n(\[en\..*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "words.toml"
    file.write_text(example, encoding="utf-8")
    assert words.read(file)[Locale.EN]["reasons.boost.for"].fill() == "our buyers picked it"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[en.reasons.itm]\nfor = 'x'",
            "`en.reasons.itm.for` is not a text that sentences are made of; did you mean `en.reasons.item.for`?",
        ),
        (
            "[en.reasons.item]\nfor = '{title} fits'",
            "`en.reasons.item.for`: the placeholder {title} is unknown here; there is: {deed}, {name}.",
        ),
        ("[en.reasons.boost]\nfor = '{price}'", "the placeholder {price} is unknown here; there is: none."),
        (
            "[zh.deeds]\nview = '看{time}'",
            "`zh.deeds.view`: the placeholder {time} is unknown here; there is: {it}, {times}, {type}.",
        ),
        ("[en.reasons.item]\nfor = '{name.__class__}'", "the placeholder {name.__class__} is unknown"),
        ("[en.reasons.item]\nfor = '{name!r}'", "the placeholder {name!r} is unknown"),
        ("[en.reasons.item]\nfor = '{name:>99}'", "the placeholder {name:>99} is unknown"),
        ("[en.reasons.item]\nfor = '{name'", "`en.reasons.item.for`: "),
        ("[en.reasons.item]\nfor = 3", "`en.reasons.item.for` must be a text of 1 to 500 characters"),
        ("[en.reasons.item]\nfor = ' '", "`en.reasons.item.for` must be a text of 1 to 500 characters"),
        ("[en.counts]\ntimes = { 1 = 'once' }", "`en.counts.times.1` is not a text"),
        ("[en.date]\nmonths = ['Jan']", "`en.date.months` must be a list of twelve names."),
        ("[eng]\n", "`eng` is not a language that sentences are told in; did you mean `en`?"),
        ("en = 'hello'", "`en` must be a table of texts."),
        ("[en", "is not TOML: "),
    ],
)
def test_what_cannot_be_said_is_refused_by_its_key(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "words.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadWords) as refused:
        words.read(file)
    assert str(file) in str(refused.value)
    assert said in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadWords, match="cannot be read: No such file"):
        words.read(tmp_path / "none.toml")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(BadWords, match="must hold a table per language, en and zh"):
        words.read(tmp_path / "list.json")
